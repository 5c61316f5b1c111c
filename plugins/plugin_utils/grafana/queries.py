"""The queries of a dashboard's panels, ready for Grafana's own query API: variables filled as Grafana's "All" does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .producers import Producers

# Filled by Grafana's server; the rest of `$…` is the dashboard's own.
_SERVERS = (
    "__interval",
    "__interval_ms",
    "__rate_interval",
    "__rate_interval_ms",
    "__range",
    "__range_s",
    "__range_ms",
)
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?::(\w+))?(?:\.\w+)?\}|\[\[(\w+)\]\])")
_ANY = ".+"
_MIXED = "-- Mixed --"
_BUILT_IN = ("grafana", "-- Grafana --", "-- Dashboard --")


def of_dashboard(
    dashboard: Mapping[str, Any], types: Mapping[str, str], producers: Producers | None = None
) -> list[dict[str, Any]]:
    """Return the queries of every panel.

    Args:
        dashboard: Grafana's JSON.
        types: ``{uid: type}`` of the data sources.
        producers: Tells which panels are about programs that the stack does not have.
    Returns:
        One entry for each panel that asks a data source with a query API: ``panel`` (title), ``panel_id``,
        ``may_be_empty`` (its author wrote what emptiness means there, ``noValue``, or the stack has no such program) and
        ``queries``, the list that ``/api/ds/query`` takes.
    """
    values = variables(dashboard, types)
    found = []
    for panel in panels(dashboard):
        queries = [
            query
            for target in panel.get("targets") or []
            if not target.get("hide") and (query := _query(target, panel, values, types)) is not None
        ]
        if queries:
            defaults = (panel.get("fieldConfig") or {}).get("defaults") or {}
            lacking = producers is not None and producers.lack([query["expr"] for query in queries])
            found.append(
                {
                    "panel": str(panel.get("title") or f"panel {panel.get('id')}"),
                    "panel_id": panel.get("id"),
                    "may_be_empty": lacking or bool(str(defaults.get("noValue") or "").strip()),
                    "queries": queries,
                }
            )
    return found


def of_variables(dashboard: Mapping[str, Any]) -> list[str]:
    """Return the queries behind a dashboard's variables: they tell what it is about."""
    found = []
    for variable in (dashboard.get("templating") or {}).get("list") or []:
        query = variable.get("query")
        text = query.get("query") if isinstance(query, Mapping) else query
        if variable.get("type") == "query" and text:
            found.append(str(text))
    return found


def panels(dashboard: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield every panel, those of collapsed rows included."""
    for panel in dashboard.get("panels") or []:
        if panel.get("type") == "row":
            yield from panel.get("panels") or []
        else:
            yield panel


def variables(dashboard: Mapping[str, Any], types: Mapping[str, str]) -> dict[str, str]:
    """Return what each variable stands for when everything is chosen; a data source variable is the first of its type."""
    values: dict[str, str] = {}
    for variable in (dashboard.get("templating") or {}).get("list") or []:
        name, kind = str(variable.get("name")), variable.get("type")
        if kind == "datasource":
            wanted = str(variable.get("query"))
            values[name] = wanted if wanted in types else next((uid for uid, of in types.items() if of == wanted), "")
        elif kind in ("query", "adhoc"):
            values[name] = (
                str(variable.get("allValue") or _ANY) if variable.get("includeAll") else _current(variable) or _ANY
            )
        elif variable.get("includeAll"):
            values[name] = str(variable.get("allValue") or _any_of(variable))
        else:
            values[name] = _current(variable) or _first(variable)
    return values


def _current(variable: Mapping[str, Any]) -> str:
    value = (variable.get("current") or {}).get("value")
    if isinstance(value, list):
        value = "|".join(str(item) for item in value)
    return "" if value in (None, "$__all") else str(value)


def _options(variable: Mapping[str, Any]) -> list[str]:
    listed = [str(option.get("value")) for option in variable.get("options") or [] if option.get("value") != "$__all"]
    return listed or [part.strip() for part in str(variable.get("query") or "").split(",") if part.strip()]


def _first(variable: Mapping[str, Any]) -> str:
    return next(iter(_options(variable)), "")


def _any_of(variable: Mapping[str, Any]) -> str:
    return "(" + "|".join(_options(variable)) + ")"


def _query(
    target: Mapping[str, Any], panel: Mapping[str, Any], values: Mapping[str, str], types: Mapping[str, str]
) -> dict[str, Any] | None:
    uid = _source(target, panel, values)
    if types.get(uid) != "prometheus" or not target.get("expr"):
        return None  # Alertmanager's data source has no query API on the server
    return {
        "refId": str(target.get("refId") or "A"),
        "datasource": {"type": "prometheus", "uid": uid},
        "expr": fill(str(target["expr"]), values),
        "instant": bool(target.get("instant")),
        "range": not target.get("instant"),
        "format": str(target.get("format") or "time_series"),
        "legendFormat": "",
        "intervalMs": 15000,
        "maxDataPoints": 100,
        **({"interval": fill(str(target["interval"]), values)} if target.get("interval") else {}),
    }


def _source(target: Mapping[str, Any], panel: Mapping[str, Any], values: Mapping[str, str]) -> str:
    for told in (target.get("datasource"), panel.get("datasource")):
        uid = told.get("uid") if isinstance(told, Mapping) else told
        if uid and uid != _MIXED:
            return fill(str(uid), values)
    return "prometheus"


def fill(text: str, values: Mapping[str, str]) -> str:
    """Fill a dashboard's variables into a query; those of Grafana's server stay."""

    def value(match: re.Match[str]) -> str:
        name = next(group for group in (match.group(1), match.group(2), match.group(4)) if group)
        return match.group(0) if name in _SERVERS or name not in values else values[name]

    return _VARIABLE.sub(value, text)


def foreign_sources(dashboard: Mapping[str, Any], types: Mapping[str, str]) -> list[str]:
    """Return the uids of data sources that a dashboard names and nobody provisions."""
    values = variables(dashboard, types)
    named: set[str] = set()
    for panel in panels(dashboard):
        for holder in (panel, *(panel.get("targets") or [])):
            told = holder.get("datasource")
            uid = told.get("uid") if isinstance(told, Mapping) else told
            if uid:
                named.add(fill(str(uid), values))
    return sorted(uid for uid in named if uid not in types and uid not in (*_BUILT_IN, _MIXED, "") and "$" not in uid)
