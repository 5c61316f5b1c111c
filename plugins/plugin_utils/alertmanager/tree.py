"""The route tree of an alertmanager.yml, walked as Alertmanager walks it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import matchers
from .errors import AlertmanagerError
from .matchers import Matcher

# Alertmanager's own defaults of the root. Source: dispatch/route.go.
_DEFAULTS = {"group_wait": "30s", "group_interval": "5m", "repeat_interval": "4h"}


@dataclass(frozen=True)
class Route:
    """One route with everything that it inherits.

    Attributes:
        path: Where it stands, such as ``route.routes[2].routes[0]``.
        receiver: Who is told.
        matchers: Own conditions, without those of its parents.
        proceeds: ``continue``: whether the routes after it are tried too.
        group_by: Labels that put alerts into one message; ``...`` alone means every label.
        group_wait: Wait for further alerts of a new group, as written.
        group_interval: Least time between two messages of a group that changed.
        repeat_interval: Time after which an unchanged group is told again.
        mute: Names of the time intervals in which nothing is told; not inherited.
        active: Names of the time intervals in which alone something is told; not inherited, empty for always.
        routes: Its children.
    """

    path: str
    receiver: str
    matchers: tuple[Matcher, ...]
    proceeds: bool
    group_by: tuple[str, ...]
    group_wait: str
    group_interval: str
    repeat_interval: str
    mute: tuple[str, ...]
    active: tuple[str, ...]
    routes: tuple[Route, ...]


def read(config: Mapping[str, Any]) -> Route:
    """Read the tree of a configuration.

    Raises:
        AlertmanagerError: There is none, or a part of it has another form.
    """
    root = config.get("route")
    if not isinstance(root, Mapping):
        raise AlertmanagerError("The configuration has no route.")
    return _read(root, "route", None)


def walk(route: Route, labels: Mapping[str, str]) -> list[Route]:
    """Return the routes that an alert with these labels ends in, in order; nothing when the root refuses it."""
    if not matchers.holds(route.matchers, labels):
        return []
    found: list[Route] = []
    for child in route.routes:
        matched = walk(child, labels)
        found += matched
        if matched and not child.proceeds:
            break
    return found or [route]


def every(route: Route) -> list[Route]:
    """Return a route and all below it."""
    return [route, *(below for child in route.routes for below in every(child))]


def _read(raw: Mapping[str, Any], path: str, parent: Route | None) -> Route:
    children = raw.get("routes") or []
    if isinstance(children, (str, Mapping)) or not isinstance(children, Sequence):
        raise AlertmanagerError(f"{path}.routes must be a list of routes.")

    def inherited(key: str) -> str:
        return str(raw.get(key) or (getattr(parent, key) if parent else _DEFAULTS[key]))

    without_children = Route(
        path=path,
        receiver=str(raw.get("receiver") or (parent.receiver if parent else "")),
        matchers=tuple(matchers.of_route(raw, path)),
        proceeds=bool(raw.get("continue", False)),
        group_by=_group_by(raw, parent),
        group_wait=inherited("group_wait"),
        group_interval=inherited("group_interval"),
        repeat_interval=inherited("repeat_interval"),
        mute=_names(raw, "mute_time_intervals", path),
        active=_names(raw, "active_time_intervals", path),
        routes=(),
    )
    for number, child in enumerate(children):
        if not isinstance(child, Mapping):
            raise AlertmanagerError(f"{path}.routes[{number}] is {child!r}, but a route is a mapping.")
    read_children = tuple(
        _read(child, f"{path}.routes[{number}]", without_children) for number, child in enumerate(children)
    )
    return Route(**{**vars(without_children), "routes": read_children})


def _group_by(raw: Mapping[str, Any], parent: Route | None) -> tuple[str, ...]:
    if raw.get("group_by"):
        return tuple(str(name) for name in raw["group_by"])
    return parent.group_by if parent else ()


def _names(raw: Mapping[str, Any], key: str, path: str) -> tuple[str, ...]:
    names = raw.get(key) or []
    if isinstance(names, (str, Mapping)):
        raise AlertmanagerError(f"{path}.{key} is {names!r}, but must be a list of names.")
    return tuple(str(name) for name in names)
