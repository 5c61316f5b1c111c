"""A backtest as a whole: questions asked, firings found, notifications counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from promontory.backtest import curve, firing, mails
from promontory.backtest.firing import Firing, Pending
from promontory.backtest.history import Labels, Past, Rule, Series, Span
from promontory.backtest.mails import Notification

CURVE_SERIES = 8   # more lines cannot be told apart
_SAME_FOR_ALL = {"alertname", "environment", "severity", "team", "service", "job"}

# Is told a rule and the share of its work that is done, 0 to 1.
Progress = Callable[[Rule, float], None]


@dataclass(frozen=True)
class Finding:
    """What a rule would have done.

    Attributes:
        firings: Times it fired, earliest first.
        near: Times it was pending and did not fire.
        notifications: What the routes would have sent for it.
        watched: The curve it watches and its values, the most telling series; None where the rule has no such curve.
    """

    rule: Rule
    firings: Sequence[Firing]
    near: Sequence[Pending]
    notifications: Sequence[Notification]
    watched: tuple[curve.Curve, Sequence[Series]] | None = None

    @property
    def mails(self) -> list[Notification]:
        """Its e-mails."""
        return [notification for notification in self.notifications if notification.is_mail]

    def firing_s(self, end: float) -> float:
        """Seconds it fired, of all its alerts together."""
        return sum(one.seconds(end) for one in self.firings)


def study(
    past: Past,
    rules: Sequence[Rule],
    span: Span,
    routes: Mapping[str, Any],
    *,
    with_curves: bool,
    progress: Progress = lambda rule, share: None,
) -> list[Finding]:
    """Evaluate rules over the past.

    Args:
        routes: alertmanager.yml.
        with_curves: Whether the curve of each rule is fetched too.
    Raises:
        ServiceUnreachable: Prometheus does not answer or refuses an expression.
        AlertmanagerError: The routes cannot be read.
    """
    times = span.times()
    external = past.external_labels()
    found = []
    for rule in rules:

        def told(share: float, rule: Rule = rule) -> None:
            progress(rule, share)

        fired, near = firing.alerts(rule, past.series(rule.expr, span, told), times, external)
        sent = mails.notifications(fired, routes, span.end)
        watched = _watched(past, rule, span) if with_curves else None
        found.append(Finding(rule, fired, near, sent, watched))
    return found


def _watched(past: Past, rule: Rule, span: Span) -> tuple[curve.Curve, Sequence[Series]] | None:
    drawn = curve.of_rule(rule.expr)
    if drawn is None:
        return None
    series = past.series(drawn.expr, span)
    series.sort(key=lambda one: max(_telling(drawn, value) for value in one.values.values()), reverse=True)
    return drawn, series[:CURVE_SERIES]


def _telling(drawn: curve.Curve, value: float) -> float:
    """Say how near to firing a value is; larger is nearer."""
    if drawn.operator in ("==", "!="):
        return -abs(value - drawn.limit)
    return -value if drawn.operator.startswith("<") else value


def where(labels: Labels) -> str:
    """Say in a few words which of a rule's alerts this is."""
    telling = {name: value for name, value in labels.items() if name not in _SAME_FOR_ALL}
    instance = telling.pop("instance", "")
    rest = ", ".join(f"{name}={value}" for name, value in sorted(telling.items()))
    return " ".join(filter(None, (instance, f"({rest})" if instance and rest else rest))) or labels.get("service", "") or "everywhere"
