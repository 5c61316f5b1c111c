"""A whole dashboard as one SVG, and as a PNG."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import vl_convert

from promontory.dashboards.render.figures import draw
from promontory.dashboards.render.filled import Filled
from promontory.dashboards.render.grid import GAP, UNIT, placed, rectangle
from promontory.dashboards.render.png import packed
from promontory.dashboards.render.svg import FONT, Sheet, fitted, width_of
from promontory.dashboards.render.theme import Theme

MARGIN = 16      # pixels around a page
HEAD = 64        # pixels: title, description and time
_TITLE, _SMALL = 20, 12


def as_svg(filled: Filled, theme: Theme, width: int, *, open_rows: bool = False) -> str:
    """Draw a dashboard as one SVG, `width` pixels wide."""
    inner = width - 2 * MARGIN
    places = placed(filled.board, width, open_rows=open_rows)
    units = max((each.place.y + each.place.height for each in places), default=0)
    height = HEAD + units * (UNIT + GAP) - GAP + 2 * MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="{FONT}"><rect width="{width}" height="{height}" fill="{theme.page}"/>',
        f'<g transform="translate({MARGIN},{MARGIN})">{head(filled, theme, inner)}</g>',
    ]
    for each in places:
        x, y, wide, high = rectangle(each.place, inner)
        drawn = draw(each, filled, theme, inner)
        parts.append(
            f'<svg x="{x + MARGIN:.1f}" y="{y + MARGIN + HEAD:.1f}" width="{wide:.1f}" height="{high:.1f}">{drawn.elements}</svg>'
        )
    return "".join([*parts, "</svg>"])


def as_png(filled: Filled, theme: Theme, width: int, *, open_rows: bool = False, scale: float = 1.0) -> bytes:
    """Draw a dashboard as a PNG, `width` times `scale` pixels wide."""
    return packed(vl_convert.svg_to_png(as_svg(filled, theme, width, open_rows=open_rows), scale=scale))


def head(filled: Filled, theme: Theme, width: float) -> str:
    """Write the page's title, what the dashboard is about, its time, and what is chosen in its variables."""
    sheet = Sheet(width, HEAD, theme)
    when = period(filled)
    chosen = choices(filled)
    right = max(width_of(when, _SMALL), width_of(chosen, _SMALL))
    beside = right < width * 0.45     # what is not wide enough for both gets the time without its date
    if not beside:
        when, chosen = period(filled, short=True), fitted(chosen, width * 0.4, _SMALL)
        right = max(width_of(when, _SMALL), width_of(chosen, _SMALL))
    room = width - right - 24
    sheet.text(2, 20, fitted(str(filled.board["title"]), room, _TITLE, bold=True), size=_TITLE, bold=True)
    sheet.text(2, 42, fitted(str(filled.board.get("description") or ""), room, 13), size=13, color=theme.faint)
    sheet.text(width - 2, 20, when, size=_SMALL, anchor="end")
    sheet.text(width - 2, 42, chosen, size=_SMALL, color=theme.faint, anchor="end")
    return sheet.inside()


def period(filled: Filled, *, short: bool = False) -> str:
    """Say which time a dashboard shows."""
    start, end = (datetime.fromtimestamp(at, UTC) for at in (filled.window.start, filled.window.end))
    if start.date() == end.date():
        return f"{start:%H:%M}–{end:%H:%M} UTC" if short else f"{start:%Y-%m-%d %H:%M} to {end:%H:%M} UTC"
    return f"{start:%m-%d %H:%M}–{end:%m-%d %H:%M} UTC" if short else f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC"


def choices(filled: Filled) -> str:
    """Say what is chosen in the variables that ask Prometheus."""
    listed: list[dict[str, Any]] = filled.board["templating"]["list"]
    names = [each["name"] for each in listed if each["type"] == "query"]
    return " · ".join(f"{name}: {', '.join(filled.chosen.get(name) or ['All'])}" for name in names)
