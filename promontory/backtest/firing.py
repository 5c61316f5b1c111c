"""When a rule fires, given its values: `for` and `keep_firing_for` as Prometheus counts them. Pure.

Source: rules/alerting.go of Prometheus: an alert is pending from the first evaluation at which its expression has a
sample, fires at the first one at least `for` later, and is over at the first one without a sample. With `keep_firing_for`
a firing alert is over at the first evaluation at least that long after the first one without a sample.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from promontory.backtest.history import Labels, Rule, Series


@dataclass(frozen=True)
class Firing:
    """One time that an alert fired. Times are epoch seconds.

    Attributes:
        labels: Of the alert as Alertmanager gets it, with ``alertname``.
        pending_at: When its expression began to hold.
        fired_at: When it began to fire.
        ended_at: When it was over; None: it fires at the end of the time looked at.
        worst: Largest value of the expression meanwhile.
    """

    labels: Labels
    pending_at: float
    fired_at: float
    ended_at: float | None
    worst: float

    def seconds(self, end: float) -> float:
        """Return how long it fired, up to `end` where it still does."""
        return (end if self.ended_at is None else self.ended_at) - self.fired_at


@dataclass(frozen=True)
class Pending:
    """One time that an expression held, but not long enough to fire. Times are epoch seconds."""

    labels: Labels
    start: float
    end: float


def alerts(
    rule: Rule, series: Iterable[Series], times: Sequence[float], external_labels: Mapping[str, str]
) -> tuple[list[Firing], list[Pending]]:
    """Tell when a rule fired and when it nearly did, earliest first.

    Args:
        series: Values of its expression.
        times: The evaluations, ascending.
        external_labels: What Prometheus adds to alerts that lack them.
    """
    fired: list[Firing] = []
    near: list[Pending] = []
    for one in series:
        labels = {**external_labels, **one.labels, **_literal(rule.labels), "alertname": rule.name}
        _follow(rule, labels, one.values, times, fired, near)
    fired.sort(key=lambda firing: (firing.fired_at, sorted(firing.labels.items())))
    near.sort(key=lambda pending: (pending.start, sorted(pending.labels.items())))
    return fired, near


def _literal(labels: Labels) -> dict[str, str]:
    """Labels of a rule that are templates cannot be known here; they are left out."""
    return {name: value for name, value in labels.items() if "{{" not in value}


def _follow(
    rule: Rule,
    labels: Labels,
    values: Mapping[float, float],
    times: Sequence[float],
    fired: list[Firing],
    near: list[Pending],
) -> None:
    pending_at: float | None = None
    fired_at: float | None = None
    missing_at: float | None = None
    worst = 0.0
    for now in times:
        value = values.get(now)
        if value is not None:
            worst = value if pending_at is None else max(worst, value)
            pending_at = now if pending_at is None else pending_at
            missing_at = None
            if fired_at is None and now - pending_at >= rule.for_s:
                fired_at = now
        elif pending_at is not None and fired_at is None:
            near.append(Pending(labels, pending_at, now))
            pending_at = None
        elif pending_at is not None and fired_at is not None:
            missing_at = now if missing_at is None else missing_at
            if now - missing_at >= rule.keep_firing_s:
                fired.append(Firing(labels, pending_at, fired_at, now, worst))
                pending_at = fired_at = missing_at = None
    if pending_at is not None:
        if fired_at is not None:
            fired.append(Firing(labels, pending_at, fired_at, None, worst))
        elif times:
            near.append(Pending(labels, pending_at, times[-1]))
