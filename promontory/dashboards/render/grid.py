"""Places the panels of a dashboard for a page's width: on Grafana's grid, or in wider shares where the page is narrow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from promontory.dashboards.layout import COLUMNS, Place, place

UNIT = 30        # pixels: one unit of height
GAP = 8          # pixels between panels
NARROW = 1000    # pixels: below this, panels take larger shares
PHONE = 560      # pixels: below this, they take whole lines

@dataclass(frozen=True)
class Placed:
    """A panel or a row's heading and its rectangle on the grid; `closed` rows hide their panels."""

    panel: Mapping[str, Any]
    place: Place
    closed: bool = False

    @property
    def is_row(self) -> bool:
        """Whether it is a heading."""
        return bool(self.panel["type"] == "row")


def placed(board: Mapping[str, Any], width: int, *, open_rows: bool = False) -> list[Placed]:
    """Return everything that is drawn, from top to bottom.

    Args:
        width: Of the page, pixels.
        open_rows: Draw the panels of closed rows, too.
    """
    found: list[Placed] = []
    top = 0
    for heading, panels in _sections(board, open_rows):
        if heading is not None:
            found.append(Placed(heading, Place(0, top, COLUMNS, 1), closed=bool(heading.get("collapsed")) and not open_rows))
            top += 1
        places = _own(panels, top) if width >= NARROW else place([_share(panel, width) for panel in panels], top)[0]
        found += [Placed(panel, where) for panel, where in zip(panels, places, strict=True)]
        top = max([top, *(where.y + where.height for where in places)])
    return found


def rectangle(where: Place, width: float) -> tuple[float, float, float, float]:
    """Return x, y, width and height in pixels on a page whose grid is `width` wide."""
    column = (width + GAP) / COLUMNS
    return where.x * column, where.y * (UNIT + GAP), where.width * column - GAP, where.height * (UNIT + GAP) - GAP


def _sections(
    board: Mapping[str, Any], open_rows: bool
) -> list[tuple[Mapping[str, Any] | None, list[Mapping[str, Any]]]]:
    sections: list[tuple[Mapping[str, Any] | None, list[Mapping[str, Any]]]] = [(None, [])]
    for panel in sorted(board["panels"], key=lambda each: (each["gridPos"]["y"], each["gridPos"]["x"])):
        if panel["type"] != "row":
            sections[-1][1].append(panel)
        else:
            sections.append((panel, list(panel.get("panels") or []) if open_rows else []))
    return [section for section in sections if section[0] is not None or section[1]]


def _own(panels: Sequence[Mapping[str, Any]], top: int) -> list[Place]:
    """The dashboard's own places, moved so that the section begins at `top`."""
    first = min((panel["gridPos"]["y"] for panel in panels), default=0)
    at = [panel["gridPos"] for panel in panels]
    return [Place(pos["x"], pos["y"] - first + top, pos["w"], pos["h"]) for pos in at]


def _share(panel: Mapping[str, Any], width: int) -> tuple[int, int]:
    own = int(panel["gridPos"]["w"])
    shares = ((6, 12),) if width < PHONE else ((4, 8), (8, 12))
    wide = next((share for most, share in shares if own <= most), COLUMNS)
    return wide, int(panel["gridPos"]["h"])
