"""How gunicorn runs the service: `gunicorn --config python:fintech.serving fintech.wsgi:app`.

One worker with threads, or several with --workers or WEB_CONCURRENCY; `flask_telemetry.hooks` says what becomes of the
metrics. Other settings of gunicorn may be given on its command line.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from types import FrameType
from typing import Any

from fintech.config import Settings
from fintech.errors import ConfigError
from fintech.services import Services, services
from flask_telemetry import logging_config
from flask_telemetry.hooks import Hooks
from flask_telemetry.listener import Listen

bind = ["127.0.0.1:8000"]
worker_class = "gthread"
threads = 8
graceful_timeout = 30  # seconds for requests under way, after the drain
control_socket_disable = True  # nobody needs another door, and the home directory may not be writable
logger_class = "flask_telemetry.gunicorn_logger.GunicornLogger"
logconfig_dict = logging_config()


def _settings() -> Settings:
    """Read the settings; what is wrong with them ends the program with one message."""
    try:
        return Settings.from_environ(os.environ)
    except ConfigError as error:
        raise SystemExit(f"fintech: {error}") from error


def _listen() -> Listen:
    settings = _settings()
    return Listen(settings.metrics_host, settings.metrics_port, settings.metrics_tls, os.environ.get("POD_NAME"))


_hooks = Hooks(_listen)
when_ready = _hooks.when_ready
post_fork = _hooks.post_fork
child_exit = _hooks.child_exit
nworkers_changed = _hooks.nworkers_changed
on_exit = _hooks.on_exit


def on_starting(server: Any) -> None:
    """Refuse in the master, with one message, what no worker could run with."""
    os.umask(0o077)  # the database holds password hashes
    _hooks.on_starting(server)
    _wait_for_the_drain(server)


def on_reload(server: Any) -> None:
    """Say again what a reload has forgotten."""
    _wait_for_the_drain(server)


def post_worker_init(worker: Any) -> None:
    """Start in the freshly loaded worker what runs beside the requests: metrics, audit, faults and the drain."""
    parts = services(worker.wsgi)
    logging.getLogger().setLevel(parts.settings.log_level)
    _hooks.post_worker_init(worker)
    parts.ledger_audit.start(parts.draining)
    parts.faults.start(parts.draining)
    _drain_before_exit(parts)


def worker_exit(_server: Any, worker: Any) -> None:
    """Close the database, so that SQLite folds its write-ahead log back into the file."""
    if worker.wsgi is not None:  # it is when the application could not be loaded
        services(worker.wsgi).faults.close()
        services(worker.wsgi).database.close()


def _wait_for_the_drain(server: Any) -> None:
    # The master waits graceful_timeout for its workers before it kills them; the drain comes on top.
    server.cfg.set("graceful_timeout", server.cfg.graceful_timeout + _settings().drain_s)


def _drain_before_exit(parts: Services) -> None:
    """On SIGTERM say "not ready" at once and answer on for `drain_s`, then let gunicorn finish what is under way."""
    stop = signal.getsignal(signal.SIGTERM)
    if not callable(stop):
        raise RuntimeError("gunicorn did not install its SIGTERM handler before post_worker_init")

    def drain(signum: int, frame: FrameType | None) -> None:
        if parts.draining.is_set():
            return  # systemd and the master both tell us
        parts.draining.set()
        if not parts.settings.drain_s:
            stop(signum, frame)
            return
        timer = threading.Timer(parts.settings.drain_s, stop, (signum, None))
        timer.daemon = True
        timer.start()

    signal.signal(signal.SIGTERM, drain)
    signal.siginterrupt(signal.SIGTERM, False)
