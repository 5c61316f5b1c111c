"""The application as gunicorn loads it, with settings from the environment."""

from __future__ import annotations

import os

from fintech.app import create_app
from fintech.config import Settings

app = create_app(Settings.from_environ(os.environ))
