"""Says in words what is different between two versions of a dashboard: panel added, limit 80 → 90."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

# What Grafana adds to a dashboard when it stores it; no difference.
_STORED = frozenset({"id", "version", "iteration", "preload", "weekStart", "liveNow"})
_NAMES = {"expr": "query", "description": "description", "unit": "unit", "legendFormat": "legend", "noValue": "text for no data"}


def differences(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[str]:
    """Return sentences on how one dashboard became the other; nothing when they are the same.

    Args:
        before, after: The JSON of a dashboard, or None where there is none.
    """
    if before is None and after is None:
        return []
    if before is None:
        return [f"new dashboard with {len(_panels(after or {}))} panels"]
    if after is None:
        return ["the dashboard is gone"]
    return [*_of_frame(before, after), *_of_variables(before, after), *_of_panels(before, after)]


def _of_frame(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for key in sorted((before.keys() | after.keys()) - _STORED - {"panels", "templating", "annotations", "links"}):
        if before.get(key) != after.get(key):
            yield f"{key} {_said(before.get(key))} → {_said(after.get(key))}"
    for key, name in (("annotations", "annotation"), ("links", "link")):
        yield from _named(_listed(before, key), _listed(after, key), name)


def _of_variables(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    def stable(board: Mapping[str, Any]) -> dict[str, Any]:
        # What is chosen at the moment, and the values found, are the reader's and not the author's.
        return {name: {key: value for key, value in each.items() if key not in ("current", "options")}
                for name, each in _listed(board, "templating").items()}  # fmt: skip

    yield from _named(stable(before), stable(after), "variable")


def _of_panels(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    old, new = _panels(before), _panels(after)
    gone = {number: panel for number, panel in old.items() if number not in new}
    come = {number: panel for number, panel in new.items() if number not in old}
    for number, panel in sorted(gone.items(), key=lambda item: str(item[1].get("title"))):
        twin = next((key for key, other in come.items() if _same_questions(panel, other)), None)
        if twin is None:
            yield f"panel {panel.get('title')!r} removed"
        else:
            yield f"panel {panel.get('title')!r} renamed to {come.pop(twin).get('title')!r} (new id {twin}, was {number})"
    for panel in sorted(come.values(), key=lambda each: str(each.get("title"))):
        yield f"panel {panel.get('title')!r} added"
    for number in [number for number in new if number in old]:
        yield from (f"panel {new[number].get('title')!r}: {change}" for change in _changes(old[number], new[number]))


def _changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    if old.get("title") != new.get("title"):
        yield f"title {old.get('title')!r} → {new.get('title')!r}"
    if old.get("type") != new.get("type"):
        yield f"kind {old.get('type')} → {new.get('type')}"
    yield from _limits(old, new)
    yield from _targets(old, new)
    if old.get("gridPos") != new.get("gridPos"):
        yield "moved or resized" if old.get("type") != "row" else "moved"
    seen = {"title", "type", "targets", "gridPos", "panels", "pluginVersion"}
    for path, one, other in _leaves(
        {key: value for key, value in old.items() if key not in seen},
        {key: value for key, value in new.items() if key not in seen}, "",
    ):  # fmt: skip
        if ".thresholds." not in f".{path}.":
            name = _NAMES.get(path.rsplit(".", 1)[-1], path)
            yield f"{name} {_said(one)} → {_said(other)}"


def _limits(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    def steps(panel: Mapping[str, Any]) -> list[tuple[str, Any]]:
        defaults = panel.get("fieldConfig", {}).get("defaults", {})
        return [(step["color"], step["value"]) for step in defaults.get("thresholds", {}).get("steps", [])]

    one, other = steps(old), steps(new)
    if one == other:
        return
    if [color for color, _ in one] == [color for color, _ in other]:
        for (color, value), (_, changed) in zip(one, other, strict=True):
            if value != changed:
                yield f"threshold {_said(value)} → {_said(changed)} ({color})"
        return
    yield f"thresholds {_spelt(one)} → {_spelt(other)}"


def _targets(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    one = {target.get("refId"): target for target in old.get("targets") or []}
    other = {target.get("refId"): target for target in new.get("targets") or []}
    for ref in sorted(one.keys() | other.keys(), key=str):
        if ref not in other:
            yield f"query {ref} removed: {one[ref].get('expr')}"
        elif ref not in one:
            yield f"query {ref} added: {other[ref].get('expr')}"
        else:
            for path, before, after in _leaves(one[ref], other[ref], ""):
                yield f"{_NAMES.get(path, path)} {ref} {_said(before)} → {_said(after)}"


def _named(before: Mapping[str, Any], after: Mapping[str, Any], what: str) -> Iterator[str]:
    for name in sorted(before.keys() | after.keys()):
        if name not in after:
            yield f"{what} {name!r} removed"
        elif name not in before:
            yield f"{what} {name!r} added"
        else:
            for path, one, other in _leaves(before[name], after[name], ""):
                yield f"{what} {name!r}: {path} {_said(one)} → {_said(other)}"


def _leaves(one: Any, other: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    """Yield path and both values wherever two JSON values differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys()):
            yield from _leaves(one.get(key), other.get(key), f"{path}.{key}" if path else key)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from _leaves(left, right, f"{path}[{index}]")
    elif one != other:
        yield path, one, other


def _panels(board: Mapping[str, Any]) -> dict[int, Mapping[str, Any]]:
    flat = [inner for panel in board.get("panels", []) for inner in (panel, *(panel.get("panels") or []))]
    return {panel.get("id", -index): panel for index, panel in enumerate(flat, start=1)}


def _listed(board: Mapping[str, Any], key: str) -> dict[str, Any]:
    held = board.get(key) or []
    entries = held.get("list", []) if isinstance(held, dict) else held
    return {str(entry.get("name") or entry.get("title")): entry for entry in entries}


def _same_questions(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    asked = [[target.get("expr") for target in panel.get("targets") or []] for panel in (one, other)]
    return bool(asked[0]) and asked[0] == asked[1] and one.get("type") == other.get("type")


def _spelt(steps: list[tuple[str, Any]]) -> str:
    return ", ".join(f"{color} from {value}" for color, value in steps) or "none"


def _said(value: Any) -> str:
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 160 else f"{text[:157]}…"
