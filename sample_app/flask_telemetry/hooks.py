"""gunicorn's hooks: they put the metrics listener where it belongs and keep the sums right as workers come and go.

One worker keeps its metrics in memory, with exemplars, and the listener is in it. Several share theirs in files, and the
listener is in the master, so that it answers through every reload and whichever worker is busy or gone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from http.server import ThreadingHTTPServer
from typing import Any

from flask_telemetry.listener import Listen, start_listener
from flask_telemetry.processes import ProcessesCollector
from flask_telemetry.shared_files import SharedFiles, registry_of, share_metrics
from flask_telemetry.telemetry import telemetry_of

_LOG = logging.getLogger(__name__)


class Hooks:
    """The hooks of one gunicorn master; each method is the hook of its name in gunicorn's configuration.

    Args:
        listen: Tells where the metrics listener listens; raises ValueError when the settings are wrong.
    """

    def __init__(self, listen: Callable[[], Listen]) -> None:
        self._listen = listen
        self._files: SharedFiles | None = None
        self._listener: ThreadingHTTPServer | None = None
        self._decided = False

    def on_starting(self, server: Any) -> None:
        """Refuse, with one message, settings that no worker could run with."""
        try:
            self._listen()
        except ValueError as error:
            raise SystemExit(str(error)) from error
        if server.cfg.workers > 1 and server.cfg.preload_app:
            raise SystemExit("preload_app makes metrics before workers share them: leave it out, or use one worker")

    def when_ready(self, server: Any) -> None:
        """Decide where metrics live, before a worker makes any; for several workers, start the listener here."""
        if server.cfg.workers > 1:
            self._files = SharedFiles()
        share_metrics(self._files)
        self._decided = True
        if self._files is None:
            return
        registry = registry_of(self._files, ProcessesCollector(lambda: list(server.WORKERS)))
        listen = self._listen()
        try:
            self._listener = start_listener(registry, listen)
        except OSError as error:
            self._files.remove()
            raise SystemExit(f"cannot serve metrics on {listen.host}:{listen.port}: {error.strerror}") from error

    def post_fork(self, _server: Any, _worker: Any) -> None:
        """Close the master's listener in a worker, which would hold the port after the master is gone."""
        if self._listener is not None:
            self._listener.socket.close()

    def post_worker_init(self, worker: Any) -> None:
        """Begin to measure in a worker that has loaded the application."""
        telemetry = telemetry_of(worker.wsgi)
        telemetry.can_work_on(worker.cfg.threads)
        telemetry.expect_failures()
        if self._files is None:
            start_listener(telemetry.registry, self._listen())

    def child_exit(self, _server: Any, worker: Any) -> None:
        """Keep what a worker has counted."""
        if self._files is not None:
            self._files.worker_ended(worker.pid)

    def nworkers_changed(self, server: Any, new: int, _old: int | None) -> None:
        """Refuse a second worker, asked for by a signal or a reload, where the first keeps its metrics to itself."""
        if self._decided and self._files is None and new > 1:
            _LOG.error("workers stay 1: the service was started with one; to have %d, start it again", new)
            server.num_workers = 1

    def on_exit(self, _server: Any) -> None:
        """Remove the shared files."""
        if self._files is not None:
            self._files.remove()
