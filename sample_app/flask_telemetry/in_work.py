"""How many requests are in work, by method."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from prometheus_client import CollectorRegistry, Gauge

from flask_telemetry.shared_files import metrics_are_shared

# What to call when a request begins, and when it ends.
Count = tuple[Callable[[], object], Callable[[], object]]


def count_in_work(registry: CollectorRegistry, methods: Iterable[str]) -> dict[str, Count]:
    """Make the gauge and return, for each method, what counts its requests.

    In the memory of one process a list is the counter: to append to it and to pop from it is safe from several threads,
    and unlike a gauge's own counting takes no lock. With eight threads those two locks cost an empty route 7 % of its
    throughput (`benchmarks/instrumentation.py`). Files shared by several workers need the gauge's own counting.
    """
    gauge = Gauge(
        "http_server_active_requests",
        "Requests in work.",
        ["http_request_method"],
        multiprocess_mode="livesum",
        registry=registry,
    )
    counts: dict[str, Count] = {}
    for method in methods:
        child = gauge.labels(method)
        if metrics_are_shared():
            counts[method] = (child.inc, child.dec)
        else:
            marks: list[None] = []
            child.set_function(marks.__len__)
            counts[method] = (partial(marks.append, None), marks.pop)
    return counts
