"""Dashboards as Python: what a dashboard module imports.

    from promontory.dashboards import Dashboard, row, stat, timeseries

docs/how-to/add-a-dashboard.md walks through one.
"""

from promontory.dashboards.model import Dashboard, Query, Row, Variable, closed_row, query, row
from promontory.dashboards.panels import (
    PASSED_FAILED,
    UP_DOWN,
    YES_NO,
    alert_limits,
    bars,
    column,
    gauge,
    heatmap,
    stat,
    states,
    table,
    text,
    timeseries,
)

__all__ = [
    "PASSED_FAILED",
    "UP_DOWN",
    "YES_NO",
    "Dashboard",
    "Query",
    "Row",
    "Variable",
    "alert_limits",
    "bars",
    "closed_row",
    "column",
    "gauge",
    "heatmap",
    "query",
    "row",
    "stat",
    "states",
    "table",
    "text",
    "timeseries",
]
