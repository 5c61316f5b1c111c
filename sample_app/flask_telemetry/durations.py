"""How long requests take, by method, route template and status, with the trace ids of some of them as exemplars."""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import Any
from wsgiref.types import WSGIEnvironment

from prometheus_client import CollectorRegistry, Histogram

from flask_telemetry.shared_files import metrics_are_shared
from flask_telemetry.traces import trace_of

# OpenTelemetry's recommended bounds for http.server.request.duration, seconds. 0.25 and 1 are bounds, so service
# levels at these limits are exact.
_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)

# A scrape sees the last exemplar of each bucket, so most of those of a busy bucket would be made for nobody. They are
# a fifth of what a measurement costs.
_EXEMPLAR_PAUSE_S = 1.0


class Series:
    """The requests of one method, route and status.

    Args:
        observe: Takes a duration in seconds and perhaps an exemplar.
        with_exemplars: Whether there are to be any.
    """

    def __init__(self, observe: Any, *, with_exemplars: bool) -> None:
        self._observe = observe
        self._exemplar_due = [-math.inf if with_exemplars else math.inf] * (len(_BUCKETS_S) + 1)

    def observe(self, environ: WSGIEnvironment, duration_s: float, now: float) -> None:
        """Measure one request.

        Args:
            environ: Its environment.
            duration_s: How long it took, seconds.
            now: Seconds of any clock that only goes forward.
        """
        bucket = bisect_left(_BUCKETS_S, duration_s)
        if now < self._exemplar_due[bucket]:
            self._observe(duration_s)
        else:
            self._exemplar_due[bucket] = now + _EXEMPLAR_PAUSE_S
            self._observe(duration_s, {"trace_id": trace_of(environ).trace_id})


class Durations(dict[tuple[str, str, str], Series]):
    """All series by method, route and status; one that is missing is made.

    Looking one up here costs less than by its labels, and the keys are bounded like the labels are.

    Args:
        registry: Where they are shown.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        super().__init__()
        self._histogram = Histogram(
            "http_server_request_duration_seconds",
            "Time from the first look at a request to its whole response.",
            ["http_request_method", "http_route", "http_response_status_code"],
            buckets=_BUCKETS_S,
            registry=registry,
        )
        # Files shared by several workers cannot hold exemplars.
        self._with_exemplars = not metrics_are_shared()

    def __missing__(self, key: tuple[str, str, str]) -> Series:
        """Make the series of a key that is asked for."""
        series = self[key] = Series(self._histogram.labels(*key).observe, with_exemplars=self._with_exemplars)
        return series
