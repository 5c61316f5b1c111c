"""The panels a dashboard module can use: functions that give grafanalib panels with what grafanalib leaves out.

Every panel has a title, one or more queries, a unit and a description. With `alert=` it belongs to an alert of the rule
files: it shows the expression of the alert unless it is given queries of its own, and its thresholds are the alert's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from promontory.dashboards import widgets
from promontory.dashboards.model import Query, author
from promontory.dashboards.problems import Source

Asked = Query | str
Alerts = str | Sequence[str]

UP_DOWN = {0: ("down", "red"), 1: ("up", "green")}
YES_NO = {0: ("no", "red"), 1: ("yes", "green")}
PASSED_FAILED = {0: ("failed", "red"), 1: ("ok", "green")}


@dataclass(frozen=True)
class Column:
    """A column of a table: one instant query, one value for each row."""

    title: str
    query: Query
    unit: str
    alerts: tuple[str, ...] = ()
    cell: str = "auto"   # auto, gauge, color-text or color-background
    mappings: Mapping[Any, tuple[str, str]] | None = None
    decimals: int | None = None
    maximum: float | None = None


@dataclass(frozen=True)
class AlertLimits:
    """Stands for panels that are known only when the rules are: see `alert_limits`."""

    empty: Mapping[str, str]
    source: Source


def timeseries(
    title: str, *queries: Asked, unit: str, description: str, alert: Alerts = (), stack: bool = False,
    legend: str = "list", minimum: float | None = 0, maximum: float | None = None, decimals: int | None = None,
    colors: Mapping[str, str] | None = None, style: str = "line", log: bool = False, empty: str = "",
    width: int = 12, height: int = 8, links: Sequence[Mapping[str, Any]] = (),
) -> widgets.TimeSeries:  # fmt: skip
    """Lines over time.

    Args:
        alert: Name or names of alerts; their limits are drawn as dashed lines.
        stack: Put the series on top of one another: for parts of a whole.
        legend: `list`, `table` (last and largest value, for more than three series) or `hidden`.
        minimum: Lowest value of the axis; None where values may be negative.
        colors: Fixed colours by a regular expression over legends, such as {"/^5/": "red"}.
        style: `line` or `bars`.
        empty: What to read when there is nothing to show because all is well; it allows the panel to be empty.
        width, height: In grid units; the line is filled anyway.
    """
    return widgets.TimeSeries(
        **_common(title, queries, unit, description, alert, empty, width, height, links),
        stacked=stack, legend=legend, minimum=minimum, maximum=maximum, decimals=decimals, colors=dict(colors or {}),
        style=style, logarithmic=log,
    )  # fmt: skip


def stat(
    title: str, *queries: Asked, unit: str, description: str, alert: Alerts = (), reduce: str = "lastNotNull",
    decimals: int | None = None, mappings: Mapping[Any, tuple[str, str]] | None = None, spark: bool = True,
    text: str = "auto", steps: Sequence[tuple[float, str]] = (), empty: str = "", width: int = 4, height: int = 4,
    links: Sequence[Mapping[str, Any]] = (),
) -> widgets.Stat:  # fmt: skip
    """One large number for each series, with the curve behind it.

    Args:
        mappings: Words and colours for values: {0: ("down", "red"), 1: ("up", "green")}.
        spark: Draw the curve; without it only the newest value is asked for.
        text: `auto`, `value`, `name` or `value_and_name`.
        steps: Colours from a value on, where there is no alert: [(0, "green"), (1, "red")].
    """
    return widgets.Stat(
        **_common(title, queries, unit, description, alert, empty, width, height, links),
        reducer=reduce, decimals=decimals, words=dict(mappings or {}), spark=spark, text=text, steps=tuple(steps),
    )  # fmt: skip


def gauge(
    title: str, *queries: Asked, unit: str, description: str, alert: Alerts = (), minimum: float = 0,
    maximum: float = 1, decimals: int | None = None, steps: Sequence[tuple[float, str]] = (), empty: str = "",
    width: int = 4, height: int = 6, links: Sequence[Mapping[str, Any]] = (),
) -> widgets.Gauge:  # fmt: skip
    """A dial between a lowest and a highest value, for each series."""
    return widgets.Gauge(
        **_common(title, queries, unit, description, alert, empty, width, height, links),
        minimum=minimum, maximum=maximum, decimals=decimals, steps=tuple(steps),
    )  # fmt: skip


def bars(
    title: str, *queries: Asked, unit: str, description: str, alert: Alerts = (), minimum: float = 0,
    maximum: float | None = None, decimals: int | None = None, empty: str = "", width: int = 8, height: int = 8,
    links: Sequence[Mapping[str, Any]] = (),
) -> widgets.Bars:  # fmt: skip
    """A bar for each series at its newest value: for a top ten."""
    return widgets.Bars(
        **_common(title, queries, unit, description, alert, empty, width, height, links),
        minimum=minimum, maximum=maximum, decimals=decimals,
    )  # fmt: skip


def heatmap(
    title: str, *queries: Asked, unit: str, description: str, empty: str = "", width: int = 12, height: int = 8,
    links: Sequence[Mapping[str, Any]] = (),
) -> widgets.Heatmap:  # fmt: skip
    """How observations of a histogram are spread over time; the query sums increases by le, the unit is that of le."""
    return widgets.Heatmap(**_common(title, queries, unit, description, (), empty, width, height, links))


def states(
    title: str, *queries: Asked, unit: str = "short", description: str, mappings: Mapping[Any, tuple[str, str]],
    alert: Alerts = (), empty: str = "", width: int = 24, height: int = 6, links: Sequence[Mapping[str, Any]] = (),
) -> widgets.States:  # fmt: skip
    """A band for each series, coloured by its state over time."""
    return widgets.States(
        **_common(title, queries, unit, description, alert, empty, width, height, links), words=dict(mappings)
    )


def alert_limits(empty: Mapping[str, str] | None = None) -> AlertLimits:
    """A panel for each alert whose dashboard_url leads here and that no other panel of the dashboard shows.

    Each has the alert's expression with its limit, so that a mail's link to the dashboard always finds the alert.

    Args:
        empty: By alert, what to read when it has nothing to show because all is well.
    """
    return AlertLimits(dict(empty or {}), author())


def column(
    title: str, asked: Asked, *, unit: str = "short", alert: Alerts = (), cell: str = "auto",
    mappings: Mapping[Any, tuple[str, str]] | None = None, decimals: int | None = None, maximum: float | None = None,
) -> Column:  # fmt: skip
    """One column of `table`; `cell` is auto, gauge, color-text or color-background."""
    return Column(title, _query(asked), unit, _names(alert), cell, mappings, decimals, maximum)


def table(
    title: str, *columns: Column, by: Mapping[str, str], description: str, link: str = "", empty: str = "",
    sort: str = "", width: int = 24, height: int = 8, links: Sequence[Mapping[str, Any]] = (),
) -> widgets.Table:  # fmt: skip
    """One row for each value of a label, one column for each query.

    Args:
        by: Labels that make a row, with the headings of their columns; the first one joins the queries.
        link: uid of the dashboard that a click on the first column opens, with that row's value as variable.
        sort: Heading to sort by, largest first.
    """
    common = _common(title, [each.query for each in columns], "short", description, (), empty, width, height, links)
    common["alerts"] = tuple(name for each in columns for name in each.alerts)
    return widgets.Table(**common, columns_=tuple(columns), by=dict(by), link=link, sort=sort)


def text(title: str, markdown: str, *, description: str, width: int = 24, height: int = 4) -> widgets.Text:
    """A text to read, in Markdown."""
    return widgets.Text(**_common(title, (), "none", description, (), "", width, height, ()), markdown=markdown)


def _common(
    title: str, queries: Sequence[Asked], unit: str, description: str, alert: Alerts, empty: str, width: int,
    height: int, links: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:  # fmt: skip
    return {
        "title": title, "queries": tuple(_query(asked) for asked in queries), "unit_": unit,
        "description": " ".join(description.split()), "alerts": _names(alert), "empty": " ".join(empty.split()),
        "width": width, "height_": height, "links": [dict(link) for link in links], "source": author(),
    }  # fmt: skip


def _query(asked: Asked) -> Query:
    return Query(asked) if isinstance(asked, str) else asked


def _names(alert: Alerts) -> tuple[str, ...]:
    return (alert,) if isinstance(alert, str) else tuple(alert)
