"""Panels made of the rule files: each alert that nobody gave a panel gets one with its expression and its limit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import attr
from promql_parser import BinaryExpr, Call

from promontory.dashboards.model import Dashboard, Row
from promontory.dashboards.panels import AlertLimits, timeseries
from promontory.dashboards.rulebook import Alert
from promontory.dashboards.widgets import Ours, TimeSeries
from promontory.promql.tree import COMPARISONS, parse, walk

# Last word of a threshold's name, and the template function of a description, -> unit of the value.
_UNIT_OF_WORD = {
    "ratio": "percentunit", "seconds": "s", "hours": "h", "days": "d", "bytes": "bytes", "count": "short",
    "factor": "short",
}  # fmt: skip
_UNIT_OF_FORMAT = {"humanizePercentage": "percentunit", "humanizeDuration": "s", "humanize1024": "bytes"}
_VALUE = re.compile(r"\{\{\s*\$value\s*\|\s*(\w+)")
_TEMPLATE = re.compile(r"\{\{.*?\}\}")


def with_alert_panels(dashboard: Dashboard, alerts: Mapping[str, Alert]) -> list[Row]:
    """Return the rows of a dashboard with panels in place of each `alert_limits()`; rows that stay empty are left out."""
    shown = {name for row in dashboard.rows for panel in row.panels if isinstance(panel, Ours) for name in panel.alerts}
    mine = [alert for alert in alerts.values() if alert.dashboard == dashboard.uid and alert.name not in shown]
    rows = []
    for row in dashboard.rows:
        panels: list[Any] = []
        for panel in row.panels:
            panels += [_panel(alert, panel) for alert in mine] if isinstance(panel, AlertLimits) else [panel]
        if panels:
            rows.append(replace(row, panels=panels))
    return rows


def unit_of(alert: Alert) -> str:
    """Return the unit of what an alert watches, from its threshold's name, else from how its description writes it."""
    if alert.limit is not None and alert.limit.name:
        word = alert.limit.name.rsplit("_", 1)[-1]
        if word in _UNIT_OF_WORD:
            return _UNIT_OF_WORD[word]
    written = _VALUE.search(alert.annotations.get("description", ""))
    return _UNIT_OF_FORMAT.get(written[1], "short") if written else "short"


def _panel(alert: Alert, place: AlertLimits) -> TimeSeries:
    impact = _TEMPLATE.sub("it", alert.annotations.get("impact", ""))
    limit = "The dashed line is its limit. " if alert.limit is not None else ""
    empty = place.empty.get(alert.name) or _empty(alert)
    panel = timeseries(
        alert.name, unit=unit_of(alert), alert=alert.name, empty=empty, width=8, height=7, minimum=None,
        description=f"What the alert {alert.name} ({alert.severity}) watches. {limit}{impact}",
    )  # fmt: skip
    made: TimeSeries = attr.evolve(panel, source=place.source)
    return made


def _empty(alert: Alert) -> str:
    """Say what it means when there is nothing to show, or nothing where there must be something.

    absent(), a comparison inside the value and a look back in time all have no result while nothing is wrong, or while
    there is nothing to compare with yet.
    """
    nodes = list(walk(parse(alert.value)))
    if any(isinstance(node, Call) and node.func.name.startswith("absent") for node in nodes):
        return "Nothing is missing."
    if any(isinstance(node, BinaryExpr) and str(node.op) in (*COMPARISONS, "unless", "and") for node in nodes):
        return "The condition of this alert is not given."
    if any(getattr(node, "offset", None) for node in nodes):
        return "There is nothing to compare with yet."
    return ""
