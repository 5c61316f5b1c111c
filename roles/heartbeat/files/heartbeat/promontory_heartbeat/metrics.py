"""The watcher's own metrics."""

from __future__ import annotations

import platform
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from promontory_heartbeat import __version__
from promontory_heartbeat.watch import Watches

# The target's own labels are environment and instance; what is watched has a name of its own.
_LABELS = ["watched"]


class Metrics:
    """All metrics of one watcher."""

    def __init__(self, watches: Watches) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.beats = Counter("heartbeat_beats", "Signs of life taken.", _LABELS, registry=self.registry)
        self.refused = Counter("heartbeat_refused_beats", "Beats of environments that are not watched.", registry=self.registry)
        self.mails = Counter("heartbeat_mails_sent", "Mails that the mail server has taken.", registry=self.registry)
        self.mail_failures = Counter("heartbeat_mail_failures", "Mails that could not be sent; tried again.", registry=self.registry)
        for watch in watches.all():
            self.beats.labels(watch.name)
        self.registry.register(_State(watches))
        Gauge("heartbeat_build_info", "Always 1; what is running.", ["version", "python_version"], registry=self.registry).labels(
            __version__, platform.python_version()
        ).set(1)

    def render(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self.registry)


class _State(Collector):
    """What the watches themselves say, read at each scrape."""

    def __init__(self, watches: Watches) -> None:
        self._watches = watches

    def collect(self) -> Iterator[Metric]:
        last = GaugeMetricFamily("heartbeat_last_beat_timestamp_seconds", "When the newest beat came; 0: never.", labels=_LABELS)
        silent = GaugeMetricFamily("heartbeat_silent", "1 while people are told of a silence.", labels=_LABELS)
        for watch in self._watches.all():
            last.add_metric([watch.name], watch.last_beat or 0.0)
            silent.add_metric([watch.name], float(watch.reported_at is not None))
        yield last
        yield silent
