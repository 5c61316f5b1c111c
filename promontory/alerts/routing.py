"""Who is told of an alert, and when: the deployed route tree walked for one set of labels and one moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.promontory.stack.plugins.plugin_utils.alertmanager import clock, matchers, tree
from ansible_collections.promontory.stack.plugins.plugin_utils.alertmanager.errors import AlertmanagerError

from promontory.alerts import words
from promontory.errors import UsageError

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# What a kind of receiver shows of its address without showing a credential.
_ADDRESS_KEYS = ("to", "channel", "topic_arn", "phone_number", "target_arn", "chat_id", "room_id", "url")


@dataclass(frozen=True)
class Told:
    """One receiver that is told.

    Attributes:
        receiver: Its name.
        addresses: How it is reached, such as `email to oncall@example.net`; empty: nobody is reached.
        route: Where the route stands in alertmanager.yml.
        matchers: Conditions of the route and its parents.
        group_by: Labels that put alerts into one message.
        group_wait: Before the first message of a group, as configured; so are the next two.
        group_interval: Least time between messages of a group that changed.
        repeat_interval: After which an unchanged group is told again.
        muted_by: Time intervals that keep it silent at the moment asked for.
        first_at: When the first message leaves at the earliest; None: not within 400 days.
        first_until: When at the latest.
    """

    receiver: str
    addresses: tuple[str, ...]
    route: str
    matchers: tuple[str, ...]
    group_by: tuple[str, ...]
    group_wait: str
    group_interval: str
    repeat_interval: str
    muted_by: tuple[str, ...]
    first_at: datetime | None
    first_until: datetime | None


@dataclass(frozen=True)
class Inhibition:
    """An inhibition rule that mutes the alert while another one fires.

    Attributes:
        name: Of the rule; empty where the release has no names.
        source: Matchers of the other one.
        equal: Labels with the values that the other one must have, too.
        firing: Names of alerts that mute it right now; empty where that was not asked for.
    """

    name: str
    source: tuple[str, ...]
    equal: Mapping[str, str]
    firing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Routing:
    """The whole answer.

    Attributes:
        labels: The alert.
        at: The moment asked for.
        told: In the order of the routes.
        inhibitions: What may mute it.
        silences: Silences in force that hold for it, as Alertmanager gives them.
    """

    labels: Mapping[str, str]
    at: datetime
    told: Sequence[Told]
    inhibitions: Sequence[Inhibition]
    silences: Sequence[Mapping[str, Any]] = ()

    @property
    def reaches_somebody(self) -> bool:
        """Whether a receiver with an address is told, now or later."""
        return any(told.addresses and told.first_at is not None for told in self.told)


def route(
    config: Mapping[str, Any],
    labels: Mapping[str, str],
    at: datetime,
    *,
    alerts: Sequence[Mapping[str, Any]] = (),
    silences: Sequence[Mapping[str, Any]] = (),
) -> Routing:
    """Walk a configuration.

    Args:
        config: alertmanager.yml.
        labels: Of the alert.
        at: The moment, with its zone.
        alerts: What fires, for saying what mutes the alert now.
        silences: What is silenced.
    Raises:
        UsageError: The configuration cannot be read.
    """
    try:
        root, hours = tree.read(config), clock.read(config)
        addresses = {str(receiver["name"]): _addresses(receiver) for receiver in config.get("receivers") or []}
        found = [_told(one, root, hours, at, addresses.get(one.receiver, ())) for one in tree.walk(root, labels)]
        inhibitions = [
            inhibition
            for rule in config.get("inhibit_rules") or []
            if (inhibition := _inhibition(rule, labels, [alert["labels"] for alert in alerts]))
        ]
    except (AlertmanagerError, KeyError, TypeError) as error:
        raise UsageError(f"The configuration of Alertmanager cannot be walked: {error}") from error
    held = [
        silence
        for silence in silences
        if silence["status"]["state"] == "active" and _holds(silence["matchers"], labels)
    ]
    return Routing(dict(labels), at, found, inhibitions, held)


def read_config(path: Path) -> dict[str, Any]:
    """Read an alertmanager.yml.

    Raises:
        UsageError: It cannot be read.
    """
    try:
        loaded = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 - a safe loader
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
    if not isinstance(loaded, dict):
        raise UsageError(f"{path} is no alertmanager.yml: it holds no mapping.")
    return loaded


def silence_matchers(silence: Mapping[str, Any]) -> list[str]:
    """Write a silence's matchers as people type them."""
    return [str(_of_api(raw)) for raw in silence["matchers"]]


def _told(found: tree.Route, root: tree.Route, hours: clock.Clock, at: datetime, addresses: tuple[str, ...]) -> Told:
    muted_by = hours.mutes(found.mute, found.active, at)
    speaks_at = hours.next_speaking(found.mute, found.active, at)
    first_at = first_until = None
    if speaks_at is not None and not muted_by:
        first_at = first_until = words.later(at, words.seconds(found.group_wait))
    elif speaks_at is not None:
        # Muted alerts are looked at again each group_interval.
        first_at, first_until = speaks_at, words.later(speaks_at, words.seconds(found.group_interval))
    above = [one for one in tree.every(root) if found.path == one.path or found.path.startswith(f"{one.path}.")]
    return Told(
        receiver=found.receiver,
        addresses=addresses,
        route=found.path,
        matchers=tuple(str(matcher) for one in above for matcher in one.matchers),
        group_by=found.group_by,
        group_wait=found.group_wait,
        group_interval=found.group_interval,
        repeat_interval=found.repeat_interval,
        muted_by=muted_by,
        first_at=first_at,
        first_until=first_until,
    )


def _inhibition(
    rule: Mapping[str, Any], labels: Mapping[str, str], firing: Sequence[Mapping[str, str]]
) -> Inhibition | None:
    target, source = (_side(rule, side) for side in ("target", "source"))
    if not matchers.holds(target, labels):
        return None
    # Alertmanager: an alert that is meant by both sides is not muted by another one that is, too.
    is_source = matchers.holds(source, labels)
    equal = {str(label): labels.get(str(label), "") for label in rule.get("equal") or []}
    muting = {
        other["alertname"]
        for other in firing
        if matchers.holds(source, other)
        and all(other.get(label, "") == value for label, value in equal.items())
        and not (is_source and matchers.holds(target, other))
    }
    names = [matcher.value for matcher in source if matcher.name == "alertname" and matcher.operator == "="]
    if is_source and names and all(matchers.holds(target, {"alertname": name}) for name in names):
        return None
    return Inhibition(str(rule.get("name") or ""), tuple(map(str, source)), equal, tuple(sorted(muting)))


def _side(rule: Mapping[str, Any], side: str) -> list[matchers.Matcher]:
    return [
        *matchers.of_list(rule.get(f"{side}_matchers"), f"{side}_matchers"),
        *matchers.of_route({"match": rule.get(f"{side}_match"), "match_re": rule.get(f"{side}_match_re")}, side),
    ]


def _addresses(receiver: Mapping[str, Any]) -> tuple[str, ...]:
    found = []
    for kind, entries in receiver.items():
        if kind.endswith("_configs"):
            for entry in entries or []:
                shown = next((str(entry[key]) for key in _ADDRESS_KEYS if entry.get(key)), "")
                way = kind.removesuffix("_configs")
                found.append(f"{way} to {shown}" if shown and shown != "<secret>" else way)
    return tuple(found)


def _holds(raw: Sequence[Mapping[str, Any]], labels: Mapping[str, str]) -> bool:
    return matchers.holds([_of_api(one) for one in raw], labels)


def _of_api(raw: Mapping[str, Any]) -> matchers.Matcher:
    operator = {(True, False): "=", (False, False): "!=", (True, True): "=~", (False, True): "!~"}[
        (bool(raw.get("isEqual", True)), bool(raw["isRegex"]))
    ]
    return matchers.Matcher(str(raw["name"]), operator, str(raw["value"]))
