"""Writes a dashboard as the resource of Grafana's v2 model, the one that Grafana 13 stores.

The classic model stays what is delivered, for Grafana 12.4 provisions only that from files. A resource is for those who
apply dashboards through Grafana's resource API. It says the same: what Grafana makes of the classic file itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from promontory.dashboards.build import Collection
from promontory.errors import UsageError

GROUP = "dashboard.grafana.app"
VERSIONS = ("v2beta1", "v2")   # Grafana 12.4 and 13 know the first, only 13 the second

_CURSOR = ("Off", "Crosshair", "Tooltip")
_HIDE = ("dontHide", "hideLabel", "hideVariable", "inControlsMenu")
_REFRESH = ("never", "onDashboardLoad", "onTimeRangeChanged")
_SORT = ("disabled", "alphabeticalAsc", "alphabeticalDesc", "numericalAsc", "numericalDesc",
         "alphabeticalCaseInsensitiveAsc", "alphabeticalCaseInsensitiveDesc", "naturalAsc", "naturalDesc")  # fmt: skip
_INTERVALS = ("5s", "10s", "30s", "1m", "5m", "15m", "30m", "1h", "2h", "1d")   # Grafana's own choice
_ROW_HEIGHT = 1
_ANNOTATION = ("builtIn", "datasource", "enable", "filter", "hide", "iconColor", "mappings", "name", "target")
_QUERY_OPTIONS = ("cacheTimeout", "hideTimeOverride", "interval", "maxDataPoints", "queryCachingTTL", "timeFrom", "timeShift")
_PANEL = (
    "datasource", "description", "fieldConfig", "gridPos", "id", "links", "maxPerRow", "options", "pluginVersion", "repeat",
    "repeatDirection", "targets", "title", "transformations", "transparent", "type", *_QUERY_OPTIONS,
)  # fmt: skip


def files(collection: Collection, folder: Path, version: str) -> dict[Path, str]:
    """Return the resources of a build: path below `folder` and text, keys sorted.

    Args:
        version: One of VERSIONS.
    Raises:
        UsageError: `folder` is where the classic files are, or a panel has settings that v2 has no place for.
    """
    folder = folder.resolve()
    if taken := [owner.json for owner, _ in collection.boards if owner.json.resolve() == folder]:
        raise UsageError(f"{taken[0]} holds the classic files, which are delivered.", hint="Name another directory with -o.")
    return {
        folder / f"{board.uid}.json": json.dumps(resource(board.body, version), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        for _, board in collection.boards
    }


def resource(board: Mapping[str, Any], version: str = VERSIONS[0]) -> dict[str, Any]:
    """Return a dashboard as a v2 resource.

    Args:
        board: The JSON of the classic model, as `normalised` makes it.
        version: One of VERSIONS.
    Raises:
        UsageError: A panel has settings that v2 has no place for.
    """
    rows, elements = _rows(board, version)
    spec = {
        "annotations": [_annotation(each) for each in board["annotations"]["list"]],
        "cursorSync": _CURSOR[board["graphTooltip"]],
        "description": board["description"],
        "editable": board["editable"],
        "elements": elements,
        "layout": {"kind": "RowsLayout", "spec": {"rows": rows}},
        "links": board["links"],
        "liveNow": False,
        "preload": False,
        "tags": board["tags"],
        "timeSettings": {
            "autoRefresh": board["refresh"], "autoRefreshIntervals": list(_INTERVALS),
            "fiscalYearStartMonth": board["fiscalYearStartMonth"], "from": board["time"]["from"], "hideTimepicker": False,
            "timezone": board["timezone"], "to": board["time"]["to"],
        },
        "title": board["title"],
        "variables": [_variable(each) for each in board["templating"]["list"]],
    }  # fmt: skip
    return {"apiVersion": f"{GROUP}/{version}", "kind": "Dashboard", "metadata": {"name": board["uid"]}, "spec": spec}


def _rows(board: Mapping[str, Any], version: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return the rows, whose panels stand from their own 0 downwards, and the panels by name."""
    rows: list[dict[str, Any]] = []
    elements: dict[str, Any] = {}
    items: list[dict[str, Any]] = []
    top = 0
    for entry in board["panels"]:
        if entry["type"] == "row":
            items = []
            top = entry["gridPos"]["y"] + _ROW_HEIGHT
            layout = {"kind": "GridLayout", "spec": {"items": items}}
            spec = {"collapse": entry["collapsed"], "layout": layout, "title": entry["title"]}
            rows.append({"kind": "RowsLayoutRow", "spec": spec})
        for panel in entry["panels"] if entry["type"] == "row" else [entry]:
            name = f"panel-{panel['id']}"
            elements[name] = _panel(panel, version)
            items.append(_item(panel, name, top))
    return rows, elements


def _item(panel: Mapping[str, Any], name: str, top: int) -> dict[str, Any]:
    place = panel["gridPos"]
    spec: dict[str, Any] = {
        "element": {"kind": "ElementReference", "name": name},
        "height": place["h"], "width": place["w"], "x": place["x"], "y": place["y"] - top,
    }  # fmt: skip
    if panel.get("repeat"):
        spec["repeat"] = {"mode": "variable", "value": panel["repeat"]} | {
            key: panel[old] for key, old in (("direction", "repeatDirection"), ("maxPerRow", "maxPerRow")) if panel.get(old)
        }
    return {"kind": "GridLayoutItem", "spec": spec}


def _panel(panel: Mapping[str, Any], version: str) -> dict[str, Any]:
    if rest := _without(panel, _PANEL):
        raise UsageError(
            f"The panel {panel['title']!r} has settings that Grafana's v2 model has no place for: {', '.join(rest)}.",
            hint="Leave them out, or build without --v2.",
        )
    data = {
        "queries": [_query(target) for target in panel["targets"]],
        "queryOptions": {key: panel[key] for key in _QUERY_OPTIONS if panel.get(key)},
        "transformations": [_transformation(each, version) for each in panel.get("transformations", ())],
    }
    field_config = panel["fieldConfig"]
    defaults = _without(field_config["defaults"], [] if field_config["defaults"].get("mappings") else ["mappings"])
    spec: dict[str, Any] = {
        "data": {"kind": "QueryGroup", "spec": data},
        "description": panel.get("description", ""),
        "id": panel["id"],
        "links": [_without(link, ["type"]) for link in panel.get("links", ())],
        "title": panel["title"],
        "vizConfig": {
            "kind": "VizConfig", "group": panel["type"], "version": panel.get("pluginVersion", ""),
            "spec": {"fieldConfig": {**field_config, "defaults": defaults}, "options": panel.get("options", {})},
        },
    }  # fmt: skip
    if panel.get("transparent"):
        spec["transparent"] = True
    return {"kind": "Panel", "spec": spec}


def _query(target: Mapping[str, Any]) -> dict[str, Any]:
    query = _data_query(target["datasource"], _without(target, ("datasource", "hide", "refId")))
    return {"kind": "PanelQuery", "spec": {"hidden": bool(target.get("hide")), "query": query, "refId": target["refId"]}}


def _transformation(each: Mapping[str, Any], version: str) -> dict[str, Any]:
    """The one thing in which the two versions differ."""
    if version == "v2beta1":
        return {"kind": each["id"], "spec": dict(each)}
    return {"kind": "Transformation", "group": each["id"], "spec": _without(each, ["id"])}


def _annotation(each: Mapping[str, Any]) -> dict[str, Any]:
    spec = {key: each[key] for key in ("enable", "filter", "hide", "iconColor", "mappings", "name") if key in each}
    spec["query"] = _data_query(each["datasource"], each.get("target", {}))
    if "builtIn" in each:
        spec["builtIn"] = bool(each["builtIn"])
    spec["legacyOptions"] = _without(each, _ANNOTATION)   # what the plugin keeps on the annotation itself
    return {"kind": "AnnotationQuery", "spec": spec}


def _variable(each: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("allValue", "current", "includeAll", "label", "multi", "name", "options", "regex", "skipUrlSync")
    spec = {key: each[key] for key in kept if key in each}
    spec |= {"allowCustomValue": True, "hide": _HIDE[each["hide"]], "refresh": _REFRESH[each["refresh"]]}
    if each["type"] == "datasource":
        return {"kind": "DatasourceVariable", "spec": {**spec, "pluginId": each["query"]}}
    spec |= {"query": _data_query(each["datasource"], each["query"]), "sort": _SORT[each["sort"]]}
    return {"kind": "QueryVariable", "spec": spec}


def _data_query(source: Mapping[str, str], spec: Mapping[str, Any]) -> dict[str, Any]:
    """A query says its plugin, the uid of its data source (called a name here), and what the plugin reads."""
    return {"kind": "DataQuery", "group": source["type"], "version": "v0", "datasource": {"name": source["uid"]}, "spec": dict(spec)}


def _without(value: Mapping[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    return {key: inner for key, inner in value.items() if key not in keys}
