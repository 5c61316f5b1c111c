"""The frame of a panel: its border, title and description, and the room that is left inside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from promontory.dashboards.render.fields import Field, field_of
from promontory.dashboards.render.filled import Answers, Filled
from promontory.dashboards.render.svg import Sheet, fitted, wrapped

_PADDING = 8
_TITLE = 32      # pixels: height of the line with the title
_SIZE = 13
_MOST_LINES = 8


@dataclass
class Body:
    """What a figure draws from and on: `left`, `top`, `width` and `height` are its room on the sheet, pixels."""

    panel: Mapping[str, Any]
    answers: Answers
    filled: Filled
    sheet: Sheet
    left: float
    top: float
    width: float
    height: float
    hover: dict[str, Any] | None = field(default=None)

    @property
    def right(self) -> float:
        """The right edge of the room."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """The lower edge of the room."""
        return self.top + self.height

    @property
    def options(self) -> Mapping[str, Any]:
        """The options of the panel's plugin."""
        options: Mapping[str, Any] = self.panel.get("options") or {}
        return options

    @property
    def custom(self) -> Mapping[str, Any]:
        """The custom settings of the panel's fields."""
        custom: Mapping[str, Any] = self.panel.get("fieldConfig", {}).get("defaults", {}).get("custom") or {}
        return custom

    def field(self, name: str = "") -> Field:
        """Give the settings of a series or a column."""
        return field_of(self.panel, name, self.sheet.theme, self.filled.window.end)


def body_of(panel: Mapping[str, Any], answers: Answers, filled: Filled, sheet: Sheet) -> Body:
    """Draw a panel's frame and return the room inside."""
    theme = sheet.theme
    sheet.rect(0.5, 0.5, sheet.width - 1, sheet.height - 1, theme.panel, radius=3, stroke=theme.border)
    title = fitted(panel.get("title", ""), sheet.width - 2 * _PADDING - 22, _SIZE, bold=True)
    sheet.text(_PADDING, 20, title, size=_SIZE, bold=True)
    if description := panel.get("description"):
        # Beside the title it would lie upon it wherever another font is wider.
        _information(sheet, sheet.width - _PADDING - 7, 15.5)
        sheet.title(0, 0, sheet.width, _TITLE, description)
    top = _TITLE if title else _PADDING
    return Body(
        panel, answers, filled, sheet, left=_PADDING, top=top, width=sheet.width - 2 * _PADDING,
        height=sheet.height - top - _PADDING,
    )  # fmt: skip


def say(body: Body, text: str, color: str) -> None:
    """Write a message into the middle of a panel."""
    lines = wrapped(text, body.width - 16, 13)
    if len(lines) > _MOST_LINES or len(lines) * 18 > body.height:
        room = max(1, min(_MOST_LINES, int(body.height // 18)))
        lines = [*lines[: room - 1], fitted(" ".join(lines[room - 1 :]), body.width - 16, 13)]
    top = body.top + body.height / 2 - (len(lines) - 1) * 9 + 2
    for index, line in enumerate(lines):
        body.sheet.text(body.left + body.width / 2, top + 18 * index, line, size=13, color=color, anchor="middle")
    body.sheet.title(body.left, body.top, body.width, body.height, text)


def _information(sheet: Sheet, x: float, y: float) -> None:
    color = sheet.theme.faint
    sheet.parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5.5" fill="none" stroke="{color}"/>')
    sheet.circle(x, y - 2.6, 0.9, color)
    sheet.line(x, y - 0.6, x, y + 3.2, color, width=1.3)
