"""Service level objectives as data: what ``rules_slos`` says, read and judged."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import units
from .errors import RulesError

VARIABLE = "rules_slos"
WINDOWS = ("30d", "28d")
SEVERITIES = ("critical", "warning", "info")
_NAME = re.compile(r"[a-z][a-z0-9_-]*")
_REQUIRED = ("name", "service", "team", "objective")
_KEYS = {
    *_REQUIRED, "impact", "components", "window", "errors", "total", "latency", "probe", "present", "floor_per_hour",
    "errors_min", "page_severity", "ticket_severity",
}  # fmt: skip


@dataclass(frozen=True)
class Slo:
    """One objective.

    Attributes:
        name: Label ``slo``, unique.
        impact: What people feel when it is missed, one sentence.
        service: Label ``service``.
        team: Label ``team``.
        components: It is deployed where the topology has all of these.
        objective: Good over all events, dimensionless, strictly between 0 and 1.
        window: Time over which the objective holds, such as 30d.
        events: By SLI, an expression for the rate of all events per second; ``$window`` stands for its window.
        errors: By SLI, the same for bad events.
        present: Selector of series that are there while the service is watched.
        floor_per_hour: Events per hour below which ratios say nothing.
        errors_min: Bad events that a window needs before anybody is told.
        page_severity: Severity of what wakes somebody.
        ticket_severity: Severity of what waits.
    """

    name: str
    impact: str
    service: str
    team: str
    components: frozenset[str]
    objective: float
    window: str
    events: Mapping[str, str]
    errors: Mapping[str, str]
    present: str
    floor_per_hour: float
    errors_min: int
    page_severity: str
    ticket_severity: str

    @property
    def labels(self) -> dict[str, str]:
        """Labels that all its series carry."""
        return {"slo": self.name, "service": self.service, "team": self.team}


def read(lines: Sequence[Any]) -> list[Slo]:
    """Read ``rules_slos``.

    Raises:
        RulesError: An entry is incomplete or contradicts itself; the message names it, the key and the value.
    """
    slos = [_from_mapping(line, f"{VARIABLE}[{position}]") for position, line in enumerate(lines)]
    names = [slo.name for slo in slos]
    for name in names:
        if names.count(name) > 1:
            raise RulesError(f"{VARIABLE}: two objectives are called {name}; give each its own name.")
    return slos


def _from_mapping(line: Any, where: str) -> Slo:
    if not isinstance(line, Mapping):
        raise RulesError(f"{where} is {line!r}, not a mapping.")
    where = f"{where} ({line.get('name', 'without a name')})"
    for key in _REQUIRED:
        if line.get(key) in (None, ""):
            raise RulesError(f"{where}.{key} is missing.")
    unknown = sorted(set(line) - _KEYS)
    if unknown:
        raise RulesError(f"{where}.{unknown[0]} is no known key; known are {', '.join(sorted(_KEYS))}.")
    if not _NAME.fullmatch(str(line["name"])):
        raise RulesError(
            f"{where}.name must have lower-case letters, digits, - and _; it becomes a label and a group's name."
        )
    objective = line["objective"]
    if isinstance(objective, bool) or not isinstance(objective, (int, float)) or not 0 < objective < 1:
        raise RulesError(
            f"{where}.objective is {objective!r}, but must be a ratio between 0 and 1; write 0.999 for 99.9 %."
        )
    window = str(line.get("window", WINDOWS[0]))
    if window not in WINDOWS:
        raise RulesError(
            f"{where}.window is {window!r}, but must be one of {', '.join(WINDOWS)}: the burn rates are made for a month."
        )
    for key, default in (("page_severity", "critical"), ("ticket_severity", "warning")):
        if line.get(key, default) not in SEVERITIES:
            raise RulesError(f"{where}.{key} is {line[key]!r}, but must be one of {', '.join(SEVERITIES)}.")
    floor, least = line.get("floor_per_hour", 30), line.get("errors_min", 5)
    for key, value in (("floor_per_hour", floor), ("errors_min", least)):
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value <= 0:
            raise RulesError(f"{where}.{key} is {value!r}, but must be a number above 0.")
    events, errors = _indicators(line, where)
    return Slo(
        name=str(line["name"]),
        impact=str(line.get("impact") or f"People who use {line['service']} get less than was promised to them."),
        service=str(line["service"]),
        team=str(line["team"]),
        components=frozenset(str(name) for name in line.get("components") or ()),
        objective=float(objective),
        window=window,
        events=events,
        errors=errors,
        present=str(line.get("present") or _present(line)),
        floor_per_hour=float(floor),
        errors_min=int(least),
        page_severity=str(line.get("page_severity", "critical")),
        ticket_severity=str(line.get("ticket_severity", "warning")),
    )


def _indicators(line: Mapping[str, Any], where: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return the expressions of all and of bad events by SLI."""
    ratio, latency, probe = line.get("errors") or line.get("total"), line.get("latency"), line.get("probe")
    if ratio and latency:
        raise RulesError(f"{where} has errors and latency; make two objectives of them.")
    if ratio and not (line.get("errors") and line.get("total")):
        raise RulesError(f"{where} needs both errors and total.")
    if not (ratio or latency or probe):
        raise RulesError(f"{where} says not what is measured: give errors and total, or latency, or probe.")
    events, errors = {}, {}
    if ratio:
        events["requests"], errors["requests"] = _rate(str(line["total"])), _rate(str(line["errors"]))
    elif latency:
        events["requests"], errors["requests"] = _latency(latency, where)
    if probe:
        seconds = "$seconds"
        events["probe"] = f"sum by (environment) (count_over_time({probe}[$window])) / {seconds}"
        errors["probe"] = (
            f"sum by (environment) (count_over_time({probe}[$window]) - sum_over_time({probe}[$window])) / {seconds}"
        )
    return events, errors


def _rate(told: str) -> str:
    inner = told if "$window" in told else f"rate({told}[$window])"
    return f"sum by (environment) ({inner})"


def _latency(told: Any, where: str) -> tuple[str, str]:
    if (
        not isinstance(told, Mapping)
        or set(told) - {"histogram", "selector", "below_seconds"}
        or not told.get("histogram")
    ):
        raise RulesError(
            f"{where}.latency must be {{histogram: name, selector: 'label=\"value\"', below_seconds: 0.5}}."
        )
    below = told.get("below_seconds")
    if isinstance(below, bool) or not isinstance(below, (int, float)) or below <= 0:
        raise RulesError(
            f"{where}.latency.below_seconds is {below!r}, but must be a bound of the histogram's buckets, in seconds."
        )
    selector = str(told.get("selector") or "").strip("{} ")
    every = f"{told['histogram']}_count{{{selector}}}"
    bucket = _le(float(below))
    good = f"{told['histogram']}_bucket{{{', '.join(part for part in (selector, bucket) if part)}}}"
    return _rate(every), f"{_rate(every)} - {_rate(good)}"


def _le(bound: float) -> str:
    """Client libraries write a whole bound as 1 or as 1.0."""
    text = units.literal(bound)
    return f'le=~"{text}|{text}.0"' if float(bound).is_integer() else f'le="{text}"'


def _present(line: Mapping[str, Any]) -> str:
    if line.get("total") and "$window" not in str(line["total"]):
        return str(line["total"])
    if line.get("latency"):
        selector = str(line["latency"].get("selector") or "").strip("{} ")
        return f"{line['latency']['histogram']}_count{{{selector}}}"
    if line.get("probe"):
        return str(line["probe"])
    raise RulesError(
        f"{VARIABLE}: {line['name']} needs present, a selector of series that are there while the service is watched."
    )
