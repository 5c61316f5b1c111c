"""Makes a catalogue from what a running Prometheus has scraped, and joins it with an older one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import requests

from promontory.catalogue import ANY_JOB, Metric
from promontory.errors import ServiceUnreachable, UsageError

_TIMEOUT_S = 60
# Series of the last hour: what a probe or a job exports only at times is among them.
_LOOK_BACK_S = 3600
_SERIES_OF = {"_bucket": ("histogram",), "_sum": ("histogram", "summary"), "_count": ("histogram", "summary")}
_UNITS = (
    "seconds", "bytes", "ratio", "percent", "celsius", "hertz", "volts", "amperes", "joules", "watts", "meters", "packets",
    "requests", "bits", "cores", "days",
)  # fmt: skip
# Exported by Prometheus for every target; it keeps no metadata of them.
_OF_EVERY_TARGET = {
    "up": "1 when the last scrape of the target went well, else 0.",
    "scrape_duration_seconds": "How long the last scrape of the target took.",
    "scrape_samples_scraped": "Samples that the target exposed.",
    "scrape_samples_post_metric_relabeling": "Samples that were left after metric relabelling.",
    "scrape_series_added": "About how many series were new in the last scrape.",
    "scrape_timeout_seconds": "The timeout of the target's scrapes.",
    "scrape_sample_limit": "The most samples that a scrape of the target may have.",
    "scrape_body_size_bytes": "Size of the last answer, uncompressed.",
}


class Prometheus:
    """Asks the API of a Prometheus.

    Args:
        url: Its base URL, such as `http://127.0.0.1:9090`; a name and a password in it are used.
    """

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def ask(self, path: str, **parameters: Any) -> Any:
        """Return `data` of an answer.

        Raises:
            ServiceUnreachable: It does not answer, or not as Prometheus does.
        """
        try:
            answer = requests.get(f"{self._url}/api/v1/{path}", params=parameters, timeout=_TIMEOUT_S)
            answer.raise_for_status()
            return answer.json()["data"]
        except (requests.RequestException, ValueError, KeyError, TypeError) as error:
            raise ServiceUnreachable(
                f"{self._url} does not answer like a Prometheus: {error}",
                hint="Give the URL up to where its own pages start, with user:password@ where it asks for them.",
            ) from error


def record(prometheus: Prometheus, now: float) -> tuple[dict[str, Metric], dict[str, list[str]]]:
    """Return the metrics that a Prometheus has scraped lately, and the versions of the programs by job.

    Args:
        prometheus: Whom to ask.
        now: Seconds since the epoch.
    Raises:
        ServiceUnreachable: It does not answer.
        UsageError: It has scraped nothing.
    """
    series = prometheus.ask("series", **{"match[]": '{__name__=~".+"}', "start": now - _LOOK_BACK_S, "end": now})
    groups = prometheus.ask("rules", type="record")["groups"]
    made = {rule["name"] for group in groups for rule in group["rules"]}
    metrics = from_series(series, prometheus.ask("targets/metadata"), made)
    if not metrics:
        raise UsageError("This Prometheus has no series of the last hour.", hint="Wait for its first scrapes.")
    return metrics, versions(series)


def from_series(
    series: Iterable[Mapping[str, str]], metadata: Iterable[Mapping[str, Any]], made: Iterable[str] = ()
) -> dict[str, Metric]:
    """Return metrics by name.

    Args:
        series: Label sets, as the API's `series` has them.
        metadata: What the API's `targets/metadata` has: target, metric, type, help, unit.
        made: Names that rules make; they, and what Prometheus says of its alerts, are left out.
    """
    told: dict[tuple[str, str], Mapping[str, Any]] = {}
    for line in sorted(metadata, key=lambda item: (item["metric"], str(item["target"]))):
        told.setdefault((line["target"]["job"], line["metric"]), line)
    own = {"ALERTS", "ALERTS_FOR_STATE", *made}
    scraped = {job for job, _ in told}
    jobs: dict[str, dict[str, set[str]]] = {}
    for labels in series:
        name = labels["__name__"]
        # What was pushed has the job that its sender says.
        job = labels["job"] if labels.get("job") in scraped else ANY_JOB
        if name not in own:
            jobs.setdefault(name, {}).setdefault(job, set()).update(set(labels) - {"__name__"})
    return {name: _metric(name, of, told) for name, of in sorted(jobs.items())}


def versions(series: Iterable[Mapping[str, str]]) -> dict[str, list[str]]:
    """Return the versions that programs say of themselves in their `…_build_info`, by job."""
    found: dict[str, set[str]] = {}
    for labels in series:
        version = labels.get("version", "")
        if labels["__name__"].endswith("_build_info") and labels["__name__"] != "go_build_info" and version:
            found.setdefault(labels.get("job", ""), set()).add(
                re.split("[+~]", version)[0]
            )  # without a packager's mark
    return {job: sorted(of) for job, of in sorted(found.items())}


def merged(old: Mapping[str, Metric], new: Mapping[str, Metric]) -> dict[str, Metric]:
    """Join two catalogues: a metric seen once stays, also where it shows in some states of a program only.

    The first words about a metric stay, so that recording the same stack again changes nothing.
    """
    joined = dict(old)
    for name, metric in new.items():
        before = joined.get(name)
        if before is None:
            joined[name] = metric
            continue
        jobs = {
            job: before.jobs.get(job, frozenset()) | metric.jobs.get(job, frozenset())
            for job in {*before.jobs, *metric.jobs}
        }
        known = metric if before.type == "unknown" else before
        joined[name] = Metric(name, known.type, before.help or metric.help, before.unit or metric.unit, jobs)
    return joined


def _metric(name: str, jobs: Mapping[str, set[str]], told: Mapping[tuple[str, str], Mapping[str, Any]]) -> Metric:
    labels = {job: frozenset(of) for job, of in sorted(jobs.items())}
    if name in _OF_EVERY_TARGET:
        return Metric(name, "gauge", _OF_EVERY_TARGET[name], _unit(name), labels)
    for job in labels:
        for family, types in _families(name):
            line = told.get((job, family))
            if line is not None and (not types or line["type"] in types):
                kind = "gauge" if name.endswith("_created") or line["type"] in ("info", "stateset") else line["type"]
                return Metric(name, kind, line["help"], line["unit"] or _unit(name), labels)
    # Pushed and remembered series have no metadata; their names say what they are.
    kind = "counter" if name.endswith("_total") else "gauge" if name.endswith("_created") else "unknown"
    return Metric(name, kind, "", _unit(name), labels)


def _families(name: str) -> Iterable[tuple[str, tuple[str, ...]]]:
    """Yield the names under which metadata may stand, with the types that they must have; none means any."""
    yield name, ()
    for suffix, types in {**_SERIES_OF, "_total": ("counter",), "_info": ("info",), "_created": ()}.items():
        if name.endswith(suffix):
            yield name.removesuffix(suffix), types
            yield f"{name.removesuffix(suffix)}_total", types


def _unit(name: str) -> str:
    for part in ("_total", "_bucket", "_sum", "_count", "_created"):
        if name.endswith(part):
            counted = part == "_count"
            return "" if counted else _unit(name.removesuffix(part))
    return next((unit for unit in _UNITS if name.endswith(f"_{unit}")), "")
