"""How many notifications the routes would have sent for alerts of the past: Alertmanager's own arithmetic. Pure.

Source: dispatch/dispatch.go (a group waits `group_wait`, then looks every `group_interval`, and forgets what is over once
it was told) and notify/dedup (told are: new alerts, ends where the receiver wants them, and what is unchanged for
`repeat_interval`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ansible_collections.promontory.stack.plugins.plugin_utils.alertmanager import clock, tree

from promontory.backtest.firing import Firing
from promontory.backtest.history import Labels
from promontory.times import seconds

# What integrations do about ends where the configuration says nothing. Source: Alertmanager's configuration page.
_TELLS_ENDS = {"email_configs": False, "slack_configs": False}
_ALL_LABELS = "..."

Key = tuple[tuple[str, str], ...]
# Tells whether an alert with these labels is inhibited at a moment (epoch seconds).
Inhibited = Callable[[Labels, float], bool]


@dataclass(frozen=True)
class Notification:
    """One message to a receiver's integration.

    Attributes:
        at: When, epoch seconds.
        integration: Such as ``email``.
        group: Labels that its alerts share by the route's group_by.
        firing: Number of firing alerts in it.
        resolved: Number of alerts in it that are over.
    """

    at: float
    receiver: str
    integration: str
    group: Labels
    firing: int
    resolved: int

    @property
    def is_mail(self) -> bool:
        """Whether it is an e-mail."""
        return self.integration == "email"


@dataclass(frozen=True)
class _Integration:
    name: str
    tells_ends: bool


@dataclass
class _Told:
    """What an integration was last told of a group."""

    at: float
    firing: frozenset[Key]
    resolved: frozenset[Key]


@dataclass
class _Group:
    """Alerts that travel together: one route, one set of values of its group_by."""

    route: tree.Route
    labels: Labels
    firings: list[Firing] = field(default_factory=list)


def notifications(
    firings: Sequence[Firing], config: Mapping[str, Any], end: float, *, inhibited: Inhibited = lambda labels, at: False
) -> list[Notification]:
    """Tell what would have been sent, earliest first.

    Args:
        firings: What fired, of all alerts.
        config: alertmanager.yml.
        end: End of the time looked at, epoch seconds.
    Raises:
        AlertmanagerError: The configuration has no route tree.
    """
    intervals = clock.read(config)
    integrations = {str(receiver["name"]): _integrations(receiver) for receiver in config.get("receivers") or []}
    sent: list[Notification] = []
    for group in _groups(firings, tree.read(config)):
        told: list[tuple[_Integration, _Told | None]] = [(one, None) for one in integrations.get(group.route.receiver, ())]
        for now, current in _flushes(group, end):
            moment = datetime.fromtimestamp(now, UTC)
            if intervals.mutes(group.route.mute, group.route.active, moment):
                continue
            heard = {key: firing for key, firing in current.items() if not inhibited(firing.labels, now)}
            active = frozenset(key for key, firing in heard.items() if _fires(firing, now))
            over = frozenset(heard) - active
            for position, (integration, before) in enumerate(told):
                if not _is_news(before, active, over, now, integration, seconds(group.route.repeat_interval)):
                    continue
                told[position] = (integration, _Told(now, active, over))
                if active or (over and integration.tells_ends):
                    ends = len(over) if integration.tells_ends else 0
                    sent.append(
                        Notification(now, group.route.receiver, integration.name, group.labels, len(active), ends)
                    )
    return sorted(sent, key=lambda notification: notification.at)


def _integrations(receiver: Mapping[str, Any]) -> list[_Integration]:
    return [
        _Integration(kind.removesuffix("_configs"), bool(one.get("send_resolved", _TELLS_ENDS.get(kind, True))))
        for kind, configs in receiver.items()
        if kind.endswith("_configs")
        for one in configs
    ]


def _groups(firings: Sequence[Firing], root: tree.Route) -> list[_Group]:
    groups: dict[tuple[str, Key], _Group] = {}
    for firing in sorted(firings, key=lambda firing: firing.fired_at):
        for route in tree.walk(root, firing.labels):
            names = firing.labels if _ALL_LABELS in route.group_by else route.group_by
            labels = {name: firing.labels[name] for name in names if name in firing.labels}
            group = groups.setdefault((route.path, _key(labels)), _Group(route, labels))
            group.firings.append(firing)
    return list(groups.values())


def _flushes(group: _Group, end: float) -> Iterator[tuple[float, dict[Key, Firing]]]:
    """Yield each moment at which a group is looked at, with the alerts in it by their labels."""
    wait, interval = seconds(group.route.group_wait), max(seconds(group.route.group_interval), 1.0)
    coming = list(group.firings)
    current: dict[Key, Firing] = {}
    now = 0.0
    while coming or current:
        now = now + interval if current else coming[0].fired_at + wait
        if now > end:
            return
        while coming and coming[0].fired_at <= now:
            firing = coming.pop(0)
            current[_key(firing.labels)] = firing
        yield now, current
        current = {key: firing for key, firing in current.items() if _fires(firing, now)}


def _fires(firing: Firing, now: float) -> bool:
    return firing.ended_at is None or firing.ended_at > now


def _is_news(
    before: _Told | None,
    active: frozenset[Key],
    over: frozenset[Key],
    now: float,
    integration: _Integration,
    repeat_s: float,
) -> bool:
    if before is None:
        return bool(active)
    if not active <= before.firing:
        return True
    if not active:
        return bool(before.firing)
    if integration.tells_ends and not over <= before.resolved:
        return True
    return now - before.at > repeat_s


def _key(labels: Labels) -> Key:
    return tuple(sorted(labels.items()))
