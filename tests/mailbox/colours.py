"""The colours of a mail as a reader sees them, light and dark, and their contrast (WCAG 2.2, 1.4.3 and 1.4.11)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser

_VOID = {"meta", "br", "img", "hr", "input", "link"}
_RULE = re.compile(r"\.([\w-]+)\s*\{([^}]*)\}")
_BORDER = re.compile(r"#[0-9a-fA-F]{6}")


@dataclass(frozen=True)
class Seen:
    """One piece of text, or the edge of a button, with both colours.

    Attributes:
        what: The text, or `edge of` and the class.
        over: Colour of the text or edge, #rrggbb.
        under: Colour behind it.
    """

    what: str
    over: str
    under: str

    @property
    def contrast(self) -> float:
        """Ratio of the luminances, 1 to 21."""
        lighter, darker = sorted((_luminance(self.over), _luminance(self.under)), reverse=True)
        return (lighter + 0.05) / (darker + 0.05)


@dataclass(frozen=True)
class _Element:
    tag: str
    over: str
    under: str
    is_hidden: bool


def dark_rules(html: str) -> dict[str, dict[str, str]]:
    """Return what the style sheet of a mail sets for dark mode, by class."""
    (sheet,) = re.findall(r"@media \(prefers-color-scheme: dark\) \{(.*?)\n\}", html, re.S)
    return {name: _declarations(body) for name, body in _RULE.findall(sheet)}


def seen(html: str, *, dark: bool) -> list[Seen]:
    """List every piece of text with its colours, and the edge of every button."""
    reader = _Reader(dark_rules(html) if dark else {})
    reader.feed(html)
    return reader.found


class _Reader(HTMLParser):
    def __init__(self, dark: Mapping[str, Mapping[str, str]]) -> None:
        super().__init__()
        self.found: list[Seen] = []
        self._dark = dark
        self._open: list[_Element] = [_Element("", "#000000", "#ffffff", False)]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _VOID:
            return
        values = dict(attrs)
        style = _declarations(values.get("style") or "")
        for name in (values.get("class") or "").split():
            style |= self._dark.get(name, {})   # they are !important
            if name in {"p-button", "p-first"}:
                edge = style.get("border-color") or "".join(_BORDER.findall(style.get("border", "")))
                self.found.append(Seen(f"edge of {name}", edge, self._open[-1].under))
        parent = self._open[-1]
        is_hidden = parent.is_hidden or style.get("display") == "none" or tag in {"style", "title"}
        self._open.append(
            _Element(tag, style.get("color", parent.over), style.get("background-color", parent.under), is_hidden)
        )

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            assert self._open[-1].tag == tag, f"</{tag}> closes <{self._open[-1].tag}>"
            self._open.pop()

    def handle_data(self, data: str) -> None:
        here = self._open[-1]
        if data.strip() and not here.is_hidden:
            self.found.append(Seen(data.strip(), here.over, here.under))


def _declarations(style: str) -> dict[str, str]:
    return dict(_pairs(style))


def _pairs(style: str) -> Iterator[tuple[str, str]]:
    for declaration in style.split(";"):
        name, colon, value = declaration.partition(":")
        if colon:
            yield name.strip(), value.replace("!important", "").strip()


def _luminance(colour: str) -> float:
    channels = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    red, green, blue = (value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
