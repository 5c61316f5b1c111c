"""The layer: what a panel's JSON is made of, and what stays when dashboards change."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from promontory.dashboards import build as building
from promontory.dashboards.build import Collection, build, write
from promontory.dashboards.identity import panel_id
from promontory.dashboards.layout import place
from promontory.dashboards.limits import steps_of
from promontory.dashboards.queries import panels_of
from promontory.dashboards.roundtrip import losses
from promontory.dashboards.rulebook import Alert, Limit
from promontory.project import Project
from tests.dashboards.conftest import GOOD, module

Build = Callable[..., Collection]


def body(collection: Collection) -> dict[str, Any]:
    """Return the JSON of the first dashboard."""
    return collection.boards[0][1].body


def panels(collection: Collection) -> dict[str, Any]:
    """Return the panels of the first dashboard by title."""
    return {panel["title"]: panel for panel in panels_of(body(collection))}


def test_ids_stay_when_a_panel_is_added_above(built: Build) -> None:
    """A link to a panel, and the diff of a change, depend on it."""
    before = panels(built(module(GOOD)))["Up"]
    after = panels(built(module("stat('New', 'up', unit='short', description='x')", GOOD)))["Up"]
    assert before["id"] == after["id"] == panel_id("mine", "Row", "Up")
    assert before["gridPos"] != after["gridPos"]


def test_an_alert_gives_query_and_threshold(built: Build) -> None:
    """One number, one source: the rule."""
    panel = panels(built(module("timeseries('Busy', unit='percentunit', description='x', alert='HostCpuSaturated')")))["Busy"]
    assert panel["targets"][0]["expr"] == (
        '1 - avg by (environment, job, instance)(rate(node_cpu_seconds_total{job="node_exporter",mode="idle", '
        'environment=~"$environment", instance=~"$instance"}[5m]))'
    )
    assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"] == [
        {"color": "green", "value": 0}, {"color": "orange", "value": 0.9},
    ]  # fmt: skip
    assert panel["fieldConfig"]["defaults"]["custom"]["thresholdsStyle"] == {"mode": "dashed"}


def test_a_limit_from_below_turns_the_colours_round(built: Build) -> None:
    """Below 5 % of memory is critical."""
    panel = panels(built(module("stat('Free', unit='percentunit', description='x', alert='HostMemoryLow')")))["Free"]
    steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert steps == [{"color": "red", "value": 0}, {"color": "green", "value": 0.05}]


@pytest.mark.parametrize(
    ("limits", "steps"),
    [
        ([("warning", ">", 0)], [("green", 0), ("orange", 1e-9)]),
        ([("warning", ">", 80), ("critical", ">", 95)], [("green", 0), ("orange", 80), ("red", 95)]),
        ([("critical", "<", 5), ("warning", "<", 20)], [("red", 0), ("orange", 5), ("green", 20)]),
        ([("critical", "<", -1), ("critical", ">", 1)], [("red", -2), ("green", -1), ("red", 1)]),
        ([("critical", "==", 0)], [("red", 0), ("green", 1)]),
        ([("info", ">=", 3)], [("green", 0), ("blue", 3)]),
        ([], [("green", 0)]),
    ],
    ids=["count of nothing is good", "two from above", "two from below", "both sides", "state", "info", "none"],
)
def test_limits_become_colours(limits: list[tuple[str, str, float]], steps: list[tuple[str, float]]) -> None:
    """Between two limits stands the worst alert that would be on there."""
    alerts = [Alert(str(n), "s", severity, "up", Limit(op, value), "", "", {}) for n, (severity, op, value) in enumerate(limits)]
    assert [(step.color, step.value) for step in steps_of(alerts)] == steps


def test_good_news_are_green(built: Build) -> None:
    """The text for no data takes the colour of the base, which is red where low values are bad."""
    source = "stat('Left', 'min(up)', unit='short', description='x', steps=[(0, 'red'), (9, 'green')], empty='Nothing ends.')"
    steps = panels(built(module(source)))["Left"]["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert [step["color"] for step in steps] == ["green", "red", "green"]
    assert steps[1]["value"] < -1e9


def test_a_changed_rule_changes_the_panel(built: Build, project: Project) -> None:
    """Nobody edits the dashboard."""
    source = module("timeseries('Busy', unit='percentunit', description='x', alert='HostCpuSaturated')")
    built(source)
    rules = project.root / "rules/host.yml"
    rules.write_text(rules.read_text().replace("> 0.9", "> 0.8"))
    steps = panels(build(project))["Busy"]["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert steps[1]["value"] == 0.8


def test_alerts_without_a_panel_get_one(built: Build) -> None:
    """A mail's link finds its alert; the unit is that of the threshold's name."""
    panel = panels(built(module(GOOD, "alert_limits()")))["HostCpuSaturated"]
    assert panel["fieldConfig"]["defaults"]["unit"] == "percentunit"
    assert panel["description"].startswith("What the alert HostCpuSaturated (warning) watches.")


def test_a_selector_is_narrowed_by_the_labels_its_metric_has(built: Build) -> None:
    """probe_success has instance and job; a matcher of the author's own stays alone."""
    panel = panels(built(module("timeseries('P', 'min(probe_success{job=\"blackbox\"})', unit='short', description='x')")))["P"]
    assert panel["targets"][0]["expr"] == 'min(probe_success{job="blackbox", environment=~"$environment", instance=~"$instance"})'


def test_a_panel_of_grafanalib_is_made_current(built: Build) -> None:
    """Users may bring a class that this layer has no function for."""
    made = "__import__('grafanalib.core').core"
    source = module(
        f"{made}.TimeSeries(title='Raw', unit='short', thresholds=[{made}.Threshold('green', 0, 0.0), {made}.Threshold('red', 1, 5.0)],"
        f" targets=[{made}.Target(expr='up'), {made}.Target(expr='up == 0')])"
    )
    collection = built(source)
    panel = panels(collection)["Raw"]
    assert [target["refId"] for target in panel["targets"]] == ["A", "B"]
    assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"] == [{"color": "green", "value": 0}, {"color": "red", "value": 5.0}]
    assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert "null" not in collection.boards[0][1].text
    assert losses(body(collection)) == []


def test_lines_of_the_grid_are_filled() -> None:
    """Three quarters become a whole line; what does not fit begins the next."""
    places, below = place([(4, 4), (4, 4), (4, 6), (24, 8)], 1)
    assert [(each.x, each.y, each.width, each.height) for each in places] == [(0, 1, 8, 6), (8, 1, 8, 6), (16, 1, 8, 6), (0, 7, 24, 8)]
    assert below == 15


def test_a_build_broken_off_leaves_the_former_files(built: Build, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk fills up at the second of three files."""
    write(built(module(GOOD)).files())
    former = {path: path.read_bytes() for path in (project.root / "dashboards").rglob("*.json")}
    changed = built(module(GOOD, "alert_limits()"), other=module(GOOD, uid="other", title="Other")).files()
    synced: list[int] = []

    def full(descriptor: int) -> None:
        synced.append(descriptor)
        if len(synced) == 2:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write(changed)
    left = {path: path.read_bytes() for path in (project.root / "dashboards").rglob("*") if path.is_file() and path.suffix != ".py"}
    assert left == former


def test_a_module_that_is_gone_takes_its_file_along(built: Build, project: Project) -> None:
    """And a file that is as it was is not touched."""
    write(built(module(GOOD), other=module(GOOD, uid="other", title="Other")).files())
    (project.root / "dashboards/other.py").unlink()
    assert [path.name for path in write(build(project).files())] == ["other.json"]
    assert not (project.root / "dashboards/json/other.json").exists()


def test_the_index_leads_from_an_alert_to_its_panel(built: Build) -> None:
    """Uid, id and title of the first panel that names it."""
    files = built(module(GOOD, "alert_limits()")).files()
    index = json.loads(next(text for path, text in files.items() if path.name == "alerts.json"))
    number = panel_id("mine", "Row", "HostCpuSaturated")
    assert index == {"HostCpuSaturated": {"uid": "mine", "panel_id": number, "title": "HostCpuSaturated"}}


def test_a_users_folder_is_built_beside_ours(built: Build, project: Project, tmp_path: Path) -> None:
    """Same layer, same checks; its links may lead to ours, and a relative import reaches its neighbours."""
    built(module(GOOD))
    own = tmp_path / "own"
    own.mkdir()
    (own / "_shared.py").write_text("TITLE = 'Theirs'\n")
    (own / "theirs.py").write_text(module(GOOD, uid="theirs", title="T", extra="up=['mine'],").replace("'T'", "TITLE", 1).replace(
        "\ndashboard", "from ._shared import TITLE\ndashboard", 1))
    files = building.build(project, [own]).files()
    assert {path.name for path in files if path.is_relative_to(own / "json")} == {"theirs.json"}
    assert json.loads(files[own / "json/theirs.json"])["links"][0]["url"] == "/d/mine"
