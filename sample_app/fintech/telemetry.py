"""The metrics: requests by route template, business outcomes, faults, build.

Everything here lives in the memory of one process, on a registry of its own. That is right because the service runs
as one gunicorn worker with threads (`fintech.serving` refuses more); with several, each scrape would see another one.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import prometheus_client
from flask import Flask, request
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from fintech import __version__
from fintech.bank import Kind, Outcome
from fintech.users import LoginOutcome

UNMATCHED = "_unmatched"
OTHER_METHOD = "_OTHER"

# OpenTelemetry's recommended bounds for http.server.request.duration, seconds. 0.25 and 1 are bounds, so service
# levels at these limits are exact.
_DURATION_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)

# The methods that OpenTelemetry knows; a client may invent as many others as it likes, under one label.
_METHODS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"})

# The failures this service answers with. Their series exist from the start, for every route that people use: rate()
# needs two samples, and an outage that begins a series of its own would be seen one scrape later.
_FAILURES = ("500", "503")
_NOT_FOR_PEOPLE = ("/admin/", "/static/", "/healthz", "/readyz", "/version")

_ROUTE_KEY = "fintech.route"
_STARTED_KEY = "fintech.started"


class Telemetry:
    """All metrics of one application.

    Args:
        revision: Source revision for fintech_build_info.
    """

    def __init__(self, *, revision: str) -> None:
        # The "_created" twin of each series doubles their number and nothing here reads it.
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        prometheus_client.ProcessCollector(registry=self.registry)
        prometheus_client.GCCollector(registry=self.registry)
        self._duration = Histogram(
            "http_server_request_duration_seconds",
            "Time from the first look at a request to its whole response.",
            ["http_request_method", "http_route", "http_response_status_code"],
            buckets=_DURATION_BUCKETS_S,
            registry=self.registry,
        )
        self._active = Gauge(
            "http_server_active_requests", "Requests in work.", ["http_request_method"], registry=self.registry
        )
        self._threads = Gauge(
            "fintech_request_threads", "Requests that can be in work at the same time.", registry=self.registry
        )
        self._transactions = Counter(
            "fintech_transactions",
            "Attempted transactions by what became of them; counted after the commit.",
            ["kind", "outcome"],
            registry=self.registry,
        )
        self._logins = Counter(
            "fintech_logins", "Attempted logins by what became of them.", ["outcome"], registry=self.registry
        )
        Gauge(
            "fintech_build_info",
            "Always 1; what is running.",
            ["version", "revision", "python_version"],
            registry=self.registry,
        ).labels(__version__, revision, platform.python_version()).set(1)
        # All children exist from the start: rate() sees the step from 0 to 1, and a quiet service is not an absent one.
        for kind in Kind:
            for outcome in Outcome:
                self._transactions.labels(kind.value, outcome.value)
        for login in LoginOutcome:
            self._logins.labels(login.value)
        # Looking a child up by its labels costs more than observing it. The key is bounded like the labels are.
        self._durations: dict[tuple[str, str, str], Any] = {}
        self._in_work = {method: self._active.labels(method) for method in (*sorted(_METHODS), OTHER_METHOD)}

    def can_work_on(self, threads: int) -> None:
        """Say how many requests can be in work at the same time."""
        self._threads.set(threads)

    def expect(self, routes: Iterable[tuple[str, str]]) -> None:
        """Make the series of failed requests for these pairs of method and route template, with the value 0."""
        for method, route in routes:
            if route.startswith(_NOT_FOR_PEOPLE) or method not in _METHODS:
                continue
            for status in _FAILURES:
                self._durations[method, route, status] = self._duration.labels(method, route, status)

    def transaction(self, kind: Kind, outcome: Outcome) -> None:
        """Count one attempted transaction."""
        self._transactions.labels(kind.value, outcome.value).inc()

    def login(self, outcome: LoginOutcome) -> None:
        """Count one attempted login."""
        self._logins.labels(outcome.value).inc()

    def init_app(self, app: Flask) -> None:
        """Measure every request of the application, those that match no route and those that fail included."""
        app.before_request(_remember_route)
        app.wsgi_app = self._measured(app.wsgi_app)  # type: ignore[assignment, method-assign]

    def _measured(self, wsgi_app: WSGIApplication) -> WSGIApplication:
        def measured(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            started = time.perf_counter()
            environ[_STARTED_KEY] = started
            method = environ["REQUEST_METHOD"]
            if method not in _METHODS:
                method = OTHER_METHOD
            in_work = self._in_work[method]
            in_work.inc()
            status = "500"  # unless a response is begun

            def noting_status(status_line: str, *rest: Any) -> Callable[[bytes], object]:
                nonlocal status
                status = status_line[:3]
                return start_response(status_line, *rest)

            try:
                # Bodies are whole before they are returned, nothing here streams: this is the time of the response.
                return wsgi_app(environ, noting_status)
            finally:
                key = (method, environ.get(_ROUTE_KEY, UNMATCHED), status)
                child = self._durations.get(key)
                if child is None:
                    child = self._durations[key] = self._duration.labels(*key)
                child.observe(time.perf_counter() - started)
                in_work.dec()

        return measured


def route_of_request() -> str:
    """Return the template of the current request's route, such as "/accounts/<account:number>", or "_unmatched"."""
    return request.url_rule.rule if request.url_rule else UNMATCHED


def duration_of_request_s() -> float:
    """Tell for how long the current request has been in work, seconds."""
    started: float = request.environ[_STARTED_KEY]
    return time.perf_counter() - started


def _remember_route() -> None:
    request.environ[_ROUTE_KEY] = route_of_request()
