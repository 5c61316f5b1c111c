"""Makes a dashboard's JSON what Grafana 12 and 13 store themselves: one pure pass from dictionary to dictionary.

It serves panels of grafanalib's own classes too, as far as their models are still read; the others are refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from promontory.dashboards.frame import DATASOURCE

SCHEMA_VERSION = 42   # the last of the classic model: Grafana 12.0 to 13.2; its v2 model counts differently

# Keys of older Grafanas; grafanalib writes them, nothing reads them.
_DEAD_DASHBOARD = ("__inputs", "gnetId", "hideControls", "id", "rows", "sharedCrosshair", "style", "version")
_DEAD_PANEL = (
    "cacheTimeout", "color", "columns", "editable", "error", "fontSize", "height", "hideTimeOverride", "mappings",
    "maxDataPoints", "minSpan", "span",
)  # fmt: skip
_DEAD_TARGET = ("intervalFactor", "metric", "query", "step", "target")
# What Grafana's own migration takes away again.
_LEFT_OUT_WHEN_EMPTY = ("links", "transformations", "transparent")
_ROW = ("collapsed", "gridPos", "id", "panels", "repeat", "title", "type")
_THRESHOLD = ("color", "value")
_LEGACY = {
    "graph": "timeseries()", "singlestat": "stat()", "table-old": "table()", "alertlist": "a table of ALERTS",
    "grafana-piechart-panel": "PieChartv2", "grafana-worldmap-panel": "a table",
}  # fmt: skip


def normalised(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return a dashboard without nulls and dead keys, with current ids of schema and data source.

    Args:
        raw: As grafanalib's encoder writes it; every panel has id and gridPos.
    """
    board = {key: value for key, value in raw.items() if key not in _DEAD_DASHBOARD}
    board["schemaVersion"] = SCHEMA_VERSION
    board["fiscalYearStartMonth"] = 0
    board["timepicker"] = {}
    board["weekStart"] = ""
    board["panels"] = [_panel(panel) for panel in raw["panels"]]
    cleaned: dict[str, Any] = without_nulls(board)
    return cleaned


def refused_type(panel: Mapping[str, Any]) -> str:
    """Say why a panel's model is not emitted, or nothing."""
    plugin = panel["type"]
    if plugin in _LEGACY:
        return f"the panel type {plugin!r} is gone from Grafana; use {_LEGACY[plugin]}."
    if plugin == "heatmap" and not isinstance(panel.get("options"), dict):
        return "grafanalib's Heatmap is the model of the Angular panel; use heatmap()."
    if plugin == "gauge" and not panel.get("options"):
        return "grafanalib's GaugePanel has no options, so its reducer would be lost; use gauge()."
    if plugin == "bargauge" and "fieldOptions" in panel.get("options", {}):
        return "grafanalib's BarGauge is the model before Grafana 7; use bars()."
    return ""


def without_nulls(value: Any) -> Any:
    """Return a JSON value without the keys and entries that are null."""
    if isinstance(value, dict):
        return {key: without_nulls(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [without_nulls(inner) for inner in value if inner is not None]
    return value


def _panel(raw: Mapping[str, Any]) -> dict[str, Any]:
    if raw["type"] == "row":
        row = {key: value for key, value in raw.items() if key in _ROW}
        row["panels"] = [_panel(panel) for panel in raw["panels"]]
        return row
    panel = {key: value for key, value in raw.items() if key not in _DEAD_PANEL}
    panel["datasource"] = raw.get("datasource") or DATASOURCE
    if not raw.get("repeat"):
        for key in ("repeat", "repeatDirection", "maxPerRow"):
            panel.pop(key, None)
    for key in _LEFT_OUT_WHEN_EMPTY:
        if not panel.get(key):
            panel.pop(key, None)
    panel["targets"] = [_target(target, index) for index, target in enumerate(raw.get("targets") or [])]
    panel["fieldConfig"] = _field_config(raw)
    legend = panel.get("options", {}).get("legend")
    if isinstance(legend, dict) and "displayMode" in legend:
        legend.setdefault("showLegend", legend.get("displayMode") != "hidden")
    return panel


def _field_config(raw: Mapping[str, Any]) -> dict[str, Any]:
    given = raw.get("fieldConfig") or {}
    defaults = dict(given.get("defaults") or {})
    for key in ("color", "mappings"):   # grafanalib's Table writes these a level too high
        if raw.get(key) and key not in defaults:
            defaults[key] = raw[key]
    thresholds = defaults.get("thresholds") or {}
    steps = thresholds.get("steps") or [{"color": "green", "value": 0}]
    defaults["thresholds"] = {
        "mode": thresholds.get("mode") or "absolute",
        "steps": [{key: _based(value) for key, value in step.items() if key in _THRESHOLD} for step in steps],
    }
    custom = defaults.get("custom")
    if isinstance(custom, dict) and custom.get("stacking") == {}:
        custom["stacking"] = {"group": "A", "mode": "none"}
    return {"defaults": defaults, "overrides": given.get("overrides") or []}


def _based(value: Any) -> Any:
    """A base is a number: Grafana takes the lowest step for minus infinity whatever its value."""
    return 0 if value in ("null", None) else value


def _target(raw: Mapping[str, Any], index: int) -> dict[str, Any]:
    target = {key: value for key, value in raw.items() if key not in _DEAD_TARGET}
    instant = bool(raw.get("instant"))
    target["refId"] = raw.get("refId") or ref_id(index)
    target["datasource"] = raw.get("datasource") or DATASOURCE
    target.setdefault("editorMode", "code")
    target.setdefault("range", not instant)
    target.setdefault("exemplar", False)
    for key in ("hide", "interval"):
        if not target.get(key):
            target.pop(key, None)
    return target


def ref_id(index: int) -> str:
    """Return A to Z, then AA and so on, as Grafana names queries."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
