"""The committed dashboards: what a build gives, complete, valid, and closed over the alerts."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grafana_foundation_sdk.models.units as sdk_units
import pytest

from promontory.dashboards.build import Collection, build
from promontory.dashboards.check import check_all
from promontory.dashboards.queries import Window, panels_of, questions
from promontory.dashboards.roundtrip import losses
from promontory.dashboards.units import UNITS
from promontory.project import Project

ROOT = Path(__file__).resolve().parents[2]
UIDS = {
    f"promontory-{name}" for name in (
        "overview", "sample-app", "business", "slo", "hosts", "host", "prometheus", "alertmanager", "alerts", "grafana",
        "blackbox", "postgresql", "edge",
    )
}  # fmt: skip
LIMIT_S = 2   # for building all of them
EMPTY_LIMIT = 0.2   # share of panels that may stand empty, each with its reason


@pytest.fixture(scope="module")
def collection() -> Collection:
    """Give one build of the project itself."""
    return build(Project(root=ROOT, inventory=ROOT))


@pytest.fixture(scope="module")
def boards() -> dict[str, dict[str, Any]]:
    """Give the committed files by uid."""
    loaded = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "dashboards/json").glob("*.json"))]
    return {board["uid"]: board for board in loaded}


def values(node: Any) -> Iterator[Any]:
    """Yield every value inside a JSON value."""
    yield node
    inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for each in inner:
        yield from values(each)


def test_the_committed_files_are_what_a_build_gives(collection: Collection) -> None:
    """Byte by byte, and none too many; `promontory dashboards build` mends it."""
    files = collection.files()
    stale = [path.name for path, text in files.items() if not path.exists() or path.read_bytes() != text.encode()]
    assert stale == []
    assert set((ROOT / "dashboards/json").glob("*")) == {path for path in files if path.parent.name == "json"}


def test_a_second_build_gives_the_same_bytes_in_time(collection: Collection) -> None:
    """Nothing of this machine, this time or this process is in the files."""
    before = time.process_time()
    again = build(Project(root=ROOT, inventory=ROOT)).files()
    assert time.process_time() - before < LIMIT_S
    assert again == collection.files()


def test_every_dashboard_is_there(boards: dict[str, dict[str, Any]]) -> None:
    """Under the uids that rules and mails link to."""
    assert set(boards) == UIDS


def test_the_dashboards_pass_their_own_checks(collection: Collection) -> None:
    """Queries against the catalogue, legends, units, and a panel for every alert that leads here."""
    assert [str(problem) for problem in check_all(collection)] == []


def test_no_field_is_unknown_to_grafanas_schema(boards: dict[str, dict[str, Any]]) -> None:
    """The Foundation SDK reads every field and gives it back."""
    assert {uid: losses(board) for uid, board in boards.items() if losses(board)} == {}


def test_grafana_would_migrate_nothing(boards: dict[str, dict[str, Any]]) -> None:
    """What its migration of the classic model touches is not in the files.

    Found by reading each dashboard back from Grafana 12.4 as v1beta1, which migrates: then only `uid` differs, which
    moves to the metadata there.
    """
    for board in boards.values():
        assert board["schemaVersion"] == 42
        assert None not in list(values(board))
        assert board["weekStart"] == ""
        for panel in panels_of(board):
            assert panel["options"] != {}, panel["title"]
            assert not {"links", "transformations", "transparent"} & {key for key, value in panel.items() if not value}
            for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]:
                assert isinstance(step["value"], int | float), panel["title"]
            for transformation in panel.get("transformations", []):
                assert transformation["options"] != {}, panel["title"]


def test_every_panel_has_description_and_unit(boards: dict[str, dict[str, Any]]) -> None:
    """All of them, and a unit that Grafana knows."""
    bare = [
        (board["uid"], panel["title"]) for board in boards.values() for panel in panels_of(board)
        if not panel.get("description") or panel["fieldConfig"]["defaults"].get("unit") not in UNITS
    ]  # fmt: skip
    assert bare == []


def test_a_panel_that_may_be_empty_is_an_exception(boards: dict[str, dict[str, Any]]) -> None:
    """Every one says why, in the panel itself."""
    panels = [panel for board in boards.values() for panel in panels_of(board)]
    empty = [panel for panel in panels if panel["fieldConfig"]["defaults"].get("noValue")]
    assert len(empty) / len(panels) < EMPTY_LIMIT, sorted(panel["title"] for panel in empty)


def test_ids_are_unique_and_every_query_has_one(boards: dict[str, dict[str, Any]]) -> None:
    """refIds within a panel, panel ids within a dashboard."""
    for board in boards.values():
        ids = [panel["id"] for panel in board["panels"]] + [each["id"] for row in board["panels"] for each in row.get("panels") or []]
        assert len(ids) == len(set(ids))
        for panel in panels_of(board):
            refs = [target["refId"] for target in panel["targets"]]
            assert len(refs) == len(set(refs))
            assert all(refs)


def test_variables_links_and_annotations_are_on_every_dashboard(boards: dict[str, dict[str, Any]]) -> None:
    """Links keep time and variables, and lead to dashboards that are there."""
    for board in boards.values():
        variables = {variable["name"]: variable for variable in board["templating"]["list"]}
        assert list(variables)[:4] == ["datasource", "environment", "job", "instance"]
        assert all(each["multi"] and each["includeAll"] and each["allValue"] == ".+" for each in list(variables.values())[1:])
        assert {each["name"] for each in board["annotations"]["list"]} >= {"Firing alerts", "Deployments and restarts"}
        assert board["links"]
        for link in board["links"]:
            assert link["keepTime"]
            assert link["includeVars"]
            assert link["type"] == "dashboards" or link["url"].removeprefix("/d/") in boards


def test_the_index_of_alerts_is_whole(collection: Collection, boards: dict[str, dict[str, Any]]) -> None:
    """Every alert whose link leads to one of the dashboards has a panel there, under the id that the index says."""
    index = json.loads((ROOT / "dashboards/alerts.json").read_text(encoding="utf-8"))
    linked = {alert.name for alert in collection.alerts.values() if alert.dashboard in boards}
    assert linked
    assert linked <= set(index)
    for entry in index.values():
        titles = {panel["id"]: panel["title"] for panel in panels_of(boards[entry["uid"]])}
        assert titles[entry["panel_id"]] == entry["title"]


def test_no_question_is_left_with_a_variable(boards: dict[str, dict[str, Any]]) -> None:
    """What a Prometheus is asked has no $ left in it."""
    window = Window(start=0, end=3600)
    for board in boards.values():
        asked = questions(board, window, {"instance": ["web1", "10.0.0.1:9100"]})
        assert {each.kind for each in asked} == {"panel", "variable", "annotation"}
        assert [each.expr for each in asked if "$" in each.expr] == []


def test_the_units_are_grafanas() -> None:
    """All that the SDK names, and none that it does not."""
    known = {value for name, value in vars(sdk_units).items() if isinstance(value, str) and not name.startswith("_")}
    assert known == UNITS
