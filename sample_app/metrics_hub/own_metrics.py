"""The hub's own metrics: about the one scrape that they are part of.

All are gauges. Several hubs may answer in turn behind one address, and a counter would seem to jump between them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from prometheus_client import generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.registry import Collector

from metrics_hub import __version__
from metrics_hub.exposition import Format
from metrics_hub.merge import OWN_PREFIX


@dataclass(frozen=True)
class PodReport:
    """What became of one pod.

    Attributes:
        up: Whether its samples are in the answer.
        duration_s: Seconds until its answer was there, or was given up.
        samples: Samples of it in the answer.
        dropped: Samples it sent that are not in the answer, although it is up.
    """

    up: bool
    duration_s: float
    samples: int = 0
    dropped: int = 0


@dataclass(frozen=True)
class OwnMetrics(Collector):
    """The metrics of one scrape.

    Attributes:
        resolved: Whether the pods' name could be looked up; otherwise the last known ones were asked.
        skipped: Pods found and not asked, because there are too many.
        pods: What became of the others, by name.
    """

    resolved: bool
    skipped: int
    pods: Mapping[str, PodReport]

    def collect(self) -> Iterator[Metric]:
        """Give the families; prometheus_client calls this."""
        pods = self.pods
        build = _family("build_info", "The hub that answered, always 1.", "version")
        build.add_metric([__version__], 1)
        yield build
        yield _single("targets", "Pods that were found.", len(pods) + self.skipped)
        yield _single("targets_skipped", "Pods that were found and not asked: there are more than allowed.", self.skipped)
        yield _single("resolution_success", "1: the pods were looked up; 0: the last known ones were asked.", self.resolved)
        yield _by_pod("target_up", "1: the pod's samples are in this answer.", {n: p.up for n, p in pods.items()})
        yield _by_pod(
            "scrape_duration_seconds", "Time until the pod's answer.", {n: p.duration_s for n, p in pods.items()}
        )
        yield _by_pod("scrape_samples", "The pod's samples in this answer.", {n: p.samples for n, p in pods.items()})
        yield _by_pod(
            "samples_dropped",
            "Samples of the pod left out: repeated, or of a family that most pods declare otherwise.",
            {n: p.dropped for n, p in pods.items()},
        )

    def render(self, form: Format) -> str:
        """Write them in this format, without the mark of the end."""
        openmetrics = form is Format.OPENMETRICS
        text: bytes = generate_openmetrics(self) if openmetrics else generate_latest(self)  # type: ignore[no-untyped-call]
        return text.decode().removesuffix("# EOF\n")


def _family(name: str, documentation: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(OWN_PREFIX + name, documentation, labels=labels)


def _single(name: str, documentation: str, value: float) -> GaugeMetricFamily:
    family = _family(name, documentation)
    family.add_metric([], value)
    return family


def _by_pod(name: str, documentation: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = _family(name, documentation, "pod")
    for pod, value in values.items():
        family.add_metric([pod], value)
    return family
