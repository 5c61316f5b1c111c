"""Alertmanager's configuration from typed data: receivers, the route tree, times, inhibition, and what can be seen in it.

Go templates stay plain text here; nothing of what this package returns is templated by Ansible again.
"""

from __future__ import annotations

from .configuration import Rendered, render
from .errors import AlertmanagerError

__all__ = ["AlertmanagerError", "Rendered", "render"]
