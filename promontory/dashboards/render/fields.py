"""How the values of a panel look: unit, digits, words for values, limits and colours, with the panel's exceptions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from promontory.dashboards.render.theme import Theme
from promontory.dashboards.render.units import written


@dataclass(frozen=True)
class Field:
    """The settings of one series or column.

    Attributes:
        steps: Limits as (value from which on, colour); the first is the base.
        words: Text and colour by value.
        fixed: A colour of its own; empty when it has none.
        now: The window's end, seconds since the epoch; dates are told relative to it.
    """

    theme: Theme
    unit: str = "short"
    decimals: int | None = None
    minimum: float | None = None
    maximum: float | None = None
    steps: Sequence[tuple[float, str]] = ()
    words: Mapping[float, tuple[str, str]] = field(default_factory=dict)
    fixed: str = ""
    cell: str = "auto"
    now: float = 0.0

    def text(self, value: float) -> str:
        """Write a value."""
        if value in self.words:
            return self.words[value][0]
        return written(value, self.unit, self.decimals, now=self.now)

    def color(self, value: float) -> str:
        """Give the colour of a value: its word's, else that of the limit it has reached."""
        if value in self.words and self.words[value][1]:
            return self.theme.color(self.words[value][1])
        reached = [color for least, color in self.steps[:1]] + [color for least, color in self.steps[1:] if value >= least]
        return self.theme.color(reached[-1]) if reached else self.theme.text


def field_of(panel: Mapping[str, Any], name: str, theme: Theme, now: float = 0.0) -> Field:
    """Return the settings of a panel's series or column, with the overrides that its name meets."""
    config = panel.get("fieldConfig", {})
    defaults = config.get("defaults", {})
    settings: dict[str, Any] = {
        **{key: defaults.get(key) for key in ("unit", "decimals", "min", "max", "mappings", "thresholds", "color")},
        "custom.cellOptions": defaults.get("custom", {}).get("cellOptions"),
    }
    for override in config.get("overrides", []):
        if _meets(override["matcher"], name):
            settings |= {each["id"]: each["value"] for each in override["properties"]}
    color = settings["color"] or {}
    return Field(
        theme=theme, unit=settings["unit"] or "short", decimals=settings["decimals"], minimum=settings["min"],
        maximum=settings["max"], steps=_steps(settings["thresholds"]), words=_words(settings["mappings"]),
        fixed=theme.color(color["fixedColor"]) if color.get("mode") == "fixed" else "",
        cell=(settings["custom.cellOptions"] or {}).get("type", "auto"), now=now,
    )  # fmt: skip


def colors_of(panel: Mapping[str, Any], names: Sequence[str], theme: Theme) -> list[str]:
    """Give each series a colour: its own, else the next of the palette."""
    own = [field_of(panel, name, theme).fixed for name in names]
    return [color or theme.series[index % len(theme.series)] for index, color in enumerate(own)]


def empty_text(panel: Mapping[str, Any]) -> str:
    """What a panel says when there is nothing."""
    return str(panel.get("fieldConfig", {}).get("defaults", {}).get("noValue") or "No data")


def _meets(matcher: Mapping[str, Any], name: str) -> bool:
    if matcher["id"] == "byName":
        return bool(matcher["options"] == name)
    if matcher["id"] == "byRegexp":
        pattern = str(matcher["options"])
        pattern = pattern[1:].rpartition("/")[0] if pattern.startswith("/") else pattern
        return re.search(pattern, name) is not None
    return False


def _steps(thresholds: Mapping[str, Any] | None) -> list[tuple[float, str]]:
    steps = (thresholds or {}).get("steps") or []
    return [(float(step["value"]) if step.get("value") is not None else 0.0, step["color"]) for step in steps]


def _words(mappings: Sequence[Mapping[str, Any]] | None) -> dict[float, tuple[str, str]]:
    words: dict[float, tuple[str, str]] = {}
    for mapping in mappings or []:
        if mapping["type"] == "value":
            words |= {float(value): (each.get("text", value), each.get("color", "")) for value, each in mapping["options"].items()
                      if re.fullmatch(r"-?\d+(\.\d+)?", value)}  # fmt: skip
    return words
