"""gunicorn's settings for an instrumented service: `gunicorn --config python:flask_telemetry.gunicorn shop:app`.

Settings on gunicorn's command line win over these. Metrics are on METRICS_LISTEN, 127.0.0.1:9464 when that is not set.
"""

from __future__ import annotations

import os

from flask_telemetry.hooks import Hooks
from flask_telemetry.listener import Listen
from flask_telemetry.logs import logging_config

worker_class = "gthread"
threads = 8
logger_class = "flask_telemetry.gunicorn_logger.GunicornLogger"
logconfig_dict = logging_config()

_hooks = Hooks(lambda: Listen.from_environ(os.environ))
on_starting = _hooks.on_starting
when_ready = _hooks.when_ready
post_fork = _hooks.post_fork
post_worker_init = _hooks.post_worker_init
child_exit = _hooks.child_exit
nworkers_changed = _hooks.nworkers_changed
on_exit = _hooks.on_exit
