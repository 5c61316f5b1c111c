"""What a running Prometheus and Alertmanager know: rules, past values and routes. All questions to the network are here."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from promontory.errors import ServiceUnreachable
from promontory.stack import Access

MAX_POINTS = 10_000     # Prometheus gives at most 11,000 points of a series at once
_TIMEOUT_S = 120        # its own limit of a query

Labels = Mapping[str, str]
Told = Callable[[float], None]


@dataclass(frozen=True)
class Span:
    """The time looked at.

    Attributes:
        start: Epoch seconds.
        end: Epoch seconds.
        step_s: Seconds between two evaluations.
    """

    start: float
    end: float
    step_s: float

    def times(self) -> list[float]:
        """Every evaluation, from start to end."""
        return [self.start + number * self.step_s for number in range(self.count)]

    @property
    def count(self) -> int:
        """Number of evaluations."""
        return math.floor((self.end - self.start) / self.step_s) + 1

    def chunks(self) -> Iterator[tuple[float, float]]:
        """Yield first and last evaluation of each piece that Prometheus answers at once."""
        for first in range(0, self.count, MAX_POINTS):
            last = min(first + MAX_POINTS, self.count) - 1
            yield self.start + first * self.step_s, self.start + last * self.step_s


@dataclass(frozen=True)
class Rule:
    """An alerting rule.

    Attributes:
        expr: PromQL.
        for_s: Seconds it must hold before it fires.
        keep_firing_s: Seconds it goes on firing after it holds no more.
        labels: What the rule adds; templates in them stay as they are.
        interval_s: Seconds between two evaluations.
        variant: Which one of several, such as ``deployed`` or ``host_cpu_used_ratio=0.8``.
    """

    name: str
    expr: str
    for_s: float = 0.0
    keep_firing_s: float = 0.0
    labels: Labels = field(default_factory=dict)
    interval_s: float = 15.0
    variant: str = "deployed"


@dataclass(frozen=True)
class Series:
    """Values of one series by evaluation time (epoch seconds); a time without a value is left out."""

    labels: Labels
    values: Mapping[float, float]


class Past:
    """A Prometheus that is asked about its past."""

    def __init__(self, prometheus: Access) -> None:
        """Use the Prometheus behind `prometheus`; nothing is asked yet."""
        self._prometheus = prometheus

    def rules(self) -> list[Rule]:
        """Return the alerting rules that are deployed, in their order.

        Raises:
            ServiceUnreachable: Prometheus does not answer.
        """
        groups = self._ask("api/v1/rules", type="alert")["groups"]
        return [
            Rule(
                name=str(rule["name"]),
                expr=str(rule["query"]),
                for_s=float(rule.get("duration", 0)),
                keep_firing_s=float(rule.get("keepFiringFor", 0)),
                labels={str(name): str(value) for name, value in rule.get("labels", {}).items()},
                interval_s=float(group["interval"]),
            )
            for group in groups
            for rule in group["rules"]
        ]

    def external_labels(self) -> dict[str, str]:
        """Return what Prometheus adds to every alert that it sends, without the label that tells the two of a pair apart."""
        config = yaml.safe_load(self._ask("api/v1/status/config")["yaml"])
        labels = (config.get("global") or {}).get("external_labels") or {}
        return {str(name): str(value) for name, value in labels.items() if name != "replica"}

    def first_sample(self) -> float:
        """Return since when it has any values; epoch seconds."""
        oldest = self._ask("api/v1/query", query="prometheus_tsdb_lowest_timestamp_seconds")["result"]
        return min((float(sample["value"][1]) for sample in oldest), default=0.0)

    def series(self, expr: str, span: Span, told: Told = lambda share: None) -> list[Series]:
        """Evaluate an expression at every time of a span.

        Args:
            told: Is told the share that is done, 0 to 1.
        Raises:
            ServiceUnreachable: Prometheus does not answer, or refuses the expression.
        """
        found: dict[tuple[tuple[str, str], ...], dict[float, float]] = {}
        chunks = list(span.chunks())
        for number, (first, last) in enumerate(chunks, start=1):
            answer = self._ask("api/v1/query_range", query=expr, start=f"{first:.3f}", end=f"{last:.3f}", step=f"{span.step_s:g}")
            if answer["resultType"] != "matrix":
                raise ServiceUnreachable(f"Prometheus gave a {answer['resultType']} for {expr}")
            for one in answer["result"]:
                labels = tuple(sorted((name, value) for name, value in one["metric"].items() if name != "__name__"))
                values = found.setdefault(labels, {})
                for moment, value in one["values"]:
                    nearest = span.start + round((float(moment) - span.start) / span.step_s) * span.step_s
                    values[nearest] = float(value)
            told(number / len(chunks))
        return [Series(dict(labels), values) for labels, values in found.items()]

    def _ask(self, path: str, **parameters: str) -> Any:
        answer = self._prometheus.request("POST" if "query" in parameters else "GET", path, timeout=_TIMEOUT_S, **_sent(parameters))
        return answer.json()["data"]


def deployed_routes(alertmanager: Access) -> dict[str, Any]:
    """Return the configuration that Alertmanager runs; secrets in it are masked.

    Raises:
        ServiceUnreachable: It does not answer.
    """
    status = alertmanager.request("GET", "api/v2/status").json()
    loaded = yaml.safe_load(status["config"]["original"])
    return loaded if isinstance(loaded, dict) else {}


def _sent(parameters: Mapping[str, str]) -> dict[str, Any]:
    # A long expression does not fit into a URL.
    return {"data": parameters} if "query" in parameters else {"params": parameters}
