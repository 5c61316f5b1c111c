"""The mailbox's own metrics."""

from __future__ import annotations

import platform
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from promontory_mailbox import __version__
from promontory_mailbox.store import Store

_SIZE_BUCKETS_BYTES = (1e3, 1e4, 1e5, 1e6, 1e7)


class Metrics:
    """All metrics of one mailbox; `store` gives the gauges."""

    def __init__(self, store: Store) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.received = Counter("mailbox_messages_received", "Messages taken and on disk.", registry=self.registry)
        self.refused = Counter(
            "mailbox_smtp_refusals",
            "SMTP replies of 400 and above, by code; 552 is a message that is too large, 452 a full disk.",
            ["code"],
            registry=self.registry,
        )
        self.size = Histogram(
            "mailbox_message_size_bytes",
            "Sizes of messages taken.",
            buckets=_SIZE_BUCKETS_BYTES,
            registry=self.registry,
        )
        self.last_received = Gauge(
            "mailbox_last_received_timestamp_seconds",
            "When the newest message was taken; 0 since the start: none.",
            registry=self.registry,
        )
        self.connections = Gauge("mailbox_smtp_connections", "Open SMTP connections.", registry=self.registry)
        self.registry.register(_Kept(store))
        Gauge(
            "mailbox_build_info", "Always 1; what is running.", ["version", "python_version"], registry=self.registry
        ).labels(__version__, platform.python_version()).set(1)

    def render(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self.registry)


class _Kept(Collector):
    """What the store itself counts, read at each scrape."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("mailbox_messages_stored", "Messages kept.", value=len(self._store))
        yield GaugeMetricFamily("mailbox_stored_bytes", "Bytes of messages kept.", value=self._store.total_bytes)
        yield CounterMetricFamily(
            "mailbox_messages_duplicates",
            "Messages taken and not kept, because one of the same Message-ID was.",
            value=self._store.duplicates,
        )
        yield CounterMetricFamily(
            "mailbox_messages_evicted", "Messages dropped to stay within the limits.", value=self._store.evicted
        )
