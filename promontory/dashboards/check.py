"""Judges built dashboards beyond what a build refuses: queries against the catalogue, and the rules of good dashboards.

The rules are those of Grafana's dashboard linter that fit, done again here because it cannot be installed from a package
registry; docs/reference/dashboard-checks.md lists them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import promql_parser

from promontory.catalogue import Catalogue
from promontory.dashboards.assemble import Built, BuiltPanel
from promontory.dashboards.build import Collection
from promontory.dashboards.problems import Problem, Source
from promontory.dashboards.queries import Asked, Window, panels_of, questions
from promontory.dashboards.units import misfit
from promontory.promql import check as check_promql
from promontory.promql import labels_of, metrics_of

_WINDOW = Window(start=0, end=3 * 3600)
_LEGEND_LABEL = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_RATES = frozenset({"rate", "irate"})
# A range below an hour is about the resolution, and that is Grafana's to choose; from an hour on it is what is asked.
_FIXED_RATE = re.compile(r"\b(?:i?rate|increase)\((?:[^()]|\([^()]*\))*?\[\d+(?:ms|s|m)\]")
# What changes a value's dimension not: its unit can be told from the metric inside.
_KEEPS_UNIT = frozenset({"sum", "avg", "min", "max", "topk", "bottomk", "quantile"})
_KEEPS_UNIT_CALLS = frozenset({"abs", "sort", "sort_desc", "avg_over_time", "max_over_time", "min_over_time", "clamp_min"})
_MANY = 8   # series in a panel beyond which it should choose: topk, or a filter


def check_all(collection: Collection) -> list[Problem]:
    """Return what is wrong with the dashboards of a build."""
    problems: list[Problem] = []
    for _, built in collection.boards:
        problems += check_board(built, collection.catalogue, fixed_ranges=_fixed_ranges(collection))
    return [*problems, *_alerts_without_panel(collection)]


def check_board(built: Built, catalogue: Catalogue, *, fixed_ranges: frozenset[str] = frozenset()) -> list[Problem]:
    """Return what is wrong with one dashboard.

    Args:
        fixed_ranges: Expressions of alerts; their ranges are the rule's and must stay.
    """
    work = _Check(built, catalogue, fixed_ranges)
    return list(dict.fromkeys([*work.panels(), *work.others(), *work.frame()]))


class _Check:
    """One dashboard under judgement."""

    def __init__(self, built: Built, catalogue: Catalogue, fixed_ranges: frozenset[str]) -> None:
        self.built = built
        self.catalogue = catalogue
        self.fixed_ranges = fixed_ranges
        self.by_id = {panel.id: panel for panel in built.panels}

    def problem(self, source: Source, panel: str, text: str) -> Problem:
        """Make a problem of this dashboard."""
        return Problem(source, self.built.uid, panel, text)

    def panels(self) -> Iterator[Problem]:
        """Judge the panels and their queries."""
        asked = [each for each in questions(self.built.body, _WINDOW) if each.kind == "panel"]
        by_panel: dict[int, list[Asked]] = {}
        for each in asked:
            by_panel.setdefault(each.panel["id"], []).append(each)
        for panel in panels_of(self.built.body):
            known = self.by_id[panel["id"]]
            yield from self._panel(panel, known)
            for index, each in enumerate(by_panel.get(panel["id"], [])):
                own = known.queries[index] if index < len(known.queries) else None
                source = own.source if own is not None else known.source
                raw = own.expr if own is not None else each.expr
                yield from self._query(each, known, source, raw)

    def _panel(self, panel: Mapping[str, Any], known: BuiltPanel) -> Iterator[Problem]:
        if not panel.get("description"):
            yield self.problem(known.source, known.title, "it has no description.")
        if panel["type"] != "text" and not panel.get("targets"):
            yield self.problem(known.source, known.title, "it asks nothing.")
        if not panel["fieldConfig"]["defaults"].get("unit") and panel["type"] != "text":
            yield self.problem(known.source, known.title, "it has no unit.")

    def _query(self, asked: Asked, known: BuiltPanel, source: Source, raw: str) -> Iterator[Problem]:
        found = check_promql(asked.expr, self.catalogue)
        for wrong in found:
            if wrong.code == "short-range" and raw in self.fixed_ranges:
                continue
            yield self.problem(source, known.title, f"{wrong} (query {asked.ref_id})")
        if any(wrong.code == "syntax" for wrong in found):
            return
        if raw not in self.fixed_ranges and _FIXED_RATE.search(raw):
            yield self.problem(
                source, known.title, f"a rate over a fixed range in {raw!r}; write [$__rate_interval], or [$__range]."
            )
        yield from self._legend(asked, known, source)
        if known.unit and "Value #" not in asked.expr and asked.form != "table":
            yield from self._unit(asked, known, source)

    def _legend(self, asked: Asked, known: BuiltPanel, source: Source) -> Iterator[Problem]:
        labels = labels_of(asked.expr, self.catalogue)
        for name in _LEGEND_LABEL.findall(asked.legend):
            if labels is not None and name not in labels:
                had = ", ".join(sorted(labels)) or "none"
                yield self.problem(source, known.title, f"the legend names {name!r}, but the series have: {had}.")

    def _unit(self, asked: Asked, known: BuiltPanel, source: Source) -> Iterator[Problem]:
        seen = _plain_metric(promql_parser.parse(asked.expr))
        if seen is None:
            return
        metric, per_second = seen
        if wrong := misfit(metric, known.unit, per_second=per_second):
            yield self.problem(source, known.title, wrong)

    def others(self) -> Iterator[Problem]:
        """Judge the queries of variables and annotations."""
        for asked in questions(self.built.body, _WINDOW):
            if asked.kind == "panel":
                continue
            for wrong in check_promql(asked.expr, self.catalogue):
                if wrong.code != "raw-counter":   # their labels or times are wanted, not their values
                    yield self.problem(self.built.source, "", f"{asked.kind} {asked.name!r}: {wrong}")

    def frame(self) -> Iterator[Problem]:
        """Judge variables and settings."""
        board = self.built.body
        names = {variable["name"]: variable for variable in board["templating"]["list"]}
        for wanted in ("datasource", "environment", "job", "instance"):
            if wanted not in names:
                yield self.problem(self.built.source, "", f"it has no variable {wanted!r}.")
        for name, variable in names.items():
            if variable["type"] == "query" and variable.get("refresh") != 2:
                yield self.problem(self.built.source, "", f"the variable {name!r} does not follow the time range.")
        if board.get("editable", True):
            yield self.problem(self.built.source, "", "it is editable, but its source is Python; what is edited is lost.")


def _alerts_without_panel(collection: Collection) -> list[Problem]:
    """Every alert whose dashboard_url names one of these dashboards has a panel there."""
    boards = {board.uid: board for _, board in collection.boards}
    shown = {name for board in boards.values() for panel in board.panels for name in panel.alerts}
    return [
        Problem(
            boards[alert.dashboard].source, alert.dashboard, "",
            f"no panel shows the alert {alert.name}, whose dashboard_url leads here; give a panel alert={alert.name!r}.",
        )
        for alert in collection.alerts.values() if alert.dashboard in boards and alert.name not in shown
    ]  # fmt: skip


def _fixed_ranges(collection: Collection) -> frozenset[str]:
    values = {alert.value for alert in collection.alerts.values()}
    return frozenset(values | {alert.limit_expr for alert in collection.alerts.values()})


def _plain_metric(node: Any, per_second: bool = False) -> tuple[str, bool] | None:
    """Return the metric whose unit the result has, and whether per second; None where arithmetic hides it."""
    if isinstance(node, promql_parser.ParenExpr):
        return _plain_metric(node.expr, per_second)
    if isinstance(node, promql_parser.AggregateExpr) and str(node.op) in _KEEPS_UNIT:
        return _plain_metric(node.expr, per_second)
    if isinstance(node, promql_parser.Call):
        name = node.func.name
        if name in _RATES and not per_second:
            return _plain_metric(node.args[0], True)
        if name in _KEEPS_UNIT_CALLS and node.args:
            return _plain_metric(node.args[0], per_second)
        return None
    if isinstance(node, promql_parser.MatrixSelector):
        return _plain_metric(node.vector_selector, per_second)
    if isinstance(node, promql_parser.VectorSelector) and node.name:
        if node.name.endswith(("_bucket", "_count", "_info")):
            return None
        return node.name, per_second
    return None


__all__ = ["check_all", "check_board", "metrics_of"]
