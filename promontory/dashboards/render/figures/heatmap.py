"""Buckets of a histogram over time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from promontory.dashboards.render.fields import empty_text
from promontory.dashboards.render.figures import axes
from promontory.dashboards.render.figures.frame import Body, say
from promontory.dashboards.render.filled import Series
from promontory.dashboards.render.units import written

_CELL = 5.0          # pixels: narrower cells are put together
_SCALE = 18.0        # pixels below: the colours and what they stand for


def draw(body: Body) -> None:
    """Draw a panel of the type heatmap from cumulative buckets, series with a label `le`."""
    buckets = sorted((each for each in body.answers.series if "le" in each.labels), key=lambda each: float(each.labels["le"]))
    if not buckets:
        say(body, empty_text(body.panel), body.sheet.theme.faint)
        return
    unit = body.options.get("yAxis", {}).get("unit") or "short"
    names = ["+Inf" if each.labels["le"] == "+Inf" else written(float(each.labels["le"]), unit) for each in buckets]
    counts = _own(buckets)
    plot = axes.time_plot(body, axes.label_room(names, 90), body.height - _SCALE)
    plot = replace(plot, low=0, high=len(buckets))
    high = plot.height / len(buckets)
    thin = max(1, math.ceil(len(counts[0]) * _CELL / max(plot.width, 1)))
    cells = [[sum(row[index : index + thin]) / thin for index in range(0, len(row), thin)] for row in counts]
    most = max(max(row) for row in cells) or 1.0
    wide = plot.width / len(cells[0])
    heat = body.sheet.theme.heat
    every = max(1, math.ceil(13 / high))
    for row, name in enumerate(names):
        y = plot.bottom - (row + 1) * high
        if row % every == 0:
            body.sheet.text(plot.left - 7, y + 4, name, size=11, color=body.sheet.theme.faint, anchor="end")
        for column, count in enumerate(cells[row]):
            if count > 1e-9:
                color = heat[min(len(heat) - 1, int(math.sqrt(count / most) * len(heat)))]
                body.sheet.rect(plot.left + column * wide, y + 0.5, wide - 0.6, high - 1, color)
    axes.time_axis(body, plot, grid=False)
    _scale(body, plot.left, most)
    rows = [
        (name, heat[len(heat) // 2], [f"{value:.3g}" if value > 1e-9 else None for value in row])
        for name, row in zip(names, counts, strict=True)
    ]
    axes.hover(body, plot, list(reversed(rows)))


def _own(buckets: Sequence[Series]) -> list[list[float]]:
    """What is in each bucket and not in the ones below."""
    counts: list[list[float]] = []
    below: Sequence[float | None] = [0.0] * len(buckets[0].values)
    for bucket in buckets:
        counts.append([max((value or 0.0) - (less or 0.0), 0.0) for value, less in zip(bucket.values, below, strict=True)])
        below = bucket.values
    return counts


def _scale(body: Body, left: float, most: float) -> None:
    heat = body.sheet.theme.heat
    y = body.bottom - 10
    for index, color in enumerate(heat):
        body.sheet.rect(left + index * 16, y, 16, 7, color)
    body.sheet.text(left - 6, y + 7.5, "0", size=11, color=body.sheet.theme.faint, anchor="end")
    body.sheet.text(left + 16 * len(heat) + 6, y + 7.5, f"{most:.3g}", size=11, color=body.sheet.theme.faint)
