"""Places panels on Grafana's grid of 24 columns: left to right, line by line, every line filled."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

COLUMNS = 24


@dataclass(frozen=True)
class Place:
    """A rectangle on the grid; `x` and `width` in columns, `y` and `height` in units of about 38 pixels."""

    x: int
    y: int
    width: int
    height: int

    def overlaps(self, other: Place) -> bool:
        """Tell whether two rectangles share a cell."""
        return (
            self.x < other.x + other.width and other.x < self.x + self.width
            and self.y < other.y + other.height and other.y < self.y + self.height
        )  # fmt: skip

    def as_json(self) -> dict[str, int]:
        """Spell it as a gridPos."""
        return {"h": self.height, "w": self.width, "x": self.x, "y": self.y}


def place(sizes: Sequence[tuple[int, int]], top: int) -> tuple[list[Place], int]:
    """Place panels of the given (width, height) below `top`.

    A line takes panels while they fit, is then widened to the full 24 columns in proportion, and is as high as its
    highest panel.

    Returns:
        The places in the order of the sizes, and the first free y below them.
    """
    places: list[Place] = []
    for line in _lines(sizes):
        height = max(height for _, height in line)
        x = 0
        for width in _widened([width for width, _ in line]):
            places.append(Place(x, top, width, height))
            x += width
        top += height
    return places, top


def first_overlap(places: Iterable[tuple[str, Place]]) -> tuple[str, str] | None:
    """Return the titles of two panels that overlap, or None."""
    seen: list[tuple[str, Place]] = []
    for title, place_ in places:
        for other, taken in seen:
            if place_.overlaps(taken):
                return other, title
        seen.append((title, place_))
    return None


def _lines(sizes: Sequence[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    lines: list[list[tuple[int, int]]] = []
    used = COLUMNS
    for width, height in sizes:
        if used + width > COLUMNS:
            lines.append([])
            used = 0
        lines[-1].append((width, height))
        used += width
    return lines


def _widened(widths: Sequence[int]) -> list[int]:
    """Stretch widths to 24 columns: shares rounded down, the columns left over to the first panels."""
    total = sum(widths)
    stretched = [width * COLUMNS // total for width in widths]
    for index in range(COLUMNS - sum(stretched)):
        stretched[index] += 1
    return stretched
