"""Turns the limits of alerts into the colours and lines of a panel."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from promontory.dashboards.rulebook import SEVERITIES, Alert, Limit
from promontory.dashboards.widgets import Threshold

GOOD = "green"
_JUST_ABOVE = 1e-9
_COLORS = {"critical": "red", "warning": "orange", "info": "blue"}


def steps_of(alerts: Sequence[Alert]) -> list[Threshold]:
    """Return thresholds with a base: between two limits stands the colour of the worst alert that would be on there.

    Limits may come from above (`> 0.9`), from below (`< 0.05`), or both.
    """
    limited = [alert for alert in alerts if alert.limit is not None]
    points = sorted({_edge(alert.limit) for alert in limited if alert.limit is not None})
    if not points:
        return [Threshold(GOOD, 0)]
    if all(alert.limit is not None and alert.limit.operator in ("==", "!=") for alert in limited):
        return _of_states(limited)
    starts = [0.0 if points[0] > 0 else points[0] - 1, *points]
    middles = [points[0] - 1, *((low + high) / 2 for low, high in pairwise(points)), points[-1] + 1]
    steps: list[Threshold] = []
    for start, middle in zip(starts, middles, strict=True):
        color = _color(limited, middle)
        if not steps or steps[-1].color != color:
            steps.append(Threshold(color, start))
    return steps


def _edge(limit: Limit) -> float:
    """Where the colour changes; a step holds from its value on, so `> 0` begins just above 0, where counts of nothing are."""
    return _JUST_ABOVE if limit.value == 0 and limit.operator in (">", "<=") else limit.value


def _of_states(alerts: Sequence[Alert]) -> list[Threshold]:
    """A state of 0 or 1 is judged at 0 and at 1."""
    low, high = _color(alerts, 0), _color(alerts, 1)
    return [Threshold(low, 0)] if low == high else [Threshold(low, 0), Threshold(high, 1)]


def _color(alerts: Sequence[Alert], value: float) -> str:
    on = [alert.severity for alert in alerts if alert.limit is not None and alert.limit.holds(value)]
    known = [severity for severity in SEVERITIES if severity in on]
    return _COLORS[known[-1]] if known else GOOD
