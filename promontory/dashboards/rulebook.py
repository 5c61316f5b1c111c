"""The alerts of the rule files as panels need them: the value they watch, and the limit it must not pass."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.promontory.stack.plugins.plugin_utils.rules import thresholds
from promql_parser import BinaryExpr

from promontory.dashboards.problems import DashboardsRefused, Problem, Source
from promontory.promql import tree
from promontory.promql.labels import SET_OPERATORS

SEVERITIES = ("info", "warning", "critical")   # in rising order
_BOARD = re.compile(r"d/(?P<uid>[\w-]+)")


@dataclass(frozen=True)
class Limit:
    """What an alert compares its value with.

    Attributes:
        operator: As in the rule; the alert is on while `value operator limit` holds.
        name: Of the threshold that users set (`rules_<name>`); empty when it is not theirs to set.
    """

    operator: str
    value: float
    name: str = ""

    def holds(self, value: float) -> bool:
        """Tell whether the alert would be on at this value."""
        return {
            ">": value > self.value, ">=": value >= self.value, "<": value < self.value, "<=": value <= self.value,
            "==": value == self.value, "!=": value != self.value,
        }[self.operator]  # fmt: skip


@dataclass(frozen=True)
class Alert:
    """One alerting rule.

    Attributes:
        value: PromQL of what is compared, without the comparison and without conditions such as a volume floor.
        limit: None when the rule compares with another series or with nothing.
        limit_expr: PromQL of the other series it compares with; empty when there is none.
        dashboard: The uid that dashboard_url names; empty when there is none.
    """

    name: str
    stem: str
    severity: str
    value: str
    limit: Limit | None
    limit_expr: str
    dashboard: str
    annotations: Mapping[str, str]


def read_groups(folder: Path) -> list[tuple[Path, Mapping[str, Any]]]:
    """Return the groups of all rule files of a folder, each with its file."""
    groups: list[tuple[Path, Mapping[str, Any]]] = []
    for path in sorted(folder.glob("*.yml")):
        loaded = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - a safe loader, see below
        if isinstance(loaded, dict) and "groups" in loaded:   # others hold data for the rules, no rules
            groups += [(path, group) for group in loaded["groups"]]
    return groups


def alerts_of(groups: Sequence[tuple[Path, Mapping[str, Any]]]) -> dict[str, Alert]:
    """Return the alerts of rule groups by name.

    Raises:
        DashboardsRefused: An expression does not parse.
    """
    return {
        rule["alert"]: _alert(path, rule) for path, group in groups for rule in group.get("rules") or () if "alert" in rule
    }


def find_alert(alerts: Mapping[str, Alert], name: str) -> Alert:
    """Return an alert by its name.

    Raises:
        LookupError: There is none; the message names similar ones.
    """
    if name in alerts:
        return alerts[name]
    near = difflib.get_close_matches(name, alerts, n=3)
    raise LookupError(f"no rule file has the alert {name!r}." + (f" Did you mean {' or '.join(near)}?" if near else ""))


def _alert(path: Path, rule: Mapping[str, Any]) -> Alert:
    name, expr = str(rule["alert"]), str(rule["expr"])
    try:
        value, limit, limit_expr = _taken_apart(expr)
    except ValueError as error:
        raise DashboardsRefused([Problem(Source(str(path)), "", "", f"{name}: {error} in: {expr.strip()}")]) from error
    if limit is not None:
        names = [literal.name for literal in thresholds.literals(expr) if abs(literal.value) == abs(limit.value)]
        limit = Limit(limit.operator, limit.value, names[0] if names else "")
    annotations = {key: " ".join(str(text).split()) for key, text in rule.get("annotations", {}).items()}
    board = _BOARD.search(annotations.get("dashboard_url", ""))
    return Alert(
        name=name, stem=path.stem, severity=str(rule.get("labels", {}).get("severity", "warning")), value=value,
        limit=limit, limit_expr=limit_expr, dashboard=board["uid"] if board else "", annotations=annotations,
    )  # fmt: skip


def _taken_apart(expr: str) -> tuple[str, Limit | None, str]:
    """Split an alert's expression into what it watches, its limit, and the series it compares with."""
    node = tree.bare(tree.parse(expr))
    while isinstance(node, BinaryExpr) and str(node.op) in SET_OPERATORS:
        node = tree.bare(node.lhs)
    if not isinstance(node, BinaryExpr) or str(node.op) not in tree.COMPARISONS:
        return str(node), None, ""
    number = tree.number(node.rhs)
    value = str(tree.bare(node.lhs))
    if number is None:
        return value, None, str(tree.bare(node.rhs))
    return value, Limit(str(node.op), number), ""


# The C loader reads all rule files in a tenth of the time; it is there wherever PyYAML comes as a wheel.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
