"""Bands of states over time."""

from __future__ import annotations

from collections.abc import Sequence

from promontory.dashboards.render.fields import Field
from promontory.dashboards.render.figures import axes
from promontory.dashboards.render.figures.axes import Entry
from promontory.dashboards.render.figures.frame import Body
from promontory.dashboards.render.filled import Series
from promontory.dashboards.render.svg import fitted, width_of

_SIZE = 11
_LEAST = 15.0        # pixels: the lowest band


def draw(body: Body) -> None:
    """Draw a panel of the type state-timeline."""
    field = body.field()
    series = body.answers.series
    colors = _colors(series, field)
    states = sorted({value for each in series for value in each.numbers()})
    entries = [Entry(field.text(value), colors[value]) for value in states]
    below = axes.legend_height(body, entries, ())
    names = axes.label_room([each.name for each in series], body.width * 0.3)
    plot = axes.time_plot(body, names, body.height - below)
    room = max(1, int(plot.height / _LEAST))
    shown = series if len(series) <= room else series[: room - 1]
    high = plot.height / (len(shown) + (1 if len(shown) < len(series) else 0))
    axes.time_axis(body, plot)
    half = body.filled.window.step_s
    thick = min(high * body.options.get("rowHeight", 0.85), 34.0)
    for row, each in enumerate(shown):
        y = plot.top + row * high
        name = fitted(each.name, names - 10, _SIZE)
        body.sheet.text(plot.left - 8, y + high / 2 + 4, name, size=_SIZE, anchor="end")
        for first, last, value in _bands(each.values):
            left = plot.x(body.filled.times[first])
            right = min(plot.x(body.filled.times[last] + half), plot.left + plot.width)
            body.sheet.rect(left, y + (high - thick) / 2, max(right - left, 1), thick, colors[value], opacity=0.8)
            text = field.text(value)
            if width_of(text, _SIZE) + 10 < right - left and thick >= 12:
                color = body.sheet.theme.on(colors[value])
                body.sheet.text(left + 5, y + high / 2 + 4, text, size=_SIZE, color=color)
    if len(shown) < len(series):
        text = f"+ {len(series) - len(shown)} more"
        body.sheet.text(plot.left - 8, plot.bottom - high / 2 + 4, text, size=_SIZE, color=body.sheet.theme.faint, anchor="end")
    axes.legend(body, entries, (), below)
    rows = [
        (each.name, _last_color(each, colors), [None if value is None else field.text(value) for value in each.values])
        for each in series
    ]
    axes.hover(body, plot, rows)


def _colors(series: Sequence[Series], field: Field) -> dict[float, str]:
    values = sorted({value for each in series for value in each.numbers()})
    palette = field.theme.series
    return {
        value: field.color(value) if value in field.words else palette[index % len(palette)]
        for index, value in enumerate(values)
    }


def _last_color(series: Series, colors: dict[float, str]) -> str:
    return colors[series.numbers()[-1]]


def _bands(values: Sequence[float | None]) -> list[tuple[int, int, float]]:
    """First index, last index and value of each run of the same value."""
    found: list[tuple[int, int, float]] = []
    for index, value in enumerate(values):
        if value is None:
            continue
        if found and found[-1][1] == index - 1 and found[-1][2] == value:
            found[-1] = (found[-1][0], index, value)
        else:
            found.append((index, index, value))
    return found
