"""What a build or a check refuses, each with module, line and panel."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from promontory.dashboards.build import Collection
from promontory.dashboards.check import check_all
from promontory.dashboards.problems import DashboardsRefused
from promontory.errors import UsageError
from promontory.project import Project
from tests.dashboards.conftest import GOOD, HEAD, module

Build = Callable[..., Collection]

PANEL = "timeseries('Up', {query}, unit={unit!r}, description={description!r}{more})"


def panel(query: str = "'up'", unit: str = "short", description: str = "What answers.", more: str = "") -> str:
    """Return one panel's source."""
    return PANEL.format(query=query, unit=unit, description=description, more=more)


def line_of(text: str, what: str) -> int:
    """Return the line that a text stands on in a module."""
    return next(number for number, line in enumerate(text.splitlines(), start=1) if what in line)


REFUSED_AT_BUILD = {
    "unit": (panel(unit="procent"), "the unit 'procent' is none that Grafana knows. Did you mean percent"),
    "no description": (panel(description=""), "it has no description"),
    "no query": ("timeseries('Up', unit='short', description='x')", "it asks nothing"),
    "unknown alert": (panel(more=", alert='HostCpuSaturatd'"), "Did you mean HostCpuSaturated"),
    "too wide": (panel(more=", width=25"), "its width is 25; a line has 24 columns"),
    "same title": (f"{panel()},\n            {panel()}", "there are two of this title in the row 'Row'"),
    "scope": (panel(query="query('up', scope=['colour'])"), "the scope 'colour' is no variable of this dashboard"),
    "data source": ("__import__('grafanalib.core').core.TimeSeries(title='Up', dataSource='Mimir')", "its data source is 'Mimir'"),
    "old type": ("__import__('grafanalib.core').core.Graph(title='Up')", "the panel type 'graph' is gone from Grafana; use timeseries()"),
    "old gauge": ("__import__('grafanalib.core').core.GaugePanel(title='Up')", "its reducer would be lost; use gauge()"),
    "old heatmap": ("__import__('grafanalib.core').core.Heatmap(title='Up')", "use heatmap()"),
    "old bars": ("__import__('grafanalib.core').core.BarGauge(title='Up')", "use bars()"),
    "overlap": (
        "__import__('grafanalib.core').core.TimeSeries(title='A', gridPos={'x': 0, 'y': 1, 'w': 12, 'h': 8}),\n            "
        "__import__('grafanalib.core').core.TimeSeries(title='Up', gridPos={'x': 6, 'y': 4, 'w': 12, 'h': 8})",
        "it lies over the panel 'A'",
    ),
    "beyond the grid": (
        "__import__('grafanalib.core').core.TimeSeries(title='Up', gridPos={'x': 20, 'y': 1, 'w': 12, 'h': 8})",
        "it reaches beyond column 24",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("source", "said"), REFUSED_AT_BUILD.values(), ids=REFUSED_AT_BUILD)
def test_a_build_refuses(built: Build, source: str, said: str) -> None:
    """The message names module, line and panel, and the line is where the author wrote it."""
    text = module(source)
    with pytest.raises(DashboardsRefused) as refused:
        built(text)
    problem = refused.value.problems[0]
    assert said in problem.text
    assert problem.panel == "Up"
    assert problem.source.file.endswith("dashboards/mine.py")
    wanted = "row(" if "grafanalib" in source else source.splitlines()[-1].strip()
    first = [number for number, line in enumerate(text.splitlines(), start=1) if wanted in line][-1]
    assert problem.source.line == first
    assert f"mine.py:{first}" in str(refused.value)


REFUSED_FRAMES = {
    "uid": (module(GOOD, uid="with space"), {}, "the uid 'with space' must be 1 to 40"),
    "long uid": (module(GOOD, uid="x" * 41), {}, "must be 1 to 40"),
    "link": (module(GOOD, extra="up=['nowhere'],"), {}, "it links to 'nowhere'"),
    "alert without a rule": (module(GOOD, "alert_limits(empty={'HostGone': 'x'})"), {}, "no rule file has the alert 'HostGone'"),
    "same uid": (module(GOOD), {"other": module(GOOD, title="Other")}, "its uid 'mine' is taken by"),
    "same title": (module(GOOD), {"other": module(GOOD, uid="other")}, "its title 'Mine' is taken by"),
    "no dashboard": (f"{HEAD}\nx = 1\n", {}, "`dashboard` is nothing"),
    "wrong type": (f"{HEAD}\ndashboard = 3\n", {}, "`dashboard` is a int"),
    "misspelt argument": (module("stat('Up', 'up', unt='short')"), {}, "unexpected keyword argument 'unt'"),
    "no Python": ("dashboard = (\n", {}, "was never closed"),
}


@pytest.mark.parametrize(("text", "others", "said"), REFUSED_FRAMES.values(), ids=REFUSED_FRAMES)
def test_a_build_refuses_a_dashboard(built: Build, text: str, others: dict[str, str], said: str) -> None:
    """What is wrong with a whole module."""
    with pytest.raises(DashboardsRefused) as refused:
        built(text, **others)
    assert said in str(refused.value)
    assert ".py:" in str(refused.value)


def test_all_problems_are_told_at_once(built: Build) -> None:
    """Nobody mends one thing to learn of the next."""
    with pytest.raises(DashboardsRefused) as refused:
        built(module(panel(unit="procent", description="", more=", width=30")))
    assert len(refused.value.problems) == 3


def test_an_empty_folder_is_refused(project: Project) -> None:
    """And the message names the page that helps."""
    from promontory.dashboards.build import build

    with pytest.raises(UsageError, match="holds no dashboard modules") as refused:
        build(project)
    assert "add-a-dashboard.md" in refused.value.hint


REFUSED_AT_CHECK = {
    "syntax": ("'sum(up'", "short", "syntax"),
    "unknown metric": ("'node_cpu_second_total'", "short", "did you mean node_cpu_seconds_total"),
    "unknown label": ("query('sum by (jobb) (up)')", "short", "jobb"),
    "raw counter": ("'node_cpu_seconds_total'", "s", "raw-counter"),
    "rate of a gauge": ("'rate(node_load1[$__rate_interval])'", "short", "rate-of-gauge"),
    "fixed range": ("'sum(rate(node_cpu_seconds_total[5m]))'", "percentunit", "write [$__rate_interval]"),
    "legend": ("query('sum by (job) (up)', '{{instance}}')", "short", "the legend names 'instance', but the series have: job"),
    "unit of bytes": ("'node_memory_MemFree_bytes'", "s", "the unit 's' does not fit node_memory_MemFree_bytes"),
    "unit of a rate": (
        "'sum(rate(node_network_receive_bytes_total[$__rate_interval]))'", "bytes",
        "does not fit the rate of node_network_receive_bytes_total",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("query", "unit", "said"), REFUSED_AT_CHECK.values(), ids=REFUSED_AT_CHECK)
def test_a_check_refuses(built: Build, query: str, unit: str, said: str) -> None:
    """With module, line and panel again; the line is that of the query."""
    text = module(panel(query=query, unit=unit, more=", alert='HostCpuSaturated'"))
    problems = check_all(built(text))
    assert [problem for problem in problems if said in problem.text], problems
    assert {problem.panel for problem in problems} == {"Up"}
    assert problems[0].source.line == line_of(text, "timeseries('Up'")


def test_a_range_from_an_hour_on_is_what_is_asked(built: Build) -> None:
    """The total of a day is not a matter of resolution."""
    asked = "'sum(increase(node_network_receive_packets_total[24h]))'"
    assert not check_all(built(module(panel(query=asked, more=", alert='HostCpuSaturated'"))))


def test_an_alert_that_leads_to_a_dashboard_must_have_a_panel_there(built: Build) -> None:
    """HostCpuSaturated names the uid `mine` in its dashboard_url; HostMemoryLow leads elsewhere."""
    problems = check_all(built(module(GOOD)))
    assert ["no panel shows the alert HostCpuSaturated" in problem.text for problem in problems] == [True]
    assert not check_all(built(module(GOOD, "alert_limits()")))
