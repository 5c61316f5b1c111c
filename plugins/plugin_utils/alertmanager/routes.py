"""The route tree from typed data: severity, team and time decide who is told when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from itertools import combinations
from typing import Any

from . import matchers
from .errors import AlertmanagerError
from .receivers import HEARTBEAT
from .times import HOLIDAYS, WORKING_HOURS, Window

SEVERITIES = ("critical", "warning", "info")
_MOST_OVERLAPS = 31  # copies of the tree; five windows that may all hold for one alert make as many
_WAITING = ("warning",)


def render(settings: Mapping[str, Any], windows: Sequence[Window], holidays: bool) -> dict[str, Any]:
    """Build the tree.

    Args:
        settings: The role's variables without their prefix; see `configuration.render`.
        windows: Maintenance windows.
        holidays: Whether there is an interval of holidays.
    Raises:
        AlertmanagerError: A variable has another form; it names the variable.
    """
    default = str(settings["default_receiver"])
    people = [
        *_own_routes(settings),
        *_by_team(settings, holidays),
        *_by_severity([], _list(settings, "critical_receivers"), settings, holidays),
    ]
    return {
        "receiver": default,
        "group_by": list(settings["group_by"]),
        "group_wait": settings["group_wait"],
        "group_interval": settings["group_interval"],
        "repeat_interval": settings["repeat_interval"],
        "routes": [_synthetic(default), _heartbeat(), *_in_maintenance(people, windows), *people],
    }


def _synthetic(default: str) -> dict[str, Any]:
    return {
        "receiver": default,
        "matchers": ['route="synthetic"'],
        "group_by": ["alertname", "token"],  # each proof travels alone and at once
        "group_wait": "0s",
        "group_interval": "5s",
        "repeat_interval": "24h",
    }


def _heartbeat() -> dict[str, Any]:
    return {
        "receiver": HEARTBEAT,
        "matchers": ['route="heartbeat"'],
        "group_by": ["alertname"],
        "group_wait": "0s",
        "group_interval": "1m",
        "repeat_interval": "1m",  # who listens for it notices silence within minutes
    }


def _own_routes(settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    routes = [dict(route) for route in settings.get("routes") or []]
    for number, route in enumerate(routes):
        where = f"alertmanager_routes[{number}]"
        if not matchers.of_route(route, where) and not route.get("continue"):
            raise AlertmanagerError(
                f"{where} takes every alert, so no team and no severity after it is ever reached. "
                "Give it matchers or continue: true, or set alertmanager_default_receiver."
            )
    return routes


def _by_team(settings: Mapping[str, Any], holidays: bool) -> Iterator[dict[str, Any]]:
    for team, entry in (settings.get("teams") or {}).items():
        where = f"alertmanager_teams.{team}"
        unknown = sorted(set(entry) - {"receivers", "critical"}) if isinstance(entry, Mapping) else ["no mapping"]
        if unknown:
            raise AlertmanagerError(f"{where}: {unknown[0]}; write {{receivers: [mail], critical: [phone]}}.")
        told = _list(entry, "receivers", f"{where}.receivers") or [str(settings["default_receiver"])]
        also = _list(entry, "critical", f"{where}.critical")
        also = also if "critical" in entry else _list(settings, "critical_receivers")
        children = [*_by_severity(told, also, settings, holidays), *(_to_all(told, {}) if len(told) > 1 else ())]
        yield {"matchers": [f'team="{_quoted(str(team))}"'], "receiver": told[0], "routes": children}


def _by_severity(
    told: Sequence[str], also: Sequence[str], settings: Mapping[str, Any], holidays: bool
) -> Iterator[dict[str, Any]]:
    """One route for each severity and receiver.

    Args:
        told: A team's receivers; without any, those of the severity or the default.
        also: Told of critical alerts beside the others.
    """
    for severity, chosen in severities(settings).items():
        route = {**_waiting(severity, settings, holidays), **chosen}
        of_severity = str(route.pop("receiver", "") or settings["default_receiver"])
        receivers = [*(told or [of_severity]), *(also if severity == "critical" else ())]
        yield from _to_all(list(dict.fromkeys(receivers)), {"matchers": [f'severity="{severity}"'], **route})


def _to_all(receivers: Sequence[str], route: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The same route for each receiver; all but the last let the alert go on to the next."""
    for number, receiver in enumerate(receivers):
        proceeds = {"continue": True} if number < len(receivers) - 1 else {}
        yield {**route, "receiver": receiver, **proceeds}


def _waiting(severity: str, settings: Mapping[str, Any], holidays: bool) -> dict[str, Any]:
    hours = settings.get("working_hours") or {}
    if not hours or severity not in (hours.get("severities") or _WAITING):
        return {}
    muted = {"mute_time_intervals": [HOLIDAYS]} if holidays else {}
    return {"active_time_intervals": [WORKING_HOURS], **muted}


def severities(settings: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the route settings by severity, the most severe first.

    Raises:
        AlertmanagerError: One is no severity.
    """
    given = dict(settings.get("severities") or {})
    unknown = sorted({*given, *((settings.get("working_hours") or {}).get("severities") or ())} - set(SEVERITIES))
    if unknown:
        raise AlertmanagerError(f"alertmanager_severities: {unknown[0]!r} is not one of {', '.join(SEVERITIES)}.")
    return {name: dict(given[name] or {}) for name in SEVERITIES if name in given}


def named_receivers(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Return the receivers that variables name, each with the variable."""
    for receiver in _of_routes(settings.get("routes") or []):
        yield "alertmanager_routes", receiver
    for receiver in _of_routes(list(severities(settings).values())):
        yield "alertmanager_severities", receiver
    for receiver in _list(settings, "critical_receivers"):
        yield "alertmanager_critical_receivers", receiver
    for team, entry in (settings.get("teams") or {}).items():
        for key in ("receivers", "critical"):
            for receiver in _list(entry, key, f"alertmanager_teams.{team}.{key}") if isinstance(entry, Mapping) else ():
                yield f"alertmanager_teams.{team}.{key}", receiver


def _of_routes(found: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for route in found:
        if route.get("receiver"):
            yield str(route["receiver"])
        yield from _of_routes(route.get("routes") or [])


def _in_maintenance(people: Sequence[Mapping[str, Any]], windows: Sequence[Window]) -> list[dict[str, Any]]:
    """A copy of the routes for people for each set of windows that one alert may be in, the largest sets first.

    A route takes part in a time interval by its name alone, and does not hand that down. So an alert of a window
    goes through the same routes as before, in a copy in which each names the window's interval.
    """
    by_matchers: dict[tuple[str, ...], list[Window]] = {}
    for window in windows:
        by_matchers.setdefault(window.matchers, []).append(window)
    kinds = list(by_matchers.values())
    sets: list[tuple[list[Window], ...]] = []
    for size in range(len(kinds), 0, -1):
        for chosen in combinations(kinds, size):
            if _may_overlap(chosen):
                sets.append(chosen)
            if len(sets) > _MOST_OVERLAPS:
                raise AlertmanagerError(
                    "alertmanager_maintenance: too many windows could hold for one and the same alert. Give windows the same "
                    "matchers, or matchers that exclude each other (one instance each)."
                )
    return [_muted_copy(people, chosen) for chosen in sets]


def _may_overlap(chosen: Sequence[list[Window]]) -> bool:
    return not any(
        matchers.exclude_each_other(one[0].conditions, other[0].conditions) for one, other in combinations(chosen, 2)
    )


def _muted_copy(people: Sequence[Mapping[str, Any]], chosen: Sequence[list[Window]]) -> dict[str, Any]:
    names = [window.interval for same in chosen for window in same]
    conditions = list(dict.fromkeys(text for same in chosen for text in same[0].matchers))
    return {
        "matchers": conditions,
        "mute_time_intervals": names,
        "routes": [_muted(deepcopy(dict(route)), names) for route in people],
    }


def _muted(route: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    route["mute_time_intervals"] = [*(route.get("mute_time_intervals") or []), *names]
    if route.get("routes"):
        route["routes"] = [_muted(dict(child), names) for child in route["routes"]]
    return route


def _list(entry: Mapping[str, Any], key: str, where: str = "") -> list[str]:
    value = entry.get(key) or []
    if isinstance(value, (str, Mapping)) or not isinstance(value, Sequence):
        raise AlertmanagerError(f"{where or 'alertmanager_' + key} is {value!r}, but must be a list of receivers.")
    return [str(name) for name in value]


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
