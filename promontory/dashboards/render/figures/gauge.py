"""A dial for each series."""

from __future__ import annotations

import math

from promontory.dashboards.render.figures.frame import Body
from promontory.dashboards.render.figures.timeseries import reduced
from promontory.dashboards.render.svg import fitted

_MOST = 6
_SWEEP = math.pi * 1.25


def draw(body: Body) -> None:
    """Draw a panel of the type gauge."""
    calcs = body.options.get("reduceOptions", {}).get("calcs") or ["lastNotNull"]
    told = [(each, reduced(each, calcs[0])) for each in body.answers.series]
    found = [(each, value) for each, value in told if value is not None][:_MOST]
    wide = body.width / max(len(found), 1)
    for index, (series, value) in enumerate(found):
        field = body.field(series.name)
        low = field.minimum or 0.0
        high = field.maximum if field.maximum is not None else max(100.0, value)
        x, radius = body.left + (index + 0.5) * wide, min(wide / 2 - 6, body.height / 1.75)
        y = body.top + radius + 4
        share = min(max((value - low) / ((high - low) or 1.0), 0.0), 1.0)
        _arc(body, x, y, radius, 1.0, body.sheet.theme.track)
        _arc(body, x, y, radius, share, field.color(value))
        size = min(28.0, radius * 0.42)
        body.sheet.text(x, y + size * 0.3, field.text(value), size=round(size, 1), color=field.color(value), anchor="middle", bold=True)
        if len(found) > 1:
            body.sheet.text(x, body.bottom - 2, fitted(series.name, wide - 8, 12), size=12, anchor="middle")


def _arc(body: Body, x: float, y: float, radius: float, share: float, color: str) -> None:
    if share <= 0:
        return
    begin = math.pi / 2 + (2 * math.pi - _SWEEP) / 2
    end = begin + _SWEEP * share
    radius -= radius * 0.1
    far = 1 if end - begin > math.pi else 0
    start = f"{x + radius * math.cos(begin):.1f},{y + radius * math.sin(begin):.1f}"
    stop = f"{x + radius * math.cos(end):.1f},{y + radius * math.sin(end):.1f}"
    body.sheet.path(f"M{start}A{radius:.1f},{radius:.1f} 0 {far} 1 {stop}", stroke=color, width=round(radius * 0.2, 1))
