"""grafanalib's panels as Grafana 12 and 13 want them; authors use the functions of `panels`.

grafanalib 0.7.1 emits the models of Grafana 5 to 8: a gauge without options, a heatmap of the Angular time, thresholds
whose base is the text "null". Each class here keeps grafanalib's frame (`panel_json`) and writes the fields that the
panel's plugin reads today; docs/decisions/0015-dashboards-over-grafanalib.md says why.
"""

from __future__ import annotations

from typing import Any, ClassVar

import attr
from grafanalib import core

from promontory.dashboards.model import Query
from promontory.dashboards.problems import Source

_SMALL_SHARE = 0.05
_KEY_WIDTH = 240   # pixels: the longest name of an alert
_HIDE_FROM = {"legend": False, "tooltip": False, "viz": False}
_TOOLTIP = {"mode": "multi", "sort": "desc"}
_LEGENDS: dict[str, dict[str, Any]] = {
    "list": {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": True},
    "hidden": {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": False},
    "table": {
        "calcs": ["lastNotNull", "max"], "displayMode": "table", "placement": "bottom", "showLegend": True,
        "sortBy": "Last *", "sortDesc": True,
    },
}  # fmt: skip


class Threshold(core.Threshold):  # type: ignore[misc]
    """A colour from a value on; the base is a number, which Grafana reads as minus infinity."""

    def __init__(self, color: str, value: float) -> None:
        super().__init__(color=color, index=1, value=float(value))

    def to_json_data(self) -> dict[str, Any]:
        """Write what Grafana reads, and nothing of grafanalib's older alerting."""
        return {"color": self.color, "value": int(self.value) if self.value.is_integer() else self.value}


class Target(core.Target):  # type: ignore[misc]
    """A Prometheus query with what grafanalib does not know: range, exemplars, the editor's mode."""

    def to_json_data(self) -> dict[str, Any]:
        """Write a query of today's Prometheus data source."""
        return {
            "editorMode": "code", "exemplar": not self.instant and "_bucket" in self.expr, "expr": self.expr,
            "format": self.format, "instant": self.instant, "legendFormat": self.legendFormat,
            "range": not self.instant, "refId": self.refId,
        }  # fmt: skip


@attr.s(kw_only=True)
class Ours:
    """What all panels of ours know beside grafanalib's fields."""

    queries: tuple[Query, ...] = attr.ib(default=())
    alerts: tuple[str, ...] = attr.ib(default=())
    unit_: str = attr.ib(default="short")
    empty: str = attr.ib(default="")
    width: int = attr.ib(default=12)
    height_: int = attr.ib(default=8)
    source: Source = attr.ib(factory=Source)
    minimum: float | None = attr.ib(default=None)
    maximum: float | None = attr.ib(default=None)
    decimals: int | None = attr.ib(default=None)
    words: dict[Any, tuple[str, str]] = attr.ib(factory=dict)
    steps: tuple[tuple[float, str], ...] = attr.ib(default=())
    style: str = attr.ib(default="line")
    reducer: str = attr.ib(default="lastNotNull")
    instant_only: ClassVar[bool] = False

    def defaults(self) -> dict[str, Any]:
        """Field settings that every panel has."""
        return {
            "decimals": self.decimals, "mappings": _mappings(self.words), "max": self.maximum, "min": self.minimum,
            "noValue": self.empty or None, "unit": self.unit_,
        }  # fmt: skip

    def reduced(self) -> dict[str, Any]:
        """How a series becomes one value."""
        return {"calcs": [self.reducer], "fields": "", "values": False}


@attr.s(kw_only=True)
class TimeSeries(Ours, core.TimeSeries):  # type: ignore[misc]
    """Lines over time."""

    stacked: bool = attr.ib(default=False)
    legend: str = attr.ib(default="list")
    colors: dict[str, str] = attr.ib(factory=dict)
    logarithmic: bool = attr.ib(default=False)

    def to_json_data(self) -> dict[str, Any]:
        """Write all custom settings of the time series panel."""
        custom = {
            "axisBorderShow": False, "axisCenteredZero": False, "axisColorMode": "text", "axisLabel": "",
            "axisPlacement": "auto", "axisSoftMax": self._soft_maximum(), "barAlignment": 0, "barWidthFactor": 0.6, "drawStyle": self.style,
            "fillOpacity": 30 if self.stacked or self.style == "bars" else 8, "gradientMode": "none",
            "hideFrom": _HIDE_FROM, "insertNulls": False, "lineInterpolation": "linear", "lineWidth": 1, "pointSize": 5,
            "scaleDistribution": {"log": 10, "type": "log"} if self.logarithmic else {"type": "linear"},
            "showPoints": "auto", "spanNulls": False,
            "stacking": {"group": "A", "mode": "normal" if self.stacked else "none"},
            "thresholdsStyle": {"mode": "dashed" if len(self.thresholds) > 1 else "off"},
        }  # fmt: skip
        overrides = [
            {"matcher": {"id": "byRegexp", "options": names},
             "properties": [{"id": "color", "value": {"fixedColor": color, "mode": "fixed"}}]}
            for names, color in self.colors.items()
        ]  # fmt: skip
        return _panel(self, "timeseries", {
            "fieldConfig": {
                "defaults": {**self.defaults(), "color": {"mode": "palette-classic"}, "custom": custom},
                "overrides": overrides,
            },
            "options": {"legend": _LEGENDS[self.legend], "tooltip": _TOOLTIP},
        })  # fmt: skip


    def _soft_maximum(self) -> float | None:
        """A share that stays at 0 would get an axis up to 10000 %."""
        return _SMALL_SHARE if self.unit_ == "percentunit" and self.maximum is None else None


@attr.s(kw_only=True)
class Stat(Ours, core.Stat):  # type: ignore[misc]
    """One large number."""

    spark: bool = attr.ib(default=True)
    text: str = attr.ib(default="auto")

    def to_json_data(self) -> dict[str, Any]:
        """Write all options of the stat panel."""
        return _panel(self, "stat", {
            "fieldConfig": {"defaults": {**self.defaults(), "color": {"mode": "thresholds"}}, "overrides": []},
            "options": {
                "colorMode": "value", "graphMode": "area" if self.spark else "none", "justifyMode": "auto",
                "orientation": "auto", "percentChangeColorMode": "standard", "reduceOptions": self.reduced(),
                "showPercentChange": False, "textMode": self.text, "wideLayout": True,
            },
        })  # fmt: skip


@attr.s(kw_only=True)
class Gauge(Ours, core.GaugePanel):  # type: ignore[misc]
    """A dial."""

    def to_json_data(self) -> dict[str, Any]:
        """Write the options that grafanalib drops without a word."""
        return _panel(self, "gauge", {
            "fieldConfig": {"defaults": {**self.defaults(), "color": {"mode": "thresholds"}}, "overrides": []},
            "options": {
                "minVizHeight": 75, "minVizWidth": 75, "orientation": "auto", "reduceOptions": self.reduced(),
                "showThresholdLabels": False, "showThresholdMarkers": True, "sizing": "auto",
            },
        })  # fmt: skip


@attr.s(kw_only=True)
class Bars(Ours, core.BarGauge):  # type: ignore[misc]
    """A bar for each series."""

    instant_only: ClassVar[bool] = True

    def to_json_data(self) -> dict[str, Any]:
        """Write the options where Grafana reads them since 7.0."""
        return _panel(self, "bargauge", {
            "fieldConfig": {"defaults": {**self.defaults(), "color": {"mode": "thresholds"}}, "overrides": []},
            "options": {
                "displayMode": "basic", "legend": {**_LEGENDS["hidden"]}, "maxVizHeight": 300, "minVizHeight": 16,
                "minVizWidth": 8, "namePlacement": "auto", "orientation": "horizontal",
                "reduceOptions": self.reduced(), "showUnfilled": True, "sizing": "auto", "valueMode": "color",
            },
        })  # fmt: skip


@attr.s(kw_only=True)
class Heatmap(Ours, core.Heatmap):  # type: ignore[misc]
    """Buckets over time, in the panel's model since Grafana 9."""

    def to_json_data(self) -> dict[str, Any]:
        """Write the options that took the place of the Angular panel's."""
        return _panel(self, "heatmap", {
            "fieldConfig": {
                "defaults": {"custom": {"hideFrom": _HIDE_FROM, "scaleDistribution": {"type": "linear"}},
                             "noValue": self.empty or None, "unit": "short"},
                "overrides": [],
            },
            "options": {
                "calculate": False, "cellGap": 1,
                "color": {"exponent": 0.5, "fill": "dark-orange", "mode": "scheme", "reverse": False,
                          "scale": "exponential", "scheme": "Oranges", "steps": 64},
                "exemplars": {"color": "rgba(255,0,255,0.7)"}, "filterValues": {"le": 1e-9}, "legend": {"show": True},
                "rowsFrame": {"layout": "auto"}, "showValue": "never",
                "tooltip": {"mode": "single", "showColorScale": False, "yHistogram": True},
                "yAxis": {"axisPlacement": "left", "reverse": False, "unit": self.unit_},
            },
        })  # fmt: skip


@attr.s(kw_only=True)
class States(Ours, core.StateTimeline):  # type: ignore[misc]
    """Bands of states over time."""

    def to_json_data(self) -> dict[str, Any]:
        """Write all settings of the state timeline."""
        custom = {"axisPlacement": "auto", "fillOpacity": 80, "hideFrom": _HIDE_FROM, "lineWidth": 0}
        return _panel(self, "state-timeline", {
            "fieldConfig": {
                # With the mode "thresholds" the panel would merge the states and name them after thresholds.
                "defaults": {**self.defaults(), "color": {"mode": "palette-classic"}, "custom": custom}, "overrides": [],
            },
            "options": {
                "alignValue": "left", "legend": _LEGENDS["list"], "mergeValues": True, "rowHeight": 0.85,
                "showValue": "auto", "tooltip": {"mode": "single", "sort": "none"},
            },
        })  # fmt: skip


@attr.s(kw_only=True)
class Table(Ours, core.Table):  # type: ignore[misc]
    """Rows by label, columns by query."""

    columns_: tuple[Any, ...] = attr.ib(default=())
    by: dict[str, str] = attr.ib(factory=dict)
    link: str = attr.ib(default="")
    sort: str = attr.ib(default="")
    limits: dict[str, list[dict[str, Any]]] = attr.ib(factory=dict)   # thresholds by heading of a column, filled in by `assemble`
    instant_only: ClassVar[bool] = True

    def to_json_data(self) -> dict[str, Any]:
        """Write the table; columns keep their order, whatever the data source answers first."""
        values = {f"Value #{chr(65 + index)}": each.title for index, each in enumerate(self.columns_)}
        if len(values) == 1:
            values = {"Value": self.columns_[0].title}
        key = next(iter(self.by))
        shown = [*self.by, *values]
        transformations: list[dict[str, Any]] = [
            {"id": "filterFieldsByName", "options": {"include": {"names": shown}}},
            {"id": "organize", "options": {
                "excludeByName": {}, "indexByName": {name: index for index, name in enumerate(shown)},
                "renameByName": {**self.by, **values},
            }},
        ]  # fmt: skip
        if len(self.columns_) > 1:
            transformations.insert(0, {"id": "joinByField", "options": {"byField": key, "mode": "outer"}})
        options = {
            "cellHeight": "sm", "frameIndex": 0, "showHeader": True,
            "sortBy": [{"desc": True, "displayName": self.sort}] if self.sort else [],
        }  # fmt: skip
        custom = {"align": "auto", "cellOptions": {"type": "auto"}, "filterable": False, "inspect": False}
        return _panel(self, "table", {
            "fieldConfig": {
                "defaults": {**self.defaults(), "color": {"mode": "thresholds"}, "custom": custom},
                "overrides": [*self._key_override(key), *(self._override(each) for each in self.columns_)],
            },
            "options": options,
            "transformations": transformations,
        })  # fmt: skip

    def _key_override(self, key: str) -> list[dict[str, Any]]:
        wide = {"id": "custom.minWidth", "value": _KEY_WIDTH}
        if not self.link:
            return [{"matcher": {"id": "byName", "options": self.by[key]}, "properties": [wide]}]
        kept = "${datasource:queryparam}&${environment:queryparam}&${__url_time_range}"
        value = "${__value.raw:percentencode}"
        link = {"targetBlank": False, "title": "Open its dashboard", "url": f"/d/{self.link}?{kept}&var-{key}={value}"}
        return [{
            "matcher": {"id": "byName", "options": self.by[key]}, "properties": [wide, {"id": "links", "value": [link]}],
        }]  # fmt: skip

    def _override(self, each: Any) -> dict[str, Any]:
        properties: list[dict[str, Any]] = [{"id": "unit", "value": each.unit}]
        if each.decimals is not None:
            properties.append({"id": "decimals", "value": each.decimals})
        if each.cell != "auto":
            cell = {"mode": "basic", "type": each.cell} if each.cell != "color-text" else {"type": each.cell}
            properties.append({"id": "custom.cellOptions", "value": cell})
        if each.cell == "gauge":
            properties += [{"id": "min", "value": 0}, {"id": "max", "value": 1 if each.maximum is None else each.maximum}]
        if each.mappings:
            properties.append({"id": "mappings", "value": _mappings(each.mappings)})
        steps = self.limits.get(each.title)
        if steps:
            properties.append({"id": "thresholds", "value": {"mode": "absolute", "steps": steps}})
        return {"matcher": {"id": "byName", "options": each.title}, "properties": properties}


@attr.s(kw_only=True)
class Text(Ours, core.Text):  # type: ignore[misc]
    """Something to read."""

    markdown: str = attr.ib(default="")

    def to_json_data(self) -> dict[str, Any]:
        """Write the text panel's options."""
        code = {"language": "plaintext", "showLineNumbers": False, "showMiniMap": False}
        return _panel(self, "text", {
            "fieldConfig": {"defaults": {"unit": self.unit_}, "overrides": []},
            "options": {"code": code, "content": self.markdown, "mode": "markdown"},
        })  # fmt: skip


def _panel(panel: Any, plugin: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Put the fields of a plugin into grafanalib's frame of a panel."""
    frame: dict[str, Any] = panel.panel_json({"type": plugin})
    frame["options"] = fields["options"]
    frame["transformations"] = fields.get("transformations", [])
    thresholds = frame["fieldConfig"]["defaults"]["thresholds"]
    frame["fieldConfig"] = fields["fieldConfig"]
    frame["fieldConfig"]["defaults"].setdefault("thresholds", thresholds)
    return frame


def _mappings(words: dict[Any, tuple[str, str]]) -> list[dict[str, Any]]:
    if not words:
        return []
    options = {
        str(value): {"color": color, "index": index, "text": text}
        for index, (value, (text, color)) in enumerate(words.items())
    }
    return [{"options": options, "type": "value"}]
