"""What every request of a Flask service leaves behind: a measurement by route template, a line in the log, a trace id.

Nothing that a client sends becomes a label: an unknown path is `_unmatched`, an unknown method `_OTHER`.
"""

from __future__ import annotations

import logging
import platform
import re
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import prometheus_client
from flask import Flask, request
from prometheus_client import CollectorRegistry, Gauge

from flask_telemetry.durations import Durations
from flask_telemetry.in_work import count_in_work
from flask_telemetry.traces import request_id_of, trace_of

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from flask_telemetry.pool import PoolMetrics
    from flask_telemetry.statements import StatementMetrics

UNMATCHED = "_unmatched"
OTHER_METHOD = "_OTHER"

# The methods that OpenTelemetry knows; a client may invent as many others as it likes, under one label.
_METHODS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"})

# The failures that a service answers with. Their series exist from the start: rate() needs two samples, and an outage
# that begins a series of its own would be seen one scrape later.
_FAILURES = ("500", "503")
_ANSWERED_BY_FLASK = frozenset({"HEAD", "OPTIONS"})

_EXTENSION = "flask_telemetry"
_SERVICE = re.compile(r"[a-z][a-z0-9_]*")
_PATH_CHARACTERS_MAX = 200


class Telemetry:
    """Measures, traces and logs the requests of one application.

    Args:
        app: The application; its routes may be added later.
        service: Begins the names of the metrics and loggers that are the service's own: a-z, 0-9 and _.
        version: Version of the service, for <service>_build_info.
        revision: Source revision, for the same.
        quiet_routes: Templates of routes whose requests are logged at debug level only, such as those of probes.
        machinery: Beginnings of route templates that nobody's service level counts; see `expect_failures`.
    Raises:
        ValueError: The name of the service cannot begin the name of a metric.
    """

    def __init__(
        self,
        app: Flask,
        *,
        service: str = "app",
        version: str = "unknown",
        revision: str = "unknown",
        quiet_routes: Iterable[str] = ("/healthz", "/readyz"),
        machinery: tuple[str, ...] = ("/static/", "/healthz", "/readyz"),
    ) -> None:
        if not _SERVICE.fullmatch(service):
            raise ValueError(f"service is {service!r}; it begins names of metrics: write it with a-z, 0-9 and _")
        # The "_created" twin of each series doubles their number and nothing here reads it.
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        prometheus_client.ProcessCollector(registry=self.registry)
        prometheus_client.GCCollector(registry=self.registry)
        self._app = app
        self._log = logging.getLogger(f"{service}.request")
        self._quiet_routes = frozenset(quiet_routes)
        self._machinery = machinery
        self._durations = Durations(self.registry)
        self._threads = Gauge(
            f"{service}_request_threads",
            "Requests that can be in work at the same time.",
            multiprocess_mode="livesum",
            registry=self.registry,
        )
        Gauge(
            f"{service}_build_info",
            "Always 1; what is running.",
            ["version", "revision", "python_version"],
            multiprocess_mode="livemax",
            registry=self.registry,
        ).labels(version, revision, platform.python_version()).set(1)
        in_work = count_in_work(self.registry, (*sorted(_METHODS), OTHER_METHOD))
        self._methods = {method: (method, *count) for method, count in in_work.items()}
        self._other_method = self._methods[OTHER_METHOD]
        self._database: tuple[PoolMetrics, StatementMetrics] | None = None
        app.extensions[_EXTENSION] = self
        app.wsgi_app = self._measured(app.wsgi_app)  # type: ignore[assignment, method-assign]

    def can_work_on(self, threads: int) -> None:
        """Say how many requests this process can have in work at the same time."""
        self._threads.set(threads)

    def expect_failures(self) -> None:
        """Make the series of failed requests, with the value 0, for all routes there are but those of the machinery."""
        for rule in self._app.url_map.iter_rules():
            if rule.rule.startswith(self._machinery):
                continue
            for method in ((rule.methods or set()) - _ANSWERED_BY_FLASK) & _METHODS:
                for status in _FAILURES:
                    self._durations[method, rule.rule, status]

    def watch_engine(self, engine: Engine, pool_name: str) -> None:
        """Measure the connection pool and the statements of a SQLAlchemy engine.

        Args:
            engine: Fresh and not watched yet; a service without SQLAlchemy needs nothing of this.
            pool_name: Tells its pool from the others of the service.
        """
        from flask_telemetry.pool import PoolMetrics
        from flask_telemetry.statements import StatementMetrics

        if self._database is None:
            self._database = (PoolMetrics(self.registry), StatementMetrics(self.registry))
        pools, statements = self._database
        pools.watch(engine, pool_name)
        statements.watch(engine)

    def _measured(self, wsgi_app: WSGIApplication) -> WSGIApplication:
        # This runs around every request; each line of it was weighed by benchmarks/instrumentation.py.
        def measured(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            started = time.perf_counter()
            method, begin, end = self._methods.get(environ["REQUEST_METHOD"], self._other_method)
            begin()
            route, status = UNMATCHED, "500"  # unless a response is begun

            def noting_status(
                status_line: str, headers: list[tuple[str, str]], *rest: Any
            ) -> Callable[[bytes], object]:
                nonlocal route, status
                status = status_line[:3]
                # werkzeug leaves the request in the environment, and Flask takes it out once it has been answered.
                rule = environ["werkzeug.request"].url_rule
                if rule is not None:
                    route = rule.rule
                headers.append(("X-Request-Id", request_id_of(environ)))
                return start_response(status_line, headers, *rest)

            try:
                # Bodies are whole before they are returned, nothing here streams: this is the time of the response.
                return wsgi_app(environ, noting_status)
            finally:
                now = time.perf_counter()
                self._durations[method, route, status].observe(environ, now - started, now)
                end()
                if self._log.isEnabledFor(logging.INFO):
                    self._log_request(environ, route, status, now - started)

        return measured

    def _log_request(self, environ: WSGIEnvironment, route: str, status: str, duration_s: float) -> None:
        level = logging.DEBUG if route in self._quiet_routes else logging.INFO
        if not self._log.isEnabledFor(level):
            return
        trace_id, span_id = trace_of(environ)
        # WSGI carries a path's bytes as Latin-1.
        path = environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "replace")
        fields = {
            "trace_id": trace_id,
            "span_id": span_id,
            "request_id": request_id_of(environ),
            "method": environ["REQUEST_METHOD"],
            "route": route,
            "path": path[:_PATH_CHARACTERS_MAX],
            "status": int(status),
            "duration_ms": round(duration_s * 1000, 1),
            "client": environ.get("REMOTE_ADDR"),
        }
        self._log.log(level, "request", extra={"fields": fields})


def telemetry_of(app: Flask) -> Telemetry:
    """Return what measures this application; raises LookupError when nothing does."""
    found: Telemetry | None = getattr(app, "extensions", {}).get(_EXTENSION)
    if found is None:
        raise LookupError(
            f"{app!r} is no Flask application measured by flask_telemetry: make Telemetry(app) where it is made"
        )
    return found


def route_of_request() -> str:
    """Return the template of the current request's route, such as "/accounts/<account:number>", or "_unmatched"."""
    return request.url_rule.rule if request.url_rule else UNMATCHED
