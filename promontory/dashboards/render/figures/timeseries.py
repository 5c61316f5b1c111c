"""Lines, areas and bars over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from promontory.dashboards.render.fields import Field, colors_of
from promontory.dashboards.render.figures import axes
from promontory.dashboards.render.figures.axes import Entry, Plot
from promontory.dashboards.render.figures.frame import Body
from promontory.dashboards.render.filled import Series
from promontory.dashboards.render.svg import number, polyline

_HEADINGS = {
    "lastNotNull": "Last *", "last": "Last", "max": "Max", "min": "Min", "mean": "Mean", "sum": "Total", "first": "First",
}  # fmt: skip
_PADDING = 0.1       # of the range of values, above and below
_LABELS = 110        # pixels: the most that labels left of the plot take

Values = Sequence[float | None]


def draw(body: Body) -> None:
    """Draw a panel of the type timeseries."""
    series = body.answers.series
    colors = colors_of(body.panel, [each.name for each in series], body.sheet.theme)
    field = body.field()
    stacked = body.custom.get("stacking", {}).get("mode") == "normal"
    curves = piled(series) if stacked else [each.values for each in series]
    logarithmic = body.custom.get("scaleDistribution", {}).get("type") == "log"

    entries, headings = _legend(body, series, colors)
    below = axes.legend_height(body, entries, headings)
    height = body.height - below
    low, high = _range(body, field, curves, stacked=stacked)
    ticks = axes.value_axis(low, high, height - 24, field.unit, logarithmic=logarithmic)
    plot = axes.time_plot(body, axes.label_room([text for _, text in ticks], _LABELS), height)
    plot = replace(plot, low=ticks[0][0], high=_top(ticks[-1][0], field), logarithmic=logarithmic)
    _value_axis(body, plot, ticks)
    axes.time_axis(body, plot)
    axes.events(body, plot)
    _limits(body, plot, field)
    for index in reversed(range(len(series))):
        floor = curves[index - 1] if stacked and index else None
        _curve(body, plot, curves[index], colors[index], floor)
    axes.legend(body, entries, headings, below)
    fields = [body.field(each.name) for each in series]
    rows = [
        (each.name, color, [None if value is None else its.text(value) for value in each.values])
        for each, color, its in zip(series, colors, fields, strict=True)
    ]
    axes.hover(body, plot, rows, ranks=[[float(f"{value or 0:.4g}") for value in each.values] for each in series])


def _top(last: float, field: Field) -> float:
    return last if field.maximum is None else max(field.maximum, 1e-12)


def piled(series: Sequence[Series]) -> list[Values]:
    """Put series upon each other: the upper edge of each."""
    edges: list[Values] = []
    below = [0.0] * len(series[0].values)
    told = [any(value is not None for value in column) for column in zip(*(each.values for each in series), strict=True)]
    for each in series:
        # A gap in one series is no gap in those above it, a gap in all of them is one.
        below = [base + (value or 0.0) for base, value in zip(below, each.values, strict=True)]
        edges.append([base if any_ else None for base, any_ in zip(below, told, strict=True)])
    return edges


def _range(body: Body, field: Field, curves: Sequence[Values], *, stacked: bool) -> tuple[float, float]:
    values = [value for curve in curves for value in curve if value is not None]
    low, high = min(values), max(values)
    soft = body.custom.get("axisSoftMax")
    if low == high == 0 and soft:
        high = soft
    elif low == high:
        low, high = (min(0.0, 2 * low), max(0.0, 2 * high)) if low else (0.0, 1.0)
    else:
        padding = (high - low) * _PADDING
        low = 0.0 if 0 <= low <= padding or stacked else low - padding
        high = 0.0 if -padding <= high <= 0 else high + padding * 0.5
    high = max(high, soft) if soft is not None else high
    low = field.minimum if field.minimum is not None else low
    high = field.maximum if field.maximum is not None else high
    return low, high if high > low else low + 1


def _value_axis(body: Body, plot: Plot, ticks: Sequence[tuple[float, str]]) -> None:
    theme = body.sheet.theme
    for value, text in ticks:
        if plot.low <= value <= plot.high * (1 + 1e-9) + 1e-12:
            y = plot.y(value)
            body.sheet.line(plot.left, y, plot.left + plot.width, y, theme.grid)
            body.sheet.text(plot.left - 7, y + 4, text, size=11, color=theme.faint, anchor="end")


def _limits(body: Body, plot: Plot, field: Field) -> None:
    if body.custom.get("thresholdsStyle", {}).get("mode", "off") == "off":
        return
    for value, color in field.steps[1:]:
        if plot.low <= value <= plot.high:
            y = plot.y(value)
            body.sheet.line(plot.left, y, plot.left + plot.width, y, field.theme.color(color), width=1.4, dash="8,5", opacity=0.85)


def _curve(body: Body, plot: Plot, values: Values, color: str, floor: Values | None) -> None:
    times = body.filled.times
    opacity = body.custom.get("fillOpacity", 0) / 100
    width = float(body.custom.get("lineWidth", 1)) + 0.4
    if body.custom.get("drawStyle") == "bars":
        _bars(body, plot, values, color, opacity)
        return
    for first, last in _stretches(values):
        line = [(plot.x(times[index]), plot.y(values[index] or 0.0)) for index in range(first, last + 1)]
        if first == last:
            body.sheet.circle(*line[0], 2, color)
            continue
        if opacity:
            ends = [(plot.x(times[index]), plot.y((floor[index] if floor else None) or 0.0)) for index in range(last, first - 1, -1)]
            back = ends if floor else [ends[0], ends[-1]]
            body.sheet.path(polyline([*line, *back]) + "Z", fill=color, opacity=opacity)
        body.sheet.path(polyline(line), stroke=color, width=width)


def _bars(body: Body, plot: Plot, values: Values, color: str, opacity: float) -> None:
    wide = max(1.0, plot.width / max(len(values), 1) * 0.6)
    zero = plot.y(0)
    path = ""
    for at, value in zip(body.filled.times, values, strict=True):
        if value:
            x = min(max(plot.x(at) - wide / 2, plot.left), plot.left + plot.width - wide)
            path += f"M{number(x)},{number(zero)}V{number(plot.y(value))}h{number(wide)}V{number(zero)}Z"
    if path:
        body.sheet.path(path, fill=color, opacity=max(opacity, 0.7))


def _stretches(values: Values) -> list[tuple[int, int]]:
    """First and last index of each run of values without a gap."""
    found: list[tuple[int, int]] = []
    for index, value in enumerate(values):
        if value is None:
            continue
        if found and found[-1][1] == index - 1:
            found[-1] = (found[-1][0], index)
        else:
            found.append((index, index))
    return found


def _legend(body: Body, series: Sequence[Series], colors: Sequence[str]) -> tuple[list[Entry], list[str]]:
    options = body.options.get("legend", {})
    if not options.get("showLegend", True):
        return [], []
    calcs = options.get("calcs") or [] if options.get("displayMode") == "table" else []
    known = [calc for calc in calcs if calc in _HEADINGS]
    order = list(range(len(series)))
    if known and options.get("sortBy"):
        by = next((calc for calc in known if _HEADINGS[calc] == options["sortBy"]), known[0])
        order.sort(key=lambda index: reduced(series[index], by) or 0.0, reverse=bool(options.get("sortDesc")))
    entries = [
        Entry(series[index].name, colors[index], [_cell(body, series[index], calc) for calc in known]) for index in order
    ]
    return entries, [_HEADINGS[calc] for calc in known]


def _cell(body: Body, series: Series, calc: str) -> str:
    value = reduced(series, calc)
    return "" if value is None else body.field(series.name).text(value)


def reduced(series: Series, calc: str) -> float | None:
    """Make one value of a series, as Grafana's reducer of that name; an unknown one gives the last value."""
    numbers = series.numbers()
    if calc == "last" or not numbers:
        return series.values[-1] if series.values else None
    if calc == "mean":
        return sum(numbers) / len(numbers)
    if calc == "sum":
        return sum(numbers)
    if calc in ("max", "min"):
        return max(numbers) if calc == "max" else min(numbers)
    return numbers[0] if calc.startswith("first") else numbers[-1]
