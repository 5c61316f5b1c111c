"""What is exported: requests as they were logged, and nginx' own numbers at each scrape."""

from __future__ import annotations

import logging
import platform
from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from promontory_edge_exporter import __version__
from promontory_edge_exporter.line import OTHER, Request
from promontory_edge_exporter.status import Status, StatusError

log = logging.getLogger("promontory_edge_exporter")

_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
# These exist from the start, at 0: a rate() sees the first error only of a series that was there before it.
_USUAL_METHODS = ("GET", "POST")
_USUAL_STATUS = (200, 304, 401, 404, 499, 500, 502, 503, 504)
_USUAL_CLASSES = ("2xx", "5xx")


class Metrics:
    """All metrics of one edge.

    Args:
        sites: Names that the log may have; requests with any other name count as `other`.
        status: Asks nginx for its numbers; raises StatusError when it does not answer.
        connections_limit: Connections that nginx can hold, all its processes together.
    """

    def __init__(self, sites: Iterable[str], status: Callable[[], Status], connections_limit: int) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # one more series for each, of which Prometheus makes nothing
        self.registry = CollectorRegistry()
        self._sites = frozenset(sites) | {OTHER}
        ProcessCollector(registry=self.registry)
        self._requests = Counter(
            "edge_http_requests", "Requests answered.", ["site", "method", "status"], registry=self.registry
        )
        self._duration = Histogram(
            "edge_http_request_duration_seconds",
            "From the first byte of a request to the last byte of its answer.",
            ["site", "class"],
            buckets=_BUCKETS_S,
            registry=self.registry,
        )
        self._upstream = Histogram(
            "edge_http_upstream_duration_seconds",
            "What the program behind the edge took of that, all tries together.",
            ["site"],
            buckets=_BUCKETS_S,
            registry=self.registry,
        )
        self._retries = self._by_site("edge_http_upstream_retries", "Requests passed on to a further server, by tries.")
        self._received = self._by_site("edge_http_request_bytes", "Bytes of requests, head and body.")
        self._sent = self._by_site("edge_http_response_bytes", "Bytes of answers, head and body.")
        self._lines = Counter("edge_log_lines", "Log lines received.", registry=self.registry)
        self._invalid = Counter(
            "edge_log_lines_invalid", "Of those, lines that could not be read.", registry=self.registry
        )
        Gauge(
            "edge_exporter_build_info",
            "Always 1; what is running.",
            ["version", "python_version"],
            registry=self.registry,
        ).labels(__version__, platform.python_version()).set(1)
        self.registry.register(_Nginx(status, connections_limit))
        for site in sorted(self._sites):
            self._begin(site)

    def count(self, request: Request) -> None:
        """Count one request."""
        site = request.site if request.site in self._sites else OTHER
        self._lines.inc()
        self._requests.labels(site, request.method, request.status).inc()
        self._duration.labels(site, request.status_class).observe(request.duration_s)
        self._received.labels(site).inc(request.received_bytes)
        self._sent.labels(site).inc(request.sent_bytes)
        if request.upstream_s is not None:
            self._upstream.labels(site).observe(request.upstream_s)
            self._retries.labels(site).inc(request.tries - 1)

    def count_invalid(self) -> None:
        """Count a line that could not be read."""
        self._lines.inc()
        self._invalid.inc()

    def _by_site(self, name: str, text: str) -> Counter:
        return Counter(name, text, ["site"], registry=self.registry)

    def _begin(self, site: str) -> None:
        for method in _USUAL_METHODS:
            for status in _USUAL_STATUS:
                self._requests.labels(site, method, status)
        for status_class in _USUAL_CLASSES:
            self._duration.labels(site, status_class)
        for by_site in (self._upstream, self._retries, self._received, self._sent):
            by_site.labels(site)


class _Nginx(Collector):
    """nginx' own numbers, asked for at each scrape."""

    def __init__(self, status: Callable[[], Status], connections_limit: int) -> None:
        self._status = status
        self._limit = connections_limit
        self._was_up = True

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("edge_up", "Whether nginx answers its status page.")
        try:
            status = self._status()
        except StatusError as error:
            if self._was_up:
                log.warning("nginx does not answer its status page: %s", error)
            self._was_up = False
            up.add_metric([], 0)
            yield up
            return
        self._was_up = True
        up.add_metric([], 1)
        yield up
        connections = GaugeMetricFamily("edge_connections", "Connections of clients by what they do.", labels=["state"])
        for state in ("active", "reading", "writing", "waiting"):
            connections.add_metric([state], getattr(status, state))
        yield connections
        yield GaugeMetricFamily(
            "edge_connections_limit", "Connections that nginx can hold, to clients and to programs.", value=self._limit
        )
        yield CounterMetricFamily("edge_connections_accepted", "Connections accepted.", value=status.accepted)
        yield CounterMetricFamily(
            "edge_connections_handled", "Connections not dropped for want of room.", value=status.handled
        )
        yield CounterMetricFamily(
            "edge_requests_handled", "Requests that nginx counts itself, those that are not logged included.",
            value=status.requests,
        )  # fmt: skip
