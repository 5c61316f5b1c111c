"""The second output: resources of Grafana's v2 model, made of the same modules."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner

from promontory.cli import main
from promontory.dashboards import v2
from promontory.dashboards.build import Collection
from promontory.dashboards.identity import panel_id
from promontory.errors import UsageError
from promontory.project import Project
from tests.dashboards.conftest import GOOD, module

Build = Callable[..., Collection]
TABLE = "table('T', column('A', 'sum by (instance) (up)', unit='short'), by={'instance': 'Host'}, description='x')"


def body(collection: Collection) -> dict[str, Any]:
    """Return the JSON of the first dashboard."""
    return collection.boards[0][1].body


def test_a_resource_says_what_the_dashboard_says(built: Build) -> None:
    """Name, version, panel, query, place, variables, annotations."""
    made = v2.resource(body(built(module(GOOD))))
    spec = made["spec"]
    assert (made["apiVersion"], made["kind"], made["metadata"]) == ("dashboard.grafana.app/v2beta1", "Dashboard", {"name": "mine"})
    [row] = spec["layout"]["spec"]["rows"]
    name = f"panel-{panel_id('mine', 'Row', 'Up')}"
    assert (row["spec"]["title"], row["spec"]["collapse"]) == ("Row", False)
    assert row["spec"]["layout"]["spec"]["items"] == [{
        "kind": "GridLayoutItem",
        "spec": {"element": {"kind": "ElementReference", "name": name}, "height": 8, "width": 24, "x": 0, "y": 0},
    }]  # fmt: skip
    panel = spec["elements"][name]["spec"]
    assert (panel["title"], panel["description"], panel["vizConfig"]["group"]) == ("Up", "What answers.", "timeseries")
    [query] = panel["data"]["spec"]["queries"]
    assert query["spec"]["query"]["datasource"] == {"name": "${datasource}"}
    assert query["spec"]["query"]["group"] == "prometheus"
    assert query["spec"]["query"]["spec"]["expr"].startswith("up{environment=~")
    assert [each["kind"] for each in spec["variables"]] == ["DatasourceVariable", *["QueryVariable"] * 3]
    assert spec["variables"][1]["spec"]["refresh"] == "onTimeRangeChanged"
    assert [each["spec"].get("builtIn") for each in spec["annotations"]] == [True, None, None, None]
    assert spec["annotations"][1]["spec"]["query"]["spec"]["expr"].startswith("ALERTS{")
    assert spec["timeSettings"]["from"] == "now-3h"


def test_panels_stand_from_the_top_of_their_row(built: Build) -> None:
    """The classic model counts from the top of the dashboard; a closed row holds its panels too."""
    text = module(GOOD).replace("    ],\n)", f"        closed_row('Details', {GOOD}),\n        row('Last', {GOOD}),\n    ],\n)")
    rows = v2.resource(body(built(text)))["spec"]["layout"]["spec"]["rows"]
    assert [row["spec"]["collapse"] for row in rows] == [False, True, False]
    assert [[item["spec"]["y"] for item in row["spec"]["layout"]["spec"]["items"]] for row in rows] == [[0], [0], [0]]


def test_transformations_are_written_as_the_version_wants(built: Build) -> None:
    """The only thing in which v2 differs from v2beta1."""
    head = "from promontory.dashboards import column, table\n"
    board = body(built(head + module(TABLE)))

    def first(version: str) -> Any:
        [element] = v2.resource(board, version)["spec"]["elements"].values()
        return element["spec"]["data"]["spec"]["transformations"][0]

    old, new = first("v2beta1"), first("v2")
    assert (old["kind"], old["spec"]["id"]) == ("filterFieldsByName", "filterFieldsByName")
    assert (new["kind"], new["group"], sorted(new["spec"])) == ("Transformation", "filterFieldsByName", ["options"])


def test_what_a_panel_may_have_goes_along(built: Build) -> None:
    """Settings that only panels of grafanalib's own classes bring."""
    board = copy.deepcopy(body(built(module(GOOD))))
    board["panels"][1] |= {
        "interval": "1m", "timeFrom": "2h", "repeat": "instance", "repeatDirection": "h", "maxPerRow": 3, "transparent": True,
        "links": [{"title": "There", "url": "/there", "targetBlank": True, "type": "link"}],
    }  # fmt: skip
    spec = v2.resource(board)["spec"]
    [element] = spec["elements"].values()
    assert element["spec"]["data"]["spec"]["queryOptions"] == {"interval": "1m", "timeFrom": "2h"}
    assert element["spec"]["transparent"]
    assert element["spec"]["links"] == [{"title": "There", "url": "/there", "targetBlank": True}]
    [item] = spec["layout"]["spec"]["rows"][0]["spec"]["layout"]["spec"]["items"]
    assert item["spec"]["repeat"] == {"mode": "variable", "value": "instance", "direction": "h", "maxPerRow": 3}


def test_what_has_no_place_is_refused(built: Build) -> None:
    """Rather than lost without a word."""
    board = copy.deepcopy(body(built(module(GOOD))))
    board["panels"][1]["libraryPanel"] = {"uid": "x"}
    with pytest.raises(UsageError, match=r"panel 'Up' has settings .* no place for: libraryPanel"):
        v2.resource(board)


def test_the_command_writes_the_same_bytes_twice(built: Build, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Into the directory named, and nowhere else; what lies there already stays."""
    built(module(GOOD))
    monkeypatch.setenv("PROMONTORY_PROJECT", str(project.root))
    monkeypatch.chdir(project.root)
    (project.root / "json").mkdir()
    (project.root / "json/theirs.json").write_text("{}")

    def run(*options: str) -> Any:
        done = CliRunner().invoke(main, ["dashboards", "build", "--json", "-i", str(project.root), *options], catch_exceptions=False)
        return done.exit_code, json.loads(done.stdout)

    status, document = run("--v2", "-o", "json")
    assert (status, document["changed"]) == (0, ["json/mine.json"])
    written = (project.root / "json/mine.json").read_bytes()
    assert run("--v2", "-o", "json")[1]["changed"] == []
    assert run("--v2", "-o", "json", "--check")[0] == 0
    assert run("--v2=v2", "-o", "json", "--check")[1]["stale"] == ["json/mine.json"]
    assert (project.root / "json/mine.json").read_bytes() == written
    assert run("--v2")[1]["changed"] == ["build/dashboards/mine.json"]
    assert (project.root / "json/theirs.json").is_file()
    assert not (project.root / "dashboards/json").exists()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["-o", "elsewhere"], "-o is for --v2 only."),
        (["--v2", "-o", "dashboards/json"], "holds the classic files"),
        (["--v2=v3"], "'v3' is not one of 'v2beta1', 'v2'"),
    ],
    ids=["without --v2", "over the classic files", "version"],
)
def test_wrong_calls_are_refused(
    built: Build, project: Project, monkeypatch: pytest.MonkeyPatch, options: list[str], told: str
) -> None:
    """Before anything is written."""
    built(module(GOOD))
    monkeypatch.setenv("PROMONTORY_PROJECT", str(project.root))
    monkeypatch.chdir(project.root)
    done = CliRunner().invoke(main, ["dashboards", "build", "-i", str(project.root), *options])
    assert done.exit_code == 2
    assert told in " ".join(done.output.split())
    assert not list(project.root.rglob("mine.json"))
