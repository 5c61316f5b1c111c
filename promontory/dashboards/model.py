"""What a dashboard module says: a dashboard, its rows, and the queries of its panels."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from promontory.dashboards.problems import Source

SCOPE = ("environment", "job", "instance")   # labels with a variable of their name on every dashboard
_OURS = str(Path(__file__).resolve().parent)


@dataclass(frozen=True)
class Query:
    """One PromQL query of a panel.

    Attributes:
        expr: PromQL. Selectors are narrowed by the variables of the dashboard when it is built; see `scope`.
        legend: Grafana's legend format, such as `{{instance}}`; None lets Grafana name what differs.
        scope: Labels whose variables narrow the selectors; None narrows each metric by all it has, which is nearly
            always meant. A series without such a label would never be found.
        instant: Ask for the newest value only.
    """

    expr: str
    legend: str | None = None
    scope: Sequence[str] | None = None
    instant: bool = False
    source: Source = field(default_factory=lambda: author())


@dataclass(frozen=True)
class Row:
    """A heading with panels below it; closed ones are opened by a click and ask nothing before."""

    title: str
    panels: Sequence[Any]
    closed: bool = False
    source: Source = field(default_factory=lambda: author())


@dataclass(frozen=True)
class Variable:
    """A variable of a dashboard beside the usual four.

    Attributes:
        name: As in `$name`; also the label whose values it offers.
        metric: Series with that label.
    """

    name: str
    metric: str
    label: str = ""   # what people read; the name when empty


@dataclass(frozen=True)
class Dashboard:
    """A whole dashboard.

    Attributes:
        uid: At most 40 letters, digits, - and _; part of every link to it, so it never changes.
        about: The metric whose labels fill the variables environment, job and instance.
        up: uids of the dashboards one layer above; down: those one layer below. Links keep time and variables.
        variables: Further variables.
        span: How far back it looks when it is opened, such as `3h`.
    """

    uid: str
    title: str
    description: str
    rows: Sequence[Row]
    about: str = "up"
    up: Sequence[str] = ()
    down: Sequence[str] = ()
    tags: Sequence[str] = ()
    variables: Sequence[Variable] = ()
    span: str = "3h"
    refresh: str = "1m"
    source: Source = field(default_factory=lambda: author())


def query(expr: str, legend: str | None = None, *, scope: Sequence[str] | None = None, instant: bool = False) -> Query:
    """Say what to ask and how to call the answer; see `Query`."""
    return Query(expr, legend, scope, instant)


def row(title: str, *panels: Any) -> Row:
    """Put panels under a heading."""
    return Row(title, panels)


def closed_row(title: str, *panels: Any) -> Row:
    """Put panels under a heading that is closed until somebody opens it: details."""
    return Row(title, panels, closed=True)


def author() -> Source:
    """Return the place outside this package that is being carried out: the line of a dashboard's author."""
    frame = sys._getframe(1)
    while frame.f_back is not None and (
        frame.f_code.co_filename.startswith((_OURS, "<")) or "/site-packages/" in frame.f_code.co_filename
    ):
        frame = frame.f_back
    return Source(frame.f_code.co_filename, frame.f_lineno)
