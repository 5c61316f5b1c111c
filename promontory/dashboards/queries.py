"""Lists what a dashboard asks its data source, with variables resolved as Grafana resolves them.

It reads finished JSON, so it serves committed files, a user's, and what a running Grafana gives back. Nothing here asks
anything: `render` and the tests run what this module lists.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from promontory.dashboards.frame import ALL

_VARIABLE = re.compile(r"\$(?:(?P<bare>\w+)|\{(?P<braced>\w+)(?::(?P<format>\w+))?\}|\[\[(?P<old>\w+)\]\])")
_LABEL_VALUES = re.compile(r"label_values\((?:(?P<selector>.+),)?\s*(?P<label>\w+)\s*\)", re.DOTALL)
# Steps that Grafana rounds an interval to, seconds: packages/grafana-data/src/datetime/rangeutil.ts, shortened.
_STEPS_S = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 604800)
_DEFAULT_POINTS = 1000   # about the width of a panel in pixels, which is what Grafana takes


@dataclass(frozen=True)
class Window:
    """The time a dashboard looks at.

    Attributes:
        start, end: Seconds since the epoch.
        points: How many points a panel has room for.
        scrape_interval_s: As configured at the data source.
    """

    start: float
    end: float
    points: int = _DEFAULT_POINTS
    scrape_interval_s: float = 15

    @property
    def range_s(self) -> int:
        """$__range, seconds."""
        return max(1, round(self.end - self.start))

    @property
    def step_s(self) -> int:
        """$__interval, seconds: the range over the points, rounded up, not below the scrape interval."""
        raw = max(self.range_s / self.points, self.scrape_interval_s)
        return next((step for step in _STEPS_S if step >= raw), _STEPS_S[-1])

    @property
    def rate_interval_s(self) -> int:
        """$__rate_interval, seconds: at least four scrapes, and never a gap between two steps."""
        return math.ceil(max(self.step_s + self.scrape_interval_s, 4 * self.scrape_interval_s))


@dataclass(frozen=True)
class Asked:
    """One query of a dashboard.

    Attributes:
        kind: `panel`, `variable` or `annotation`.
        name: The panel's title, the variable's or the annotation's name.
        panel: The panel's JSON; empty for the others.
        expr: PromQL with nothing left to resolve; for a variable the selector of the series.
        label: For a variable: the label whose values are wanted.
        instant: Ask at the window's end only.
        may_be_empty: The text that stands for no data; empty when there must be some.
    """

    kind: str
    dashboard: str
    name: str
    expr: str
    panel: Mapping[str, Any] = field(default_factory=dict)
    ref_id: str = "A"
    legend: str = ""
    label: str = ""
    instant: bool = False
    may_be_empty: str = ""
    form: str = "time_series"


Values = Mapping[str, Sequence[str]]
"""Chosen values by variable; one that is missing, or has none, stands for All."""


def questions(board: Mapping[str, Any], window: Window, values: Values | None = None) -> list[Asked]:
    """Return every query of a dashboard: its panels', its variables' and its annotations'.

    Args:
        board: The JSON of a dashboard, classic model.
        values: What is chosen in the variables; without it, everything.
    """
    chosen = values or {}
    asked = [*_of_panels(board, window, chosen), *_of_variables(board, window, chosen)]
    return [*asked, *_of_annotations(board, window, chosen)]


def panels_of(board: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the panels of a dashboard, those of closed rows too, without the rows."""
    for panel in board["panels"]:
        if panel["type"] != "row":
            yield panel
        yield from panel.get("panels") or []


def resolved(expr: str, window: Window, values: Values | None = None) -> str:
    """Replace Grafana's variables in an expression.

    Several values become `(a|b)`, each escaped as a regular expression; All becomes the variable's own `.+`.
    """
    chosen = values or {}
    built_in = {
        "__rate_interval": f"{window.rate_interval_s}s", "__interval": f"{window.step_s}s", "__range": f"{window.range_s}s",
        "__range_s": str(window.range_s), "__interval_ms": str(window.step_s * 1000),
        "__range_ms": str(window.range_s * 1000), "__from": str(round(window.start * 1000)),
        "__to": str(round(window.end * 1000)),
    }  # fmt: skip

    def value(match: re.Match[str]) -> str:
        name = match["bare"] or match["braced"] or match["old"]
        if name in built_in:
            return built_in[name]
        return _joined(list(chosen.get(name) or ()))

    return _VARIABLE.sub(value, expr)


def _joined(values: Sequence[str]) -> str:
    if not values:
        return ALL
    escaped = [re.sub(r"([\\^$*+?.()|[\]{}])", r"\\\\\1", value) for value in values]
    return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"


def _of_panels(board: Mapping[str, Any], window: Window, values: Values) -> Iterator[Asked]:
    for panel in panels_of(board):
        empty = panel.get("fieldConfig", {}).get("defaults", {}).get("noValue", "")
        for target in panel.get("targets") or []:
            yield Asked(
                kind="panel", dashboard=board["uid"], name=panel["title"], panel=panel,
                expr=resolved(target["expr"], window, values), ref_id=target["refId"],
                legend=target.get("legendFormat", ""), instant=bool(target.get("instant")), may_be_empty=empty,
                form=target.get("format", "time_series"),
            )  # fmt: skip


def _of_variables(board: Mapping[str, Any], window: Window, values: Values) -> Iterator[Asked]:
    for variable in board["templating"]["list"]:
        if variable["type"] != "query":
            continue
        query = variable["query"]["query"] if isinstance(variable["query"], dict) else variable["query"]
        found = _LABEL_VALUES.fullmatch(query)
        if found is None:
            raise ValueError(f"{board['uid']}: the query of the variable {variable['name']} is no label_values(): {query}")
        yield Asked(
            kind="variable", dashboard=board["uid"], name=variable["name"],
            expr=resolved(found["selector"] or "", window, values), label=found["label"],
        )  # fmt: skip


def _of_annotations(board: Mapping[str, Any], window: Window, values: Values) -> Iterator[Asked]:
    for annotation in board["annotations"]["list"]:
        if "target" in annotation:
            expr = resolved(annotation["target"]["expr"], window, values)
            empty = "No alert has fired in this time." if "ALERTS" in expr else ""
            yield Asked(
                kind="annotation", dashboard=board["uid"], name=annotation["name"], expr=expr, may_be_empty=empty
            )
