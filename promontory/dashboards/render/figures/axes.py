"""Axes, marks of events and legends, which several figures share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from promontory.dashboards.render.figures.frame import Body
from promontory.dashboards.render.scale import number_ticks, time_ticks
from promontory.dashboards.render.svg import fitted, width_of
from promontory.dashboards.render.units import base_of, written_axis

_SIZE = 11
_LINE = 17           # pixels: a line of a legend
_TIME_ROOM = 20      # pixels below a plot for its times
_WIDER = 1.08        # a page may be shown in a wider font
_MOST_LEGEND = 0.42  # of a panel's height


@dataclass(frozen=True)
class Plot:
    """The rectangle curves are drawn in, and what its edges stand for."""

    left: float
    top: float
    width: float
    height: float
    start: float
    end: float
    low: float = 0.0
    high: float = 1.0
    logarithmic: bool = False

    @property
    def bottom(self) -> float:
        """The lower edge."""
        return self.top + self.height

    def x(self, at: float) -> float:
        """Place a time."""
        return self.left + (at - self.start) / max(self.end - self.start, 1e-9) * self.width

    def y(self, value: float) -> float:
        """Place a value; one beyond the edges lands on them."""
        low, high = self.low, self.high
        if self.logarithmic:
            value, low, high = (math.log10(max(each, 1e-12)) for each in (value, low, high))
        share = (value - low) / ((high - low) or 1.0)
        return self.bottom - min(max(share, -0.01), 1.01) * self.height


def time_plot(body: Body, left: float, height: float) -> Plot:
    """Give the plot that leaves `left` pixels for labels and is, with its times, `height` high."""
    window = body.filled.window
    return Plot(body.left + left, body.top + 4, body.width - left - 8, height - _TIME_ROOM - 4, window.start, window.end)


def time_axis(body: Body, plot: Plot, *, grid: bool = True) -> None:
    """Write the times below a plot, with lines through it."""
    theme = body.sheet.theme
    edge = body.right + 4
    for at, text in time_ticks(plot.start, plot.end, max(2, int(plot.width / 80))):
        x = plot.x(at)
        half = width_of(text, _SIZE) / 2
        if grid:
            body.sheet.line(x, plot.top, x, plot.bottom, theme.grid)
        if x - half >= body.left and x + half <= edge:
            body.sheet.text(x, plot.bottom + 15, text, size=_SIZE, color=theme.faint, anchor="middle")


def value_axis(low: float, high: float, height: float, unit: str, *, logarithmic: bool = False) -> list[tuple[float, str]]:
    """Return round marks that enclose a range, and how they are written."""
    if logarithmic:
        powers = range(math.floor(math.log10(max(low, 1e-9))), math.ceil(math.log10(max(high, 1e-9))) + 1)
        ticks = [10.0**power for power in powers]
    else:
        # A share is written in hundredths and must be round in them; so must everything else whose unit is scaled.
        ticks = number_ticks(low, high, max(2, min(6, int(height / 32))), base_of(unit))
    return list(zip(ticks, written_axis(ticks, unit), strict=True))


def label_room(texts: Sequence[str], most: float) -> float:
    """Return how many pixels the labels left of a plot take."""
    return min(most, max((width_of(text, _SIZE) for text in texts), default=0.0) * _WIDER + 10)


def events(body: Body, plot: Plot) -> None:
    """Mark what annotations tell: a dashed line and a foot; those that would cover each other share one."""
    last: dict[str, float] = {}
    for event in body.filled.events:
        x, color = plot.x(event.at), body.sheet.theme.color(event.color)
        if x - last.get(color, -math.inf) < 4:
            continue
        last[color] = x
        body.sheet.line(x, plot.top, x, plot.bottom, color, dash="3,3", opacity=0.5)
        body.sheet.path(f"M{x - 4:.1f},{plot.bottom + 5:.1f}L{x + 4:.1f},{plot.bottom + 5:.1f}L{x:.1f},{plot.bottom:.1f}Z", fill=color)


@dataclass(frozen=True)
class Entry:
    """A line of a legend; `values` are the columns of a legend that is a table."""

    name: str
    color: str
    values: Sequence[str] = ()


def legend_height(body: Body, entries: Sequence[Entry], headings: Sequence[str]) -> float:
    """Return how high a legend will be, pixels."""
    most = body.height * _MOST_LEGEND
    lines = len(entries) + 1 if headings else len(_lines(entries, body.width))
    return min(lines, max(1, int(most / _LINE))) * _LINE + 6 if entries else 0.0


def legend(body: Body, entries: Sequence[Entry], headings: Sequence[str], height: float) -> None:
    """Draw a legend at the lower edge; what does not fit is counted."""
    if not entries:
        return
    top = body.bottom - height + 6
    room = max(1, round((height - 6) / _LINE))
    if headings:
        _legend_table(body, entries, headings, top, room)
        return
    lines = _lines(entries, body.width)
    theme = body.sheet.theme
    for row, line in enumerate(lines[:room]):
        left_out = sum(len(other) for other in lines[room:]) if row == room - 1 else 0
        end = body.right - (64 if left_out else 0)
        x, y = body.left, top + row * _LINE + 11
        for entry in line:
            wide = _wide(entry, body.width)
            if x + wide - 14 > end:
                left_out += 1
                continue
            body.sheet.rect(x, y - 6, 12, 4, entry.color, radius=1.5)
            body.sheet.text(x + 17, y, fitted(entry.name, body.width - 30, _SIZE), size=_SIZE, color=theme.text)
            x += wide
        if left_out:
            body.sheet.text(body.right, y, f"+ {left_out} more", size=_SIZE, color=theme.faint, anchor="end")


def moments(body: Body) -> list[str]:
    """Write the moments of the window as they stand above values on hover."""
    return [datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S") for at in body.filled.times]


def hover(body: Body, plot: Plot, rows: Sequence[tuple[str, str, Sequence[str | None]]], *, ranks: Sequence[Sequence[float]] = ()) -> None:
    """Keep what the page shows while the mouse is over a plot.

    Args:
        rows: Name, colour, and a text for each moment.
        ranks: Numbers to sort the rows of a moment by, greatest first; without them they keep their order.
    """
    body.hover = {
        "box": [round(edge, 1) for edge in (plot.left, plot.top, plot.width, plot.height)],
        "times": moments(body),
        "rows": [{"name": name, "color": color, "texts": list(texts)} for name, color, texts in rows],
        "ranks": [list(each) for each in ranks],
    }


def _legend_table(body: Body, entries: Sequence[Entry], headings: Sequence[str], top: float, room: int) -> None:
    theme = body.sheet.theme
    columns = [body.right - 84 * (len(headings) - 1 - index) for index in range(len(headings))]
    y = top + 11
    body.sheet.text(body.left + 17, y, "Name", size=_SIZE, color=theme.faint)
    for x, heading in zip(columns, headings, strict=True):
        body.sheet.text(x, y, heading, size=_SIZE, color=theme.color("blue"), anchor="end")
    shown = entries if len(entries) < room else entries[: max(room - 2, 1)]
    for row, entry in enumerate(shown, start=1):
        y = top + row * _LINE + 11
        body.sheet.rect(body.left, y - 6, 12, 4, entry.color, radius=1.5)
        body.sheet.text(body.left + 17, y, fitted(entry.name, columns[0] - body.left - 90, _SIZE), size=_SIZE)
        for x, value in zip(columns, entry.values, strict=True):
            body.sheet.text(x, y, value, size=_SIZE, anchor="end")
    if len(shown) < len(entries):
        text = f"+ {len(entries) - len(shown)} more"
        body.sheet.text(body.left + 17, y + _LINE, text, size=_SIZE, color=theme.faint)


def _wide(entry: Entry, width: float) -> float:
    return min(width_of(entry.name, _SIZE), width - 30) + 31


def _lines(entries: Sequence[Entry], width: float) -> list[list[Entry]]:
    lines: list[list[Entry]] = []
    used = math.inf
    for entry in entries:
        if used + _wide(entry, width) - 14 > width:
            lines.append([])
            used = 0.0
        lines[-1].append(entry)
        used += _wide(entry, width)
    return lines
