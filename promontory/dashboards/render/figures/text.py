"""Something to read: headings, paragraphs and lists of Markdown."""

from __future__ import annotations

import re

from promontory.dashboards.render.figures.frame import Body
from promontory.dashboards.render.svg import wrapped

_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_MARKS = re.compile(r"[*_`]{1,3}(\S(?:.*?\S)?)[*_`]{1,3}")


def draw(body: Body) -> None:
    """Draw a panel of the type text; what does not fit is left out."""
    y = body.top + 6
    for line in str(body.options.get("content") or "").splitlines():
        heading = re.match(r"(#+)\s+", line)
        item = re.match(r"\s*[-*+]\s+", line)
        text = line[heading.end() :] if heading else line[item.end() :] if item else line
        text = _MARKS.sub(r"\1", _LINK.sub(r"\1", text)).strip()
        size = {1: 20, 2: 17}.get(len(heading[1]), 15) if heading else 13
        indent = 16 if item else 0
        for number, part in enumerate(wrapped(text, body.width - indent, size)):
            y += size * 1.4
            if y > body.bottom:
                return
            if item and number == 0:
                body.sheet.circle(body.left + 6, y - 4, 2, body.sheet.theme.text)
            body.sheet.text(body.left + indent, y, part, size=size, bold=heading is not None)
        y += 5
