"""A backtest as a picture: the curve with its limits, when the alert was pending and fired, and when mails went out.

Vega-Lite; `vl_convert` draws it without a browser and without the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import vl_convert

from promontory.backtest.history import Labels, Span
from promontory.backtest.study import Finding, where
from promontory.errors import UsageError

SUFFIXES = (".png", ".svg", ".html")
_WIDTH = 900
_CURVE_HEIGHT = 180
_ROW_HEIGHT = 22
_POINTS = 600            # of a curve; more cannot be seen at this width
_MAX_ROWS = 25           # bars of one rule and variant
_STATES = {"pending": "#f59e0b", "firing": "#dc2626"}
_LIMIT = "#b91c1c"
# 24 hours, with the day where one begins.
_CLOCK = "utcFormat(datum.value, utchours(datum.value) + utcminutes(datum.value) == 0 ? '%a %d %b' : '%H:%M')"


def draw(findings: Sequence[Finding], span: Span, path: Path) -> None:
    """Write the picture of findings; its suffix says in which format.

    Raises:
        UsageError: Another suffix than .png, .svg or .html, or a file that cannot be written.
    """
    spec = specification(findings, span)
    try:
        if path.suffix == ".png":
            content = vl_convert.vegalite_to_png(spec, scale=2)
        elif path.suffix == ".svg":
            content = vl_convert.vegalite_to_svg(spec).encode()
        elif path.suffix == ".html":
            content = vl_convert.vegalite_to_html(spec, bundle=True).encode()
        else:
            raise UsageError(f"--picture {path}: the name must end in {', '.join(SUFFIXES)}.")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise UsageError(f"--picture {path} cannot be written: {error.strerror}.") from error


def specification(findings: Sequence[Finding], span: Span) -> dict[str, Any]:
    """Return the Vega-Lite specification: one block for each alert, its variants below one curve."""
    blocks: list[dict[str, Any]] = []
    by_alert: dict[str, list[Finding]] = {}
    for finding in findings:
        by_alert.setdefault(finding.rule.name, []).append(finding)
    for alert, variants in by_alert.items():
        parts = [part for part in (_curve(variants, span), _bars(variants, span)) if part]
        blocks.append({"title": {"text": alert, "anchor": "start", "fontSize": 15}, "vconcat": parts, "spacing": 6})
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "background": "white",
        "padding": 12,
        "config": {"view": {"stroke": "#e5e7eb"}, "axis": {"gridColor": "#eef0f3", "labelLimit": 260}, "font": "sans-serif"},
        "vconcat": blocks,
        "spacing": 28,
    }


def _time_axis(span: Span, *, labels: bool) -> dict[str, Any]:
    return {
        "type": "temporal",
        "scale": {"domain": [_moment(span.start), _moment(span.end)], "type": "utc"},
        "axis": {"labels": labels, "ticks": labels, "title": "UTC" if labels else None, "labelExpr": _CLOCK},
    }


def _curve(variants: Sequence[Finding], span: Span) -> dict[str, Any] | None:
    watched = next((finding.watched for finding in variants if finding.watched), None)
    if watched is None:
        return None
    thin = max(1, span.count // _POINTS)
    points = [
        {"time": _moment(moment), "value": value, "series": name}
        for name, series in zip(_names([series.labels for series in watched[1]]), watched[1], strict=True)
        for number, (moment, value) in enumerate(sorted(series.values.items()))
        if number % thin == 0
    ]
    limits = [
        {"limit": curve.limit, "variant": f"{curve.operator} {curve.limit:g} ({finding.rule.variant})"}
        for finding in variants
        if finding.watched
        for curve in finding.watched[:1]
    ]
    limit_y = {"field": "limit", "type": "quantitative"}
    return {
        "width": _WIDTH,
        "height": _CURVE_HEIGHT,
        "layer": [
            {
                "data": {"values": points},
                "mark": {"type": "line", "strokeWidth": 1.3, "tooltip": True},
                "encoding": {
                    "x": {"field": "time", **_time_axis(span, labels=False)},
                    "y": {"field": "value", "type": "quantitative", "title": None, "scale": {"zero": False, "nice": True}},
                    "color": {"field": "series", "type": "nominal", "title": None, "scale": {"scheme": "tableau10"}},
                },
            },
            {
                "data": {"values": limits},
                "mark": {"type": "rule", "color": _LIMIT, "strokeDash": [5, 3]},
                "encoding": {"y": limit_y},
            },
            {
                "data": {"values": limits},
                "mark": {"type": "text", "align": "left", "dx": 4, "dy": -6, "color": _LIMIT, "fontSize": 11},
                "encoding": {"x": {"value": 0}, "y": limit_y, "text": {"field": "variant"}},
            },
        ],
    }


def _names(labels: Sequence[Labels]) -> list[str]:
    """Name series apart: by where they are, and by their job where that is not enough."""
    names = [where(one) for one in labels]
    return [
        f"{name}, {one.get('job') or number}" if names.count(name) > 1 else name
        for number, (name, one) in enumerate(zip(names, labels, strict=True), start=1)
    ]


def _bars(variants: Sequence[Finding], span: Span) -> dict[str, Any]:
    rows: list[str] = []
    bars: list[dict[str, Any]] = []
    mails: list[dict[str, Any]] = []
    for finding in variants:
        before = len(rows)
        for start, end, state, labels in _stretches(finding, span):
            row = f"{finding.rule.variant}: {where(labels)}"
            if row not in rows:
                if len(rows) - before >= _MAX_ROWS:
                    continue
                rows.append(row)
            bars.append({"row": row, "start": _moment(start), "end": _moment(end), "state": state})
        row = f"{finding.rule.variant}: mails ({len(finding.mails)})"
        rows.append(row)
        mails.extend(
            {"row": row, "time": _moment(mail.at), "firing": mail.firing, "resolved": mail.resolved, "to": mail.receiver}
            for mail in finding.mails
        )
    y = {"field": "row", "type": "nominal", "sort": rows, "title": None, "scale": {"domain": rows}}
    return {
        "width": _WIDTH,
        "height": _ROW_HEIGHT * len(rows),
        "layer": [
            {
                "data": {"values": bars},
                "mark": {"type": "bar", "height": 12, "tooltip": True},
                "encoding": {
                    "x": {"field": "start", **_time_axis(span, labels=True)},
                    "x2": {"field": "end"},
                    "y": y,
                    "color": {
                        "field": "state",
                        "type": "nominal",
                        "title": None,
                        "scale": {"domain": list(_STATES), "range": list(_STATES.values())},
                    },
                },
            },
            {
                "data": {"values": mails},
                "mark": {"type": "point", "shape": "triangle-down", "filled": True, "color": "#1d4ed8", "size": 60, "tooltip": True},
                "encoding": {"x": {"field": "time", **_time_axis(span, labels=True)}, "y": y},
            },
        ],
        "resolve": {"scale": {"color": "independent"}},
    }


def _stretches(finding: Finding, span: Span) -> list[tuple[float, float, str, Any]]:
    found = [(pending.start, pending.end, "pending", pending.labels) for pending in finding.near]
    for firing in finding.firings:
        if firing.fired_at > firing.pending_at:
            found.append((firing.pending_at, firing.fired_at, "pending", firing.labels))
        found.append((firing.fired_at, firing.ended_at or span.end, "firing", firing.labels))
    # Alerts that fired come first: they matter most where not all rows fit.
    fired = {where(firing.labels) for firing in finding.firings}
    return sorted(found, key=lambda stretch: (where(stretch[3]) not in fired, stretch[0]))


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
