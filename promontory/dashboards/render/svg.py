"""A sheet to draw SVG on, with text that is measured, so that nothing runs over its edge."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from promontory.dashboards.render.theme import Theme

FONT = "'Liberation Sans', Arimo, 'Helvetica Neue', Helvetica, Arial, 'Nimbus Sans', sans-serif"
# Thousandths of the font size, of the characters from space to ~: the widths that Helvetica, Arial and Liberation Sans share.
_WIDTHS = (
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556, 556,
    556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722,
    778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278,
    556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
)  # fmt: skip
_OTHER = 700     # a character beyond ASCII
_BOLD = 1.07


def width_of(text: str, size: float, *, bold: bool = False) -> float:
    """Return how wide a text is, pixels."""
    thousandths = sum(_WIDTHS[ord(letter) - 32] if 32 <= ord(letter) < 127 else _OTHER for letter in text)
    return thousandths * size / 1000 * (_BOLD if bold else 1)


def fitted(text: str, width: float, size: float, *, bold: bool = False) -> str:
    """Shorten a text to a width; what is left out becomes an ellipsis."""
    if width_of(text, size, bold=bold) <= width:
        return text
    while text and width_of(text + "…", size, bold=bold) > width:
        text = text[:-1]
    return text.rstrip() + "…" if text else ""


def wrapped(text: str, width: float, size: float) -> list[str]:
    """Break a text into lines at spaces."""
    lines: list[str] = []
    for word in text.split():
        if lines and width_of(f"{lines[-1]} {word}", size) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return [fitted(line, width, size) for line in lines]


def number(value: float) -> str:
    """Write a coordinate; a tenth of a pixel is enough."""
    text = f"{value:.1f}"
    return text[:-2] if text.endswith(".0") else text


class Sheet:
    """A rectangle of `width` times `height` pixels that collects SVG elements."""

    def __init__(self, width: float, height: float, theme: Theme) -> None:
        """Begin with nothing on it."""
        self.width, self.height, self.theme = width, height, theme
        self.parts: list[str] = []

    def text(
        self, x: float, y: float, text: str, *, size: float = 12, color: str = "", anchor: str = "start", bold: bool = False
    ) -> None:
        """Write a line of text; `y` is its base line."""
        more = ' font-weight="bold"' if bold else ""
        more += f' text-anchor="{anchor}"' if anchor != "start" else ""
        fill = color or self.theme.text
        self.parts.append(f'<text x="{number(x)}" y="{number(y)}" font-size="{size:g}" fill="{fill}"{more}>{escape(text)}</text>')

    def rect(
        self, x: float, y: float, width: float, height: float, fill: str, *, radius: float = 0, opacity: float = 1, stroke: str = ""
    ) -> None:
        """Draw a filled rectangle."""
        more = f' rx="{radius:g}"' if radius else ""
        more += f' fill-opacity="{opacity:g}"' if opacity < 1 else ""
        more += f' stroke="{stroke}"' if stroke else ""
        self.parts.append(
            f'<rect x="{number(x)}" y="{number(y)}" width="{number(max(width, 0))}" height="{number(max(height, 0))}" fill="{fill}"{more}/>'
        )

    def line(self, x1: float, y1: float, x2: float, y2: float, color: str, *, width: float = 1, dash: str = "", opacity: float = 1) -> None:
        """Draw a straight line."""
        more = f' stroke-dasharray="{dash}"' if dash else ""
        more += f' stroke-opacity="{opacity:g}"' if opacity < 1 else ""
        self.parts.append(
            f'<line x1="{number(x1)}" y1="{number(y1)}" x2="{number(x2)}" y2="{number(y2)}" '
            f'stroke="{color}" stroke-width="{width:g}"{more}/>'
        )

    def path(self, data: str, *, stroke: str = "none", fill: str = "none", width: float = 1, opacity: float = 1) -> None:
        """Draw a path; `opacity` is that of its filling."""
        more = f' fill-opacity="{opacity:g}"' if opacity < 1 else ""
        line = f' stroke="{stroke}" stroke-width="{width:g}" stroke-linejoin="round"' if stroke != "none" else ""
        self.parts.append(f'<path d="{data}" fill="{fill}"{line}{more}/>')

    def circle(self, x: float, y: float, radius: float, fill: str) -> None:
        """Draw a dot."""
        self.parts.append(f'<circle cx="{number(x)}" cy="{number(y)}" r="{radius:g}" fill="{fill}"/>')

    def title(self, x: float, y: float, width: float, height: float, text: str) -> None:
        """Lay an invisible rectangle down that shows a text when the mouse rests on it."""
        self.parts.append(
            f'<rect x="{number(x)}" y="{number(y)}" width="{number(width)}" height="{number(height)}" fill="#000" fill-opacity="0">'
            f"<title>{escape(text)}</title></rect>"
        )

    def inside(self) -> str:
        """Give the elements."""
        return "".join(self.parts)


def polyline(points: Sequence[tuple[float, float]]) -> str:
    """Give the path through points."""
    return "M" + "L".join(f"{number(x)},{number(y)}" for x, y in points)
