"""Rows by label, columns by query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from promontory.dashboards.render.fields import Field
from promontory.dashboards.render.figures.frame import Body
from promontory.dashboards.render.filled import Series
from promontory.dashboards.render.svg import fitted, width_of

_SIZE = 12
_HIGH = 28.0         # pixels: a line
_PADDING = 18.0
_GAUGE = 130.0       # pixels: the least that a bar in a cell takes

Row = dict[str, Any]


@dataclass(frozen=True)
class _Column:
    name: str
    width: float
    right: bool      # numbers stand at the right edge
    field: Field


def rows_of(panel: Mapping[str, Any], series: Sequence[Series]) -> tuple[list[str], list[Row]]:
    """Return the headings and rows of a table: its queries' answers after its transformations."""
    refs = list(dict.fromkeys(each.ref_id for each in series))
    single = len(panel.get("targets") or []) <= 1
    frames = [
        [{**each.labels, "Value" if single else f"Value #{ref}": each.values[-1]} for each in series if each.ref_id == ref]
        for ref in refs
    ]
    rows = [row for frame in frames for row in frame]
    headings = list(dict.fromkeys(name for row in rows for name in row))
    for step in panel.get("transformations") or []:
        options = step.get("options", {})
        if step["id"] == "joinByField":
            rows = _joined(frames, options["byField"])
        elif step["id"] == "filterFieldsByName":
            names = options.get("include", {}).get("names") or headings
            headings = [name for name in names if name in headings or name.startswith("Value")]
        elif step["id"] == "organize":
            order, renamed = options.get("indexByName", {}), options.get("renameByName", {})
            hidden = {name for name, out in options.get("excludeByName", {}).items() if out}
            headings = sorted((name for name in headings if name not in hidden), key=lambda name: order.get(name, len(order)))
            rows = [{renamed.get(name, name): value for name, value in row.items()} for row in rows]
            headings = [renamed.get(name, name) for name in headings]
    for sort in panel.get("options", {}).get("sortBy") or []:
        name = sort["displayName"]
        known = [row for row in rows if row.get(name) is not None]
        known.sort(key=lambda row: (isinstance(row[name], str), row[name]), reverse=bool(sort.get("desc")))
        rows = [*known, *(row for row in rows if row.get(name) is None)]
    return headings, rows


def draw(body: Body) -> None:
    """Draw a panel of the type table."""
    headings, rows = rows_of(body.panel, body.answers.series)
    room = max(1, int((body.height - _HIGH) / _HIGH))
    shown = rows if len(rows) <= room else rows[: max(room - 1, 1)]
    columns = _columns(body, headings, rows)
    theme = body.sheet.theme
    x = body.left
    for column in columns:
        place, anchor = _at(column, x)
        body.sheet.text(place, body.top + 18, fitted(column.name, column.width - 10, _SIZE, bold=True), size=_SIZE,
                        color=theme.color("blue"), anchor=anchor, bold=True)  # fmt: skip
        x += column.width
    for number, row in enumerate(shown):
        y = body.top + _HIGH * (number + 1)
        body.sheet.line(body.left, y, body.right, y, theme.grid)
        x = body.left
        for column in columns:
            _cell(body, column, row.get(column.name), x, y)
            x += column.width
    if len(shown) < len(rows):
        y = body.top + _HIGH * (len(shown) + 1) + 18
        body.sheet.text(body.left + 6, y, f"+ {len(rows) - len(shown)} more rows", size=_SIZE, color=theme.faint)


def _joined(frames: Sequence[Sequence[Row]], key: str) -> list[Row]:
    joined: dict[str, Row] = {}
    for frame in frames:
        for row in frame:
            if key in row:
                # The first frame's labels win; each frame adds its value.
                joined[row[key]] = {**row, **joined.get(row[key], {})}
    return list(joined.values())


def _columns(body: Body, headings: Sequence[str], rows: Sequence[Row]) -> list[_Column]:
    columns = []
    for name in headings:
        field = body.field(name)
        values = [row.get(name) for row in rows]
        texts = [_text(field, value) for value in values]
        wide = max([width_of(name, _SIZE, bold=True), *(width_of(text, _SIZE) for text in texts)]) + _PADDING
        wide += _GAUGE if field.cell == "gauge" else 0
        columns.append(_Column(name, wide, all(not isinstance(value, str) for value in values), field))
    share = body.width / (sum(column.width for column in columns) or 1)
    return [_Column(column.name, column.width * share, column.right, column.field) for column in columns]


def _at(column: _Column, x: float) -> tuple[float, str]:
    return (x + column.width - 8, "end") if column.right else (x + 6, "start")


def _text(field: Field, value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else field.text(value)


def _cell(body: Body, column: _Column, value: Any, x: float, y: float) -> None:
    text = fitted(_text(column.field, value), column.width - 12, _SIZE)
    place, anchor = _at(column, x)
    color = ""
    if isinstance(value, (int, float)):
        reached = column.field.color(value)
        if column.field.cell == "gauge":
            low, high = column.field.minimum or 0.0, column.field.maximum or 1.0
            share = min(max((value - low) / ((high - low) or 1.0), 0.0), 1.0)
            wide = column.width - width_of("100%", _SIZE) - 26
            body.sheet.rect(x + 6, y + 6, wide, _HIGH - 12, body.sheet.theme.track, radius=2)
            body.sheet.rect(x + 6, y + 6, wide * share, _HIGH - 12, reached, radius=2, opacity=0.85)
            color = reached
        elif column.field.cell == "color-background":
            body.sheet.rect(x + 1, y + 2, column.width - 2, _HIGH - 4, reached, radius=2)
            color = body.sheet.theme.on(reached)
        elif column.field.cell == "color-text" or value in column.field.words:
            color = reached
    body.sheet.text(place, y + 18, text, size=_SIZE, color=color, anchor=anchor)
