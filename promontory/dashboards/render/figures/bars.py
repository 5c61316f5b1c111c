"""A horizontal bar for each series."""

from __future__ import annotations

from promontory.dashboards.render.figures.frame import Body
from promontory.dashboards.render.figures.timeseries import reduced
from promontory.dashboards.render.svg import fitted, width_of

_LEAST, _MOST = 22.0, 40.0   # pixels: height of a bar with its gap
_SIZE = 12


def draw(body: Body) -> None:
    """Draw a panel of the type bargauge."""
    calcs = body.options.get("reduceOptions", {}).get("calcs") or ["lastNotNull"]
    told = [(each, reduced(each, calcs[0])) for each in body.answers.series]
    found = [(each, value) for each, value in told if value is not None]
    room = max(1, int(body.height / _LEAST))
    shown = found if len(found) <= room else found[: room - 1]
    high = min(_MOST, body.height / max(len(shown), 1)) if len(shown) == len(found) else _LEAST
    fields = [body.field(each.name) for each, _ in shown]
    texts = [field.text(value) for field, (_, value) in zip(fields, shown, strict=True)]
    names = min(body.width * 0.45, max(width_of(each.name, _SIZE) for each, _ in shown) + 10)
    values = max(width_of(text, _SIZE + 1, bold=True) for text in texts) + 10
    wide = max(20.0, body.width - names - values)
    low = fields[0].minimum if fields[0].minimum is not None else min(0.0, *(value for _, value in shown), 0.0)
    top = fields[0].maximum if fields[0].maximum is not None else max(value for _, value in shown)
    for index, ((series, value), field, text) in enumerate(zip(shown, fields, texts, strict=True)):
        y = body.top + index * high
        color = field.fixed or field.color(value)
        share = min(max((value - low) / ((top - low) or 1.0), 0.0), 1.0)
        base = y + high / 2 + 4
        body.sheet.text(body.left + names - 8, base, fitted(series.name, names - 8, _SIZE), size=_SIZE, anchor="end")
        body.sheet.rect(body.left + names, y + 3, wide, high - 6, body.sheet.theme.track, radius=2)
        if share > 0:
            body.sheet.rect(body.left + names, y + 3, max(wide * share, 2), high - 6, color, radius=2, opacity=0.85)
        body.sheet.text(body.right, base, text, size=_SIZE + 1, color=color, anchor="end", bold=True)
    if len(shown) < len(found):
        y = body.top + len(shown) * high + 15
        body.sheet.text(body.left, y, f"+ {len(found) - len(shown)} more", size=_SIZE, color=body.sheet.theme.faint)
