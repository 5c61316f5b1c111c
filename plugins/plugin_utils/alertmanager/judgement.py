"""Judges a whole configuration: nobody is lost, nothing is muted for ever, no rule is there in vain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from . import clock, matchers, tree
from .clock import Clock
from .errors import AlertmanagerError
from .receivers import HEARTBEAT, has_address
from .rule_set import Alert
from .times import Window
from .tree import Route

_WATCHDOG = {"alertname": "Watchdog", "severity": "info", "route": "heartbeat"}


def judge(config: Mapping[str, Any], alerts: Sequence[Alert], windows: Sequence[Window] = ()) -> None:
    """Refuse a configuration that could leave somebody untold, or that says something it does not do.

    Args:
        config: alertmanager.yml as it will be, free-form settings included.
        alerts: What is known of the rules; empty when nothing is.
        windows: Maintenance windows of the role's variable.
    Raises:
        AlertmanagerError: It names the variable, the value and the way out.
    """
    receivers = {str(receiver.get("name")): receiver for receiver in config.get("receivers") or []}
    root = tree.read(config)
    hours = clock.read(config)
    _require_receivers(root, receivers)
    _require_intervals(root, hours)
    _require_addresses(root, receivers)
    _require_heartbeat_alone(root, alerts)
    _require_that_somebody_is_told(root, hours)
    if alerts:
        _require_that_windows_mute(windows, alerts)


def require_teams(teams: Sequence[str], alerts: Sequence[Alert]) -> None:
    """Refuse a team that no alert has, which would be told nothing."""
    known = sorted({alert.fixed["team"] for alert in alerts if alert.fixed.get("team")})
    templated = any("team" in alert.possible and "team" not in alert.fixed for alert in alerts)
    for team in teams:
        if known and not templated and team not in known:
            raise AlertmanagerError(
                f"alertmanager_teams: no alert of alertmanager_rule_files has the team {team!r} (they have {', '.join(known)})."
            )


def that_can_hold(rules: Sequence[Mapping[str, Any]], alerts: Sequence[Alert]) -> list[Mapping[str, Any]]:
    """Return the inhibition rules of the collection that these alerts can be meant by: rules may have been left out."""

    def can_hold(rule: Mapping[str, Any]) -> bool:
        try:
            _judge_inhibition(rule, "", alerts)
        except AlertmanagerError:
            return False
        return True

    return [rule for rule in rules if can_hold(rule)]


def require_inhibition(rules: Sequence[Mapping[str, Any]], alerts: Sequence[Alert], variable: str) -> None:
    """Refuse an inhibition rule that can never hold; see `judge`."""
    for number, rule in enumerate(rules):
        _judge_inhibition(rule, f"{variable}[{number}] ({rule.get('name') or 'without name'})", alerts)


def _require_receivers(root: Route, receivers: Mapping[str, Any]) -> None:
    for route in tree.every(root):
        if route.receiver not in receivers:
            known = ", ".join(name for name in receivers if name != HEARTBEAT)
            raise AlertmanagerError(
                f"{route.path}: the receiver {route.receiver!r} is not one of alertmanager_receivers ({known})."
            )


def _require_intervals(root: Route, hours: Clock) -> None:
    for route in tree.every(root):
        for name in (*route.mute, *route.active):
            if name not in hours.intervals:
                known = ", ".join(hours.intervals) or "there are none"
                raise AlertmanagerError(
                    f"{route.path}: the time interval {name!r} is not one of alertmanager_time_intervals ({known})."
                )


def _require_addresses(root: Route, receivers: Mapping[str, Any]) -> None:
    for route in tree.every(root):
        if route.receiver != HEARTBEAT and not has_address(receivers[route.receiver]):
            raise AlertmanagerError(
                f"{route.path}: the receiver {route.receiver!r} has no address, so its alerts would be lost; give it one, "
                "or silence what nobody shall be told."
            )


def _require_heartbeat_alone(root: Route, alerts: Sequence[Alert]) -> None:
    found = [route.receiver for route in tree.walk(root, _WATCHDOG)]
    if found != [HEARTBEAT]:
        raise AlertmanagerError(
            f"The Watchdog would reach {', '.join(found) or 'nobody'} instead of the heartbeat alone; "
            "remove the route of alertmanager_config that comes before route.routes[1]."
        )
    for route in tree.every(root):
        if route.receiver == HEARTBEAT and route.path != "route.routes[1]":
            raise AlertmanagerError(
                f"{route.path}: the receiver {HEARTBEAT!r} is for the Watchdog alone and tells nobody; name one of alertmanager_receivers."
            )
    for alert in alerts:
        if alert.name != "Watchdog" and alert.fixed.get("route") == HEARTBEAT:
            raise AlertmanagerError(
                f"The alert {alert.name} has the label route: heartbeat, so nobody would be told of it; it is the Watchdog's."
            )


def _require_that_somebody_is_told(root: Route, hours: Clock) -> None:
    now, judged = datetime.now(UTC), set[tuple[tuple[str, ...], tuple[str, ...]]]()
    for route in tree.every(root):
        times = (route.mute, route.active)
        if times not in judged and hours.next_speaking(*times, now) is None:
            raise AlertmanagerError(
                f"{route.path}: its time intervals ({', '.join((*route.mute, *route.active))}) never let it tell anybody within "
                "the next 400 days; correct them."
            )
        judged.add(times)


def _judge_inhibition(rule: Mapping[str, Any], where: str, alerts: Sequence[Alert]) -> None:
    sides = {}
    for side in ("source", "target"):
        conditions = [
            *matchers.of_list(rule.get(f"{side}_matchers"), f"{where}: {side}_matchers"),
            *matchers.of_route(
                {"match": rule.get(f"{side}_match"), "match_re": rule.get(f"{side}_match_re")}, f"{where}: {side}"
            ),
        ]
        if not conditions:
            raise AlertmanagerError(f"{where} has no {side}_matchers, so it would hold for every alert.")
        sides[side] = conditions
    if not alerts:
        return
    found = {side: [alert for alert in alerts if alert.may_be(conditions)] for side, conditions in sides.items()}
    for side, conditions in sides.items():
        if not found[side]:
            raise AlertmanagerError(
                f"{where} can never hold: no alert of alertmanager_rule_files is meant by {side}_matchers "
                f"({', '.join(map(str, conditions))}). Correct the label or its value, or remove the rule."
            )
    equal = [str(label) for label in rule.get("equal") or []]
    for label in equal:
        for side in ("source", "target"):
            if not any(alert.may_have(label) for alert in found[side]):
                raise AlertmanagerError(
                    f"{where} can never hold as it is meant: equal names {label!r}, and no {side} alert has that label "
                    f"(they are {_names(found[side])}). Remove it from equal, or add it to the rules."
                )
    if not any(agree(one, other, equal) for one in found["source"] for other in found["target"]):
        raise AlertmanagerError(
            f"{where} can never hold: no source alert ({_names(found['source'])}) and no target alert "
            f"({_names(found['target'])}) agree in {', '.join(equal)}."
        )


def agree(source: Alert, target: Alert, equal: Sequence[str]) -> bool:
    """Tell whether a source and a target may have the same values of all these labels."""
    for label in equal:
        if not source.may_have(label) or not target.may_have(label):
            return False
        if label in source.fixed and label in target.fixed and source.fixed[label] != target.fixed[label]:
            return False
    return True


def _require_that_windows_mute(windows: Sequence[Window], alerts: Sequence[Alert]) -> None:
    for window in windows:
        if not any(alert.may_be(window.conditions) for alert in alerts):
            raise AlertmanagerError(
                f"alertmanager_maintenance ({window.interval}): no alert of alertmanager_rule_files is meant by its matchers "
                f"({', '.join(window.matchers)}); correct the label or its value."
            )


def _names(alerts: Sequence[Alert]) -> str:
    names = [alert.name for alert in alerts]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
