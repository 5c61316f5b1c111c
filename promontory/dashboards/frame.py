"""What every dashboard has around its rows: variables, annotations, links to the other layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from grafanalib import core

from promontory.dashboards.model import SCOPE, Dashboard
from promontory.dashboards.scope import LabelsOf, narrowed

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
ALL = ".+"   # what "All" of a variable stands for; a regular expression that an empty label does not match
TAG = "promontory"

_GRAFANA = {"type": "grafana", "uid": "-- Grafana --"}
_LABELS = {"environment": "Environment", "job": "Job", "instance": "Instance"}
# Both programs say when they last took a configuration, and every program says when it started.
_RELOADS = (
    "prometheus_config_last_reload_success_timestamp_seconds or alertmanager_config_last_reload_success_timestamp_seconds"
)


class Variable(core.Template):  # type: ignore[misc]
    """A query variable with several values and "All"; grafanalib's lacks the object form of the query."""

    def to_json_data(self) -> dict[str, Any]:
        """Write the variable of a Prometheus data source."""
        return {
            "allValue": ALL, "current": {"text": ["All"], "value": ["$__all"]}, "datasource": DATASOURCE,
            "hide": 0, "includeAll": True, "label": self.label, "multi": True,
            "name": self.name, "options": [],
            "query": {"qryType": 1, "query": self.query, "refId": "PrometheusVariableQueryEditor-VariableQuery"},
            "refresh": 2, "regex": "", "skipUrlSync": False, "sort": 1, "type": "query",
        }  # fmt: skip


class DataSource(core.Template):  # type: ignore[misc]
    """The variable that chooses the data source."""

    def to_json_data(self) -> dict[str, Any]:
        """Write a data source variable; Grafana's default data source is chosen at first."""
        return {
            "current": {"text": "default", "value": "default"}, "hide": 0, "includeAll": False, "label": self.label,
            "multi": False, "name": self.name, "options": [], "query": self.query, "refresh": 1, "regex": "",
            "skipUrlSync": False, "type": "datasource",
        }  # fmt: skip


def variables(dashboard: Dashboard, labels_of: LabelsOf) -> list[core.Template]:
    """Return data source, environment, job, instance and the dashboard's own, each narrowed by those before it."""
    made: list[core.Template] = [DataSource(name="datasource", label="Data source", query="prometheus")]
    offered: list[str] = []
    wanted = [(label, dashboard.about, _LABELS[label]) for label in SCOPE]
    wanted += [(own.name, own.metric, own.label or own.name.capitalize()) for own in dashboard.variables]
    for name, metric, label in wanted:
        chosen = [before for before in offered if before in labels_of(metric)]
        made.append(Variable(name=name, label=label, query=f"label_values({narrowed(metric, chosen)}, {name})"))
        offered.append(name)
    return made


def events() -> list[dict[str, Any]]:
    """Return the events drawn over the panels: alerts, starts (deployments, restarts), configurations taken over."""
    scope = ("environment", "instance")
    firing = narrowed('ALERTS{alertstate="firing", severity=~"critical|warning"}', scope)
    begins = f"{firing} unless {firing} offset 1m"   # a line where an alert begins; bands would hide what they explain
    starts = f"{narrowed('process_start_time_seconds', SCOPE)} * 1000"
    reloads = f"({narrowed(_RELOADS, ('environment',))}) * 1000"
    return [
        {
            "builtIn": 1, "datasource": _GRAFANA, "enable": True, "hide": True, "iconColor": "rgba(0, 211, 255, 1)",
            "name": "Annotations & Alerts", "type": "dashboard",
        },
        _annotation("Firing alerts", begins, "red", title="{{alertname}}", text="{{severity}} {{instance}}"),
        _annotation("Deployments and restarts", starts, "blue", title="{{job}} started", text="{{instance}}", at=True),
        _annotation("Configuration reloads", reloads, "purple", title="{{job}} reloaded", text="{{instance}}", at=True),
    ]  # fmt: skip


def links(dashboard: Dashboard, titles: Mapping[str, str]) -> list[core.DashboardLink]:
    """Return links to the layers above and below and to all dashboards; time and variables are kept.

    Args:
        titles: By uid, of all dashboards that can be linked.
    """

    def to(uid: str, arrow: str) -> core.DashboardLink:
        return core.DashboardLink(
            type="link", title=f"{arrow} {titles[uid]}", uri=f"/d/{uid}", icon="dashboard", includeVars=True,
            keepTime=True, tooltip=f"Open {titles[uid]} with this time range and these variables",
        )  # fmt: skip

    everything = core.DashboardLink(
        type="dashboards", title="All dashboards", tags=[TAG], asDropdown=True, includeVars=True, keepTime=True
    )
    return [*(to(uid, "↑") for uid in dashboard.up), *(to(uid, "↓") for uid in dashboard.down), everything]


def tags(own: Sequence[str]) -> list[str]:
    """Return the tags of a dashboard: ours, by which the links find it, then its own."""
    return [TAG, *own]


def _annotation(name: str, expr: str, color: str, *, title: str, text: str, at: bool = False) -> dict[str, Any]:
    """Make an annotation of a query; with `at`, a value is the time of the event in milliseconds."""
    return {
        "datasource": DATASOURCE, "enable": True, "hide": False, "iconColor": color, "name": name,
        "tagKeys": "job,severity,team", "target": {"expr": expr, "interval": "60s", "refId": "Anno"}, "textFormat": text,
        "titleFormat": title, "useValueForTime": at,
    }  # fmt: skip
