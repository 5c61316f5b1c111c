"""One large number for each series, with its curve below."""

from __future__ import annotations

from promontory.dashboards.render.fields import empty_text
from promontory.dashboards.render.figures.frame import Body, say
from promontory.dashboards.render.figures.timeseries import reduced
from promontory.dashboards.render.filled import Series
from promontory.dashboards.render.svg import fitted, polyline, width_of

_LARGEST = 44
_SMALLEST = 12
_ROOM = 0.88         # of the width: a page may be shown in a wider font
_SPARK = 0.36        # of the height
_MOST = 6            # series side by side


def draw(body: Body) -> None:
    """Draw a panel of the type stat."""
    calcs = body.options.get("reduceOptions", {}).get("calcs") or ["lastNotNull"]
    told = [(each, reduced(each, calcs[0])) for each in body.answers.series]
    found = [(each, value) for each, value in told if value is not None]
    if not found:
        say(body, empty_text(body.panel), body.sheet.theme.faint)
        return
    wide = body.width / min(len(found), _MOST)
    for index, (series, value) in enumerate(found[:_MOST]):
        _one(body, series, value, body.left + index * wide, wide, named=len(found) > 1)
    if len(found) > _MOST:
        body.sheet.text(body.right - 20, 20, f"+ {len(found) - _MOST} more", size=11, color=body.sheet.theme.faint, anchor="end")


def _one(body: Body, series: Series, value: float, left: float, wide: float, *, named: bool) -> None:
    field = body.field(series.name)
    color = field.fixed or field.color(value)
    mode = body.options.get("textMode", "auto")
    text = series.name if mode == "name" else field.text(value)
    spark = body.options.get("graphMode") == "area" and len(series.numbers()) > 1
    high = body.height * (1 - _SPARK) if spark else body.height
    label = named and mode in ("auto", "value_and_name")
    size = min(_LARGEST, high * (0.55 if label else 0.74), (wide - 12) * _ROOM / max(width_of(text, 1, bold=True), 0.1))
    size = max(size, _SMALLEST)
    middle = left + wide / 2
    if label:
        body.sheet.text(middle, body.top + 12, fitted(series.name, wide - 8, 12), size=12, color=body.sheet.theme.faint, anchor="middle")
    base = body.top + (high + (12 if label else 0)) / 2 + size * 0.33
    body.sheet.text(middle, base, fitted(text, wide, size, bold=True), size=round(size, 1), color=color, anchor="middle", bold=True)
    if spark:
        _spark(body, series, color, left, wide)


def _spark(body: Body, series: Series, color: str, left: float, wide: float) -> None:
    numbers = series.numbers()
    low, high = min([*numbers, 0.0]), max(numbers)
    height = body.height * _SPARK
    count = max(len(series.values) - 1, 1)
    points = [
        (left + index / count * wide, body.bottom - (value - low) / ((high - low) or 1) * height * 0.9)
        for index, value in enumerate(series.values)
        if value is not None
    ]
    body.sheet.path(polyline([*points, (points[-1][0], body.bottom), (points[0][0], body.bottom)]) + "Z", fill=color, opacity=0.15)
    body.sheet.path(polyline(points), stroke=color, width=1.2)
