"""Makes one dashboard's JSON of what its module says: queries narrowed, limits drawn, panels placed and numbered."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import attr
from grafanalib import core
from grafanalib._gen import DashboardEncoder

from promontory.catalogue import Catalogue
from promontory.dashboards import frame, layout
from promontory.dashboards.alert_panels import with_alert_panels
from promontory.dashboards.identity import panel_id
from promontory.dashboards.limits import GOOD, steps_of
from promontory.dashboards.model import SCOPE, Dashboard, Query, Row
from promontory.dashboards.normalise import normalised, ref_id, refused_type
from promontory.dashboards.panels import AlertLimits
from promontory.dashboards.problems import Problem, Source
from promontory.dashboards.rulebook import Alert, find_alert
from promontory.dashboards.scope import narrowed
from promontory.dashboards.units import unknown_unit
from promontory.dashboards.widgets import Ours, Table, Target, Threshold, TimeSeries
from promontory.promql import labels_of

_UID = re.compile(r"[A-Za-z0-9_-]{1,40}")
_ROW_HEIGHT = 1
_SHARED = frozenset({"environment", "job", "team", "service"})
# Said by the instance already: that of a pod is its name, that of a hub its cluster.
_OF_INSTANCE = frozenset({"cluster", "pod"})
_TELLING = 3   # labels in a legend; with more, Grafana chooses those that differ
_LOWEST = -1e12   # below every value that a panel shows


@dataclass(frozen=True)
class BuiltPanel:
    """What checks, pictures and tests want to know of a panel beside its JSON.

    Attributes:
        queries: As the author or the rule wrote them, in the order of the targets.
        alerts: Whose limits it draws.
        empty: Why it may show nothing; empty when it must show something.
    """

    id: int
    title: str
    row: str
    source: Source
    queries: tuple[Query, ...]
    alerts: tuple[str, ...]
    empty: str
    unit: str


@dataclass(frozen=True)
class Built:
    """One finished dashboard."""

    uid: str
    title: str
    source: Source
    body: dict[str, Any]
    panels: tuple[BuiltPanel, ...]

    @property
    def text(self) -> str:
        """The file: keys sorted, so that equal dashboards are equal bytes."""
        return json.dumps(self.body, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def assemble(
    dashboard: Dashboard, alerts: Mapping[str, Alert], titles: Mapping[str, str], catalogue: Catalogue
) -> tuple[Built | None, list[Problem]]:
    """Build one dashboard.

    Args:
        alerts: Of the rule files, by name.
        titles: By uid, of all dashboards that links may lead to.
        catalogue: Tells which labels a metric has, so that it is narrowed by those only.
    Returns:
        The dashboard, or None and what is wrong with it.
    """
    work = _Work(dashboard, alerts, catalogue)
    work.judge_frame(titles)
    panels = [work.row(each) for each in with_alert_panels(dashboard, alerts)]
    known = [uid for uid in (*dashboard.up, *dashboard.down) if uid in titles]
    board = core.Dashboard(
        title=dashboard.title, uid=dashboard.uid, description=" ".join(dashboard.description.split()),
        tags=frame.tags(dashboard.tags), editable=False, graphTooltip=1, timezone="browser",
        refresh=dashboard.refresh, time=core.Time(f"now-{dashboard.span}", "now"),
        templating=core.Templating(list=frame.variables(dashboard, work.labels_of)),
        annotations=core.Annotations(list=frame.events()),
        links=frame.links(dashboard, titles) if len(known) == len(dashboard.up) + len(dashboard.down) else [],
        panels=[panel for row in panels for panel in row],
    )  # fmt: skip
    raw = json.loads(json.dumps(board.to_json_data(), cls=DashboardEncoder))
    work.judge_json(raw)
    if work.problems:
        return None, work.problems
    built = Built(dashboard.uid, dashboard.title, dashboard.source, normalised(raw), tuple(work.built))
    return built, []


class _Work:
    """One dashboard under way: collects panels and problems, and knows where the next line of the grid begins."""

    def __init__(self, dashboard: Dashboard, alerts: Mapping[str, Alert], catalogue: Catalogue) -> None:
        self.dashboard = dashboard
        self.alerts = alerts
        self.catalogue = catalogue
        self.problems: list[Problem] = []
        self.built: list[BuiltPanel] = []
        self._top = 0
        self._ids: dict[int, str] = {}
        self._labels = (*SCOPE, *(own.name for own in dashboard.variables))

    def labels_of(self, metric: str) -> Sequence[str]:
        """Return the variables that narrow a metric: all that it has as labels; the usual ones where nobody knows it."""
        known = self.catalogue.metrics.get(metric)
        labels = known.labels() if known is not None else self.catalogue.recorded.get(metric)
        return SCOPE if labels is None else tuple(label for label in self._labels if label in labels)

    def refuse(self, source: Source, panel: str, text: str) -> None:
        """Note a problem."""
        self.problems.append(Problem(source, self.dashboard.uid, panel, text))

    def judge_frame(self, titles: Mapping[str, str]) -> None:
        """Judge what stands outside the rows."""
        board = self.dashboard
        if not _UID.fullmatch(board.uid):
            self.refuse(board.source, "", f"the uid {board.uid!r} must be 1 to 40 letters, digits, - or _.")
        if not board.description.strip():
            self.refuse(board.source, "", "it has no description; say in one sentence what question it answers.")
        for row in board.rows:
            for place in [panel for panel in row.panels if isinstance(panel, AlertLimits)]:
                for name in [name for name in place.empty if name not in self.alerts]:
                    self.refuse(place.source, "", f"alert_limits(empty=): no rule file has the alert {name!r}.")
        for uid in (*board.up, *board.down):
            if uid not in titles:
                self.refuse(board.source, "", f"it links to {uid!r}, which no dashboard has as its uid.")

    def row(self, row: Row) -> list[Any]:
        """Build a row; an open one comes before its panels, a closed one holds them."""
        head_place = layout.Place(0, self._top, layout.COLUMNS, _ROW_HEIGHT)
        sizes = [(getattr(panel, "width", 12), getattr(panel, "height_", 8)) for panel in row.panels]
        for panel, (width, _) in zip(row.panels, sizes, strict=True):
            if not 1 <= width <= layout.COLUMNS:
                self.refuse(_source(panel, row), panel.title, f"its width is {width}; a line has {layout.COLUMNS} columns.")
        places, below = layout.place(sizes, self._top + _ROW_HEIGHT)
        panels = [self._panel(row, panel, place) for panel, place in zip(row.panels, places, strict=True)]
        self._judge_places(row, panels)
        self._top = self._top + _ROW_HEIGHT if row.closed else below
        head = core.RowPanel(
            title=row.title, id=self._id(row, "", row.source), collapsed=row.closed, gridPos=head_place.as_json(),
            panels=panels if row.closed else [],
        )  # fmt: skip
        return [head] if row.closed else [head, *panels]

    def _panel(self, row: Row, panel: Any, place: layout.Place) -> Any:
        source = _source(panel, row)
        if not panel.title:
            self.refuse(source, "", f"a panel of the row {row.title!r} has no title.")
        number = self._id(row, panel.title, source)
        position = panel.gridPos or place.as_json()
        if not _is_ours(panel):   # grafanalib's own class, taken as it is
            exprs = tuple(Query(str(target.expr), source=source) for target in panel.targets)
            self._note(panel, row, number, source, exprs, (), "", getattr(panel, "unit", ""))
            return attr.evolve(panel, id=number, gridPos=position)
        if problem := unknown_unit(panel.unit_):
            self.refuse(source, panel.title, problem)
        if not panel.description:
            self.refuse(source, panel.title, "it has no description; say in one sentence what good looks like.")
        alerts = self._alerts_of(panel)
        queries = panel.queries or tuple(self._of_alerts(alerts, source))
        if not queries and panel.targets == [] and type(panel).__name__ != "Text":
            self.refuse(source, panel.title, "it asks nothing: give it a query, or the name of an alert.")
        self._note(panel, row, number, source, queries, panel.alerts, panel.empty, panel.unit_)
        changes: dict[str, Any] = {"id": number, "gridPos": position, "thresholds": self._thresholds(panel, alerts)}
        if isinstance(panel, Table):
            changes["limits"] = self._column_limits(panel, source)
        changes["targets"] = [self._target(panel, each, index) for index, each in enumerate(queries)]
        return attr.evolve(panel, **changes)

    def _note(self, panel: Any, row: Row, number: int, source: Source, queries: tuple[Query, ...],
              alerts: tuple[str, ...], empty: str, unit: str) -> None:  # fmt: skip
        self.built.append(BuiltPanel(number, panel.title, row.title, source, queries, alerts, empty, unit))

    def _of_alerts(self, alerts: Sequence[Alert], source: Source) -> list[Query]:
        """The queries of a panel that is given none: the values its alerts watch, and the series they compare with."""
        queries: dict[str, Query] = {}
        for alert in alerts:
            queries.setdefault(alert.value, Query(alert.value, self._legend(alert), source=source))
            if alert.limit_expr:
                queries.setdefault(alert.limit_expr, Query(alert.limit_expr, "limit", source=source))
        return list(queries.values())

    def _legend(self, alert: Alert) -> str | None:
        """Name a series by what tells it from others; what all series of a panel share says nothing."""
        labels = labels_of(alert.value, self.catalogue)
        if labels is None:
            return None
        known = _SHARED | _OF_INSTANCE if "instance" in labels else _SHARED
        telling = sorted(labels - known, key=lambda label: (label != "instance", label))
        if len(telling) > _TELLING:
            return None
        return " ".join(f"{{{{{label}}}}}" for label in telling) or alert.name

    def _alerts_of(self, panel: Any) -> list[Alert]:
        found = []
        for name in panel.alerts:
            try:
                found.append(find_alert(self.alerts, name))
            except LookupError as error:
                self.refuse(panel.source, panel.title, str(error))
        return found

    def _thresholds(self, panel: Any, alerts: Sequence[Alert]) -> list[Any]:
        if panel.steps:
            return _good_when_empty(panel, [Threshold(color, value) for value, color in panel.steps])
        steps: list[Any] = list(steps_of(alerts))
        if isinstance(panel, TimeSeries) and len(steps) == 1 and not alerts:
            return [Threshold("green", 0)]
        return steps if isinstance(panel, TimeSeries) else _good_when_empty(panel, steps)

    def _column_limits(self, panel: Table, source: Source) -> dict[str, list[dict[str, Any]]]:
        limits = {}
        for each in panel.columns_:
            if problem := unknown_unit(each.unit):
                self.refuse(source, panel.title, f"column {each.title!r}: {problem}")
            steps = steps_of([self.alerts[name] for name in each.alerts if name in self.alerts])
            limits[each.title] = [step.to_json_data() for step in steps] if len(steps) > 1 else []
        return limits

    def _target(self, panel: Any, query: Query, index: int) -> Target:
        instant = query.instant or panel.instant_only or (panel.__class__.__name__ == "Stat" and not panel.spark)
        form = "table" if isinstance(panel, Table) else "heatmap" if panel.__class__.__name__ == "Heatmap" else "time_series"
        legend = query.legend if query.legend is not None else "{{le}}" if form == "heatmap" else "__auto"
        labels = self.labels_of if query.scope is None else tuple(query.scope)
        if unknown := [label for label in query.scope or () if label not in self._labels]:
            self.refuse(query.source, panel.title, f"the scope {unknown[0]!r} is no variable of this dashboard.")
        return Target(
            expr=narrowed(" ".join(query.expr.split()), labels), legendFormat=legend, refId=ref_id(index),
            instant=instant, format=form,
        )  # fmt: skip

    def _id(self, row: Row, title: str, source: Source) -> int:
        number = panel_id(self.dashboard.uid, row.title, title)
        what = f"{row.title} / {title}" if title else row.title
        if number in self._ids:
            same = self._ids[number] == what
            self.refuse(
                source, title,
                f"there are two of this title in the row {row.title!r}; a title is a panel's name." if same
                else f"its id {number} is that of {self._ids[number]!r} by chance; change one of the two titles.",
            )  # fmt: skip
        self._ids[number] = what
        return number

    def _judge_places(self, row: Row, panels: Sequence[Any]) -> None:
        places = []
        for panel in panels:
            position = panel.gridPos
            place = layout.Place(position["x"], position["y"], position["w"], position["h"])
            if place.x + place.width > layout.COLUMNS:
                self.refuse(_source(panel, row), panel.title, f"it reaches beyond column {layout.COLUMNS}: {position}.")
            places.append((panel.title, place))
        if pair := layout.first_overlap(places):
            panel = next(panel for panel in panels if panel.title == pair[1])
            self.refuse(
                _source(panel, row), pair[1], f"it lies over the panel {pair[0]!r}; leave gridPos out, or mend it."
            )

    def judge_json(self, raw: Mapping[str, Any]) -> None:
        """Judge what the panels became: their types, and their data sources."""
        by_id = {panel.id: panel for panel in self.built}
        flat = [inner for panel in raw["panels"] for inner in (panel, *(panel.get("panels") or []))]
        for panel in flat:
            if panel["type"] == "row":
                continue
            known = by_id[panel["id"]]
            if problem := refused_type(panel):
                self.refuse(known.source, known.title, problem)
            for holder in (panel, *(panel.get("targets") or [])):
                self._judge_source(holder.get("datasource"), known)

    def _judge_source(self, source: Any, panel: BuiltPanel) -> None:
        if source is None or source == frame.DATASOURCE:
            return
        named = source.get("uid") if isinstance(source, dict) else source
        self.refuse(
            panel.source, panel.title,
            f"its data source is {named!r}; there is only the variable $datasource, so leave the data source out.",
        )  # fmt: skip


def _good_when_empty(panel: Any, steps: list[Any]) -> list[Any]:
    """The text for no data has the colour of the base, so that is green where emptiness is good news."""
    if not panel.empty or steps[0].color == GOOD:
        return steps
    return [Threshold(GOOD, _LOWEST - 1), Threshold(steps[0].color, _LOWEST), *steps[1:]]


def _is_ours(panel: Any) -> bool:
    return isinstance(panel, Ours)


def _source(panel: Any, row: Row) -> Source:
    return panel.source if _is_ours(panel) else row.source
