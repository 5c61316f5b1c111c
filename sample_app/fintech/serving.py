"""How gunicorn runs the service: `gunicorn --config python:fintech.serving fintech.wsgi:app`.

One worker with threads. The metrics and the fault switch live in its memory, and the metrics listener is started in
it; scale by hosts or replicas, not by workers. Other settings of gunicorn may be given on its command line.
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
from fintech.logs import logging_config
from fintech.metrics_server import start_metrics_server
from fintech.services import Services, services

_LOG = logging.getLogger(__name__)

bind = ["127.0.0.1:8000"]
worker_class = "gthread"
workers = 1
threads = 8
graceful_timeout = 30  # seconds for requests under way, after the drain
control_socket_disable = True  # nobody needs another door, and the home directory may not be writable
logconfig_dict = logging_config()


def on_starting(server: Any) -> None:
    """Refuse in the master, with one message, what no worker could run with."""
    os.umask(0o077)  # the database holds password hashes
    if server.cfg.workers != 1:
        raise SystemExit(f"fintech: workers is {server.cfg.workers}, it must be 1: give more --threads instead.")
    try:
        settings = Settings.from_environ(os.environ)
    except ConfigError as error:
        raise SystemExit(f"fintech: {error}") from error
    # The master waits graceful_timeout for its workers before it kills them; the drain comes on top.
    server.cfg.set("graceful_timeout", server.cfg.graceful_timeout + settings.drain_s)


def post_worker_init(worker: Any) -> None:
    """Start the metrics listener, the ledger's audit and the drain in the freshly started worker."""
    parts = services(worker.wsgi)
    logging.getLogger().setLevel(parts.settings.log_level)
    start_metrics_server(
        parts.telemetry.registry,
        parts.settings.metrics_host,
        parts.settings.metrics_port,
        parts.settings.metrics_tls,
    )
    parts.telemetry.can_work_on(worker.cfg.threads)
    parts.ledger_audit.start(parts.draining)
    _drain_before_exit(parts)


def worker_exit(_server: Any, worker: Any) -> None:
    """Close the database, so that SQLite folds its write-ahead log back into the file."""
    if worker.wsgi is not None:  # it is when the application could not be loaded
        services(worker.wsgi).database.close()


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
