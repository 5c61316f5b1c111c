"""Our dashboards against the types that Grafana publishes: no error, where grafanalib's own classes have many."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
from grafanalib import core
from grafanalib._gen import DashboardEncoder

from promontory.dashboards import v2
from promontory.dashboards.build import Collection, build
from promontory.project import Project
from tests.dashboards import grafana_types
from tests.dashboards.grafana_types import Types

pytestmark = pytest.mark.network

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/reference/dashboard-checks.md"


@pytest.fixture(scope="module")
def types() -> Types:
    """The types as schemas."""
    try:
        return grafana_types.load()
    except grafana_types.Unavailable as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="module")
def collection() -> Collection:
    """Our dashboards."""
    return build(Project(root=ROOT, inventory=ROOT / "inventories/lab"))


def test_the_classic_files_have_no_error(types: Types, collection: Collection) -> None:
    """All of them, panels of closed rows included."""
    assert len(collection.boards) >= 13
    assert {board.uid: types.errors(board.body) for _, board in collection.boards} == {board.uid: [] for _, board in collection.boards}


@pytest.mark.parametrize("version", v2.VERSIONS)
def test_the_resources_have_no_error(types: Types, collection: Collection, version: str) -> None:
    """In both versions of the v2 model."""
    made = {board.uid: v2.resource(board.body, version) for _, board in collection.boards}
    assert {uid: types.errors_v2(each) for uid, each in made.items()} == {uid: [] for uid in made}


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("refresh",), 60, "$.refresh: 60 is not of type 'string'"),
        (("nonsense",), 1, "'nonsense' was unexpected"),
        (("annotations", "list", 1, "expr"), "up", "'expr' was unexpected"),
        (("panels", 1, "id"), "one", "$.id: 'one' is not of type 'number'"),
        (("panels", 1, "options", "colorMode"), "pink", "options $.colorMode: 'pink' is not one of"),
        (("panels", 1, "fieldConfig", "defaults", "custom", "lineWidth"), 1, "custom $.lineWidth: 1 should not be valid under"),
        (("panels", 1, "fieldConfig", "defaults", "thresholds", "steps", 0, "value"), "null", "steps[0].value: 'null' is not"),
        (("panels", 0, "collapsed"), None, "$.collapsed: None is not of type 'boolean'"),
    ],
    ids=lambda value: ".".join(map(str, value)) if isinstance(value, tuple) else "",
)
def test_errors_are_found(types: Types, collection: Collection, path: tuple[Any, ...], value: object, told: str) -> None:
    """One error each, in every part of a dashboard; else their absence says nothing."""
    body = copy.deepcopy(next(board.body for _, board in collection.boards if board.uid == "promontory-overview"))
    _put(body, path, value)
    [error] = types.errors(body)
    assert told in error


@pytest.mark.parametrize("version", v2.VERSIONS)
def test_errors_in_resources_are_found(types: Types, collection: Collection, version: str) -> None:
    """The two versions are told apart, too: their transformations differ."""
    body = next(board.body for _, board in collection.boards if board.uid == "promontory-hosts")
    resource = v2.resource(body, version)
    other = {**resource, "apiVersion": f"{v2.GROUP}/{next(each for each in v2.VERSIONS if each != version)}"}
    assert types.errors_v2(other)
    _put(resource, ("spec", "cursorSync"), "Sometimes")
    assert ["$.cursorSync" in error for error in types.errors_v2(resource)] == [True]


def test_grafanalib_alone_for_comparison(types: Types) -> None:
    """The page names the number of errors that one panel of every kind has without our layer."""
    raw = json.loads(json.dumps(_plain_grafanalib().to_json_data(), cls=DashboardEncoder))
    named = re.search(r"(\d+) errors", PAGE.read_text(encoding="utf-8"))
    assert named
    assert len(types.errors(raw)) == int(named[1])


def _put(value: Any, path: tuple[Any, ...], new: object) -> None:
    for step in path[:-1]:
        value = value.setdefault(step, {}) if isinstance(value, dict) else value[step]
    value[path[-1]] = new


def _plain_grafanalib() -> core.Dashboard:
    """One panel of every kind that Grafana still has, with a query, a unit and two thresholds, as grafanalib's users write it."""
    kinds = (
        core.TimeSeries, core.Stat, core.GaugePanel, core.BarGauge, core.Table, core.Heatmap, core.StateTimeline, core.PieChartv2,
        core.BarChart, core.Histogram, core.Logs,
    )  # fmt: skip
    common = {"dataSource": "${datasource}", "description": "Says something."}
    limits = [core.Threshold("green", 0, 0.0), core.Threshold("red", 1, 5.0)]
    panels: list[Any] = [core.RowPanel(title="Row", gridPos=core.GridPos(1, 24, 0, 0))]
    for number, kind in enumerate(kinds):
        panels.append(kind(
            title=kind.__name__, gridPos=core.GridPos(8, 12, 0, 1 + 8 * number),
            targets=[core.Target(expr="up", legendFormat="{{instance}}", refId="A")], **common,
            **({"unit": "short"} if hasattr(kind(), "unit") else {}), **({"thresholds": limits} if hasattr(kind(), "thresholds") else {}),
        ))  # fmt: skip
    panels.append(core.Text(title="Text", content="Text", gridPos=core.GridPos(8, 12, 0, 100)))
    return core.Dashboard(
        title="Plain", uid="plain", panels=panels, tags=["plain"],
        templating=core.Templating(list=[
            core.Template(name="datasource", query="prometheus", type="datasource"),
            core.Template(name="instance", query="label_values(up, instance)", dataSource="${datasource}", includeAll=True, multi=True),
        ]),
        links=[core.DashboardLink(title="All", tags=["plain"])],
    ).auto_panel_ids()  # fmt: skip
