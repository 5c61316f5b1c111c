"""Grafana's colours, dark and light."""

from __future__ import annotations

import re
from dataclasses import dataclass

_RGBA = re.compile(r"rgba\((\d+), *(\d+), *(\d+), *([\d.]+)\)")

# packages/grafana-data/src/themes/createVisualizationColors.ts: the shade that a plain name stands for, and its neighbours.
_DARK = {
    "green": "#73bf69", "red": "#f2495c", "orange": "#ff9830", "yellow": "#fade2a", "blue": "#5794f2", "purple": "#b877d9",
    "super-light-green": "#c8f2c2", "light-green": "#96d98d", "semi-dark-green": "#56a64b", "dark-green": "#37872d",
    "super-light-red": "#ffa6b0", "light-red": "#ff7383", "semi-dark-red": "#e02f44", "dark-red": "#c4162a",
    "super-light-orange": "#ffcb7d", "light-orange": "#ffb357", "semi-dark-orange": "#ff780a", "dark-orange": "#fa6400",
    "super-light-yellow": "#fff899", "light-yellow": "#ffee52", "semi-dark-yellow": "#f2cc0c", "dark-yellow": "#e0b400",
    "super-light-blue": "#c0d8ff", "light-blue": "#8ab8ff", "semi-dark-blue": "#3274d9", "dark-blue": "#1f60c4",
    "super-light-purple": "#deb6f2", "light-purple": "#ca95e5", "semi-dark-purple": "#a352cc", "dark-purple": "#8f3bb8",
}  # fmt: skip
# The light theme takes the next darker shade for the plain name, so that lines and numbers can be read on white.
_LIGHT = _DARK | {
    "green": "#3b8a31", "red": "#d0213a", "orange": "#e0650a", "yellow": "#b98d00", "blue": "#2f6fd0", "purple": "#9a45c4",
}  # fmt: skip
# The order of the palette "classic".
_SERIES = (
    "#73bf69", "#f2cc0c", "#5794f2", "#ff780a", "#f2495c", "#8ab8ff", "#b877d9", "#3cb4a4", "#fa6400", "#c4162a",
    "#96d98d", "#ffb357", "#3274d9", "#ca95e5", "#e0b400", "#ff7383", "#56a64b", "#a352cc", "#c0d8ff", "#ffcb7d",
)  # fmt: skip
_SERIES_LIGHT = (
    "#4a9e40", "#d4a90a", "#3c78d8", "#ee6c08", "#dd3349", "#6b9fe6", "#a257c8", "#2a9585", "#c75200", "#a8142a",
    "#6fbf65", "#e8973a", "#1f60c4", "#b377d3", "#b08900", "#ea5a6c", "#37872d", "#8f3bb8", "#86b0ee", "#dba44a",
)  # fmt: skip
_ORANGES = ("#fff5eb", "#fee6ce", "#fdd0a2", "#fdae6b", "#fd8d3c", "#f16913", "#d94801", "#a63603", "#7f2704")


@dataclass(frozen=True)
class Theme:
    """The colours of a page; all are `#rrggbb`."""

    name: str
    page: str
    panel: str
    border: str
    grid: str
    text: str
    faint: str       # text of less weight
    track: str       # the empty part of a bar
    named: dict[str, str]
    series: tuple[str, ...]
    heat: tuple[str, ...]   # few to many

    def color(self, name: str) -> str:
        """Return a colour of Grafana's by its name; hexadecimal ones stay, unknown ones become the text's."""
        if name.startswith("#"):
            return name[:7]
        if found := _RGBA.fullmatch(name):
            return "#" + "".join(f"{int(part):02x}" for part in found.groups()[:3])
        return self.named.get(name, self.text)

    def on(self, color: str) -> str:
        """Return black or white, whichever can be read on a colour."""
        red, green, blue = (int(color[index : index + 2], 16) for index in (1, 3, 5))
        return "#111217" if 0.299 * red + 0.587 * green + 0.114 * blue > 130 else "#ffffff"


THEMES = {
    "dark": Theme(
        "dark", page="#111217", panel="#181b1f", border="#2b2e34", grid="#26292f", text="#d5d6e2", faint="#9394a0",
        track="#24272d", named=_DARK, series=_SERIES, heat=tuple(reversed(_ORANGES)),
    ),
    "light": Theme(
        "light", page="#f4f5f5", panel="#ffffff", border="#dcdddf", grid="#e9eaec", text="#24292e", faint="#676c75",
        track="#eceef0", named=_LIGHT, series=_SERIES_LIGHT, heat=_ORANGES,
    ),
}  # fmt: skip
