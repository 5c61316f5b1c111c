"""Draws one panel: its frame, and by its type what is inside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from promontory.dashboards.render.fields import empty_text
from promontory.dashboards.render.figures import bars, gauge, heatmap, stat, states, table, text, timeseries
from promontory.dashboards.render.figures.frame import Body, body_of, say
from promontory.dashboards.render.filled import Answers, Filled
from promontory.dashboards.render.grid import Placed, rectangle
from promontory.dashboards.render.svg import Sheet, fitted
from promontory.dashboards.render.theme import Theme

_FIGURES: dict[str, Callable[[Body], None]] = {
    "bargauge": bars.draw, "gauge": gauge.draw, "heatmap": heatmap.draw, "stat": stat.draw, "state-timeline": states.draw,
    "table": table.draw, "timeseries": timeseries.draw,
}  # fmt: skip


@dataclass(frozen=True)
class Drawn:
    """A panel as SVG elements within `width` times `height` pixels; `hover` is what the page's script shows."""

    width: float
    height: float
    elements: str
    hover: dict[str, Any] | None = None


def draw(placed: Placed, filled: Filled, theme: Theme, page_width: float) -> Drawn:
    """Draw a panel, or the heading of a row."""
    _, _, width, height = rectangle(placed.place, page_width)
    if placed.is_row:
        return _heading(placed, theme, width, height)
    panel = placed.panel
    answers = filled.answers.get(panel["id"], Answers())
    body = body_of(panel, answers, filled, Sheet(width, height, theme))
    if panel["type"] == "text":
        text.draw(body)
    elif answers.error:
        say(body, answers.error, theme.color("red"))
    elif panel["type"] not in _FIGURES:
        say(body, f"A panel of the type {panel['type']} is not drawn here; Grafana draws it.", theme.faint)
    elif not answers.series:
        say(body, empty_text(panel), theme.faint)
    else:
        _FIGURES[panel["type"]](body)
    return Drawn(width, height, body.sheet.inside(), body.hover)


def _heading(placed: Placed, theme: Theme, width: float, height: float) -> Drawn:
    sheet = Sheet(width, height, theme)
    inside = len(placed.panel.get("panels") or [])
    sheet.path("M6,10L11,15L6,20" if placed.closed else "M3,12L8,17L13,12", stroke=theme.faint, width=1.6)
    title = fitted(placed.panel["title"], width - 120, 15, bold=True)
    sheet.text(20, 20, title, size=15, bold=True)
    if placed.closed:
        sheet.text(width - 2, 20, f"{inside} panel{'' if inside == 1 else 's'}", size=12, color=theme.faint, anchor="end")
    return Drawn(width, height, sheet.inside())
