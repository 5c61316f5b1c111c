"""A whole dashboard as one HTML page that needs nothing else: values on hover, a layout for each kind of screen."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from promontory.dashboards.render.figures import Drawn, draw
from promontory.dashboards.render.filled import Filled
from promontory.dashboards.render.grid import GAP, NARROW, PHONE, Placed, placed
from promontory.dashboards.render.page import choices, period
from promontory.dashboards.render.svg import FONT
from promontory.dashboards.render.theme import Theme

_SCRIPT = Path(__file__).with_name("hover.js")
# Widths that panels are drawn for, and the screens that show them: (width, from, to), pixels.
_PHONE_WIDTH, _NARROW_WIDTH = 400, 780


def as_html(filled: Filled, theme: Theme, width: int, *, open_rows: bool = False) -> str:
    """Draw a dashboard as a page; wide screens get the grid for `width` pixels, smaller ones larger shares."""
    wide = max(width, NARROW)
    layouts = [("wide", wide), ("narrow", _NARROW_WIDTH), ("phone", _PHONE_WIDTH)]
    hover: dict[str, Any] = {}
    bodies = []
    for name, pixels in layouts:
        places = placed(filled.board, pixels, open_rows=open_rows)
        drawn = [draw(each, filled, theme, pixels) for each in places]
        bodies.append(f'<main class="{name}">{_panels(name, places, drawn, hover)}</main>')
    title = escape(str(filled.board["title"]))
    about = escape(str(filled.board.get("description") or ""))
    # "</" within a script would end it.
    data = json.dumps(hover, separators=(",", ":"), ensure_ascii=False).replace("</", "<\\/")
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_style(theme)}</style></head>\n'
        f"<body><header><div><h1>{title}</h1><p>{about}</p></div>"
        f"<div class=when>{escape(period(filled))}<p>{escape(choices(filled))}</p></div></header>\n"
        + "\n".join(bodies)
        + f'\n<div id="tip" role="status"></div>\n<script>const HOVER={data};\n{_SCRIPT.read_text(encoding="utf-8")}</script>\n'
        "</body></html>\n"
    )


def _panels(layout: str, places: Sequence[Placed], drawn: Sequence[Drawn], hover: dict[str, Any]) -> str:
    parts = []
    for each, one in zip(places, drawn, strict=True):
        key = f"{each.panel.get('id', 0)}"
        attributes = ""
        if one.hover is not None:
            # Values are the same in all layouts, the rectangle of the plot is not.
            hover.setdefault(key, {name: value for name, value in one.hover.items() if name != "box"})
            hover[key].setdefault("box", {})[layout] = one.hover["box"]
            attributes = f' data-hover="{key}" data-layout="{layout}"'
        column = f"grid-column:{each.place.x + 1}/span {each.place.width}"
        row = f"grid-row:{each.place.y + 1}/span {each.place.height}"
        parts.append(
            f'<section style="{column};{row}"{attributes}>'
            f'<svg viewBox="0 0 {one.width:.1f} {one.height:.1f}" role="img" aria-label="{escape(str(each.panel.get("title", "")))}">'
            f"{one.elements}</svg></section>"
        )
    return "".join(parts)


def _style(theme: Theme) -> str:
    return (
        f"body{{margin:16px;background:{theme.page};color:{theme.text};font:13px {FONT}}}"
        "header{display:flex;justify-content:space-between;gap:24px;margin:0 2px 14px}h1{font-size:20px;margin:0}"
        f"header p{{color:{theme.faint};margin:6px 0 0}}.when{{text-align:right}}"
        f"main{{display:grid;grid-template-columns:repeat(24,minmax(0,1fr));gap:{GAP}px}}"
        f"section{{position:relative;min-width:0}}svg{{display:block;width:100%;height:auto;overflow:visible;font-family:{FONT}}}"
        ".narrow,.phone{display:none}"
        f"@media(max-width:{NARROW - 1}px){{.wide{{display:none}}.narrow{{display:grid}}}}"
        f"@media(max-width:{PHONE - 1}px){{.narrow{{display:none}}.phone{{display:grid}}header{{display:block}}"
        ".when{text-align:left;margin-top:6px}}"
        f"#tip{{position:fixed;display:none;pointer-events:none;background:{theme.panel};border:1px solid {theme.border};"
        "border-radius:3px;padding:8px 10px;font-size:12px;max-width:60vw;box-shadow:0 4px 12px rgba(0,0,0,.35);z-index:2}"
        "#tip table{border-spacing:0}#tip td{padding:1px 0}"
        "#tip td+td{padding-left:14px;text-align:right;font-weight:bold;white-space:nowrap}"
        "#tip i{display:inline-block;width:12px;height:4px;border-radius:2px;margin-right:7px;vertical-align:middle}"
        f"#tip b{{display:block;margin-bottom:5px}}.cross{{stroke:{theme.faint};stroke-dasharray:3 3}}"
    )
