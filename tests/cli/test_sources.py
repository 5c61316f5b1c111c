"""A lab does without Grafana where no source of it is reachable, and says so."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from promontory.inventory import Inventory
from promontory.project import Project
from promontory.runner import Run
from promontory.session import Session
from promontory.sources import Missing, missing_grafana

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A clone that has provisioned nothing yet, with an empty artifact cache."""
    root = tmp_path / "clone"
    root.mkdir()
    (root / "roles").symlink_to(ROOT / "roles")
    monkeypatch.setenv("PROMONTORY_ARTIFACT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    return Project(root=root, inventory=root / "inventories/lab")


def lab(**variables: Any) -> Inventory:
    """A lab of one host with Grafana."""
    groups = {"all": ["lab1"], "lab_hosts": ["lab1"], "grafana": ["lab1"]}
    return Inventory(variables={"lab1": {"grafana_version": "12.4.0", **variables}}, groups=groups, components={})


def unreachable(url: str) -> str:
    """No network."""
    return "not reachable (no route to host)"


def test_what_is_missing_is_told_with_its_reason_and_what_adds_it(project: Project, tmp_path: Path) -> None:
    found = missing_grafana(project, lab(), {}, reachable=unreachable)

    assert found is not None
    assert found.component == "grafana"
    assert found.reason.startswith("no source of Grafana 12.4.0 is reachable: https://")
    assert "grafana-12.4.0.linux-amd64.tar.gz not reachable (no route to host); " in found.reason
    assert found.reason.endswith("; https://apt.grafana.com/dists/stable/InRelease not reachable (no route to host)")
    assert f"Put grafana-12.4.0.linux-amd64.tar.gz with its sha256sums.txt into {tmp_path / 'cache'}" in found.remedy
    assert found.remedy.endswith(" up.")


def test_an_archive_in_the_cache_or_at_its_source_is_enough(project: Project, tmp_path: Path) -> None:
    assert missing_grafana(project, lab(), {}, reachable=lambda url: "") is None
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/grafana-12.4.0.linux-amd64.tar.gz").touch()

    assert missing_grafana(project, lab(), {}, reachable=unreachable) is None


def test_another_version_place_or_cache_is_asked_for(project: Project, tmp_path: Path) -> None:
    asked: list[str] = []

    def note(url: str) -> str:
        asked.append(url)
        return "gone"

    told = {"grafana_version": "13.0.0", "stack_artifact_cache": str(tmp_path / "other")}
    found = missing_grafana(project, lab(grafana_archive_url="https://m.example/g-{version}-{arch}.tgz"), told, reachable=note)

    assert asked == ["https://m.example/g-13.0.0-amd64.tgz", "https://apt.grafana.com/dists/stable/InRelease"]
    assert found is not None
    assert str(tmp_path / "other") in found.remedy


def test_the_repository_is_enough_where_it_may_be_taken(project: Project) -> None:
    def only_the_repository(url: str) -> str:
        return "" if url == "https://apt.example.net/dists/stable/InRelease" else "gone"

    source = {"uri": "https://apt.example.net/", "suite": "stable"}

    assert missing_grafana(project, lab(grafana_apt_source=source), {}, reachable=only_the_repository) is None
    for inventory in (lab(grafana_apt_source=source, grafana_install_from="archive"), lab(grafana_apt_source={})):
        found = missing_grafana(project, inventory, {}, reachable=only_the_repository)
        assert found is not None
        assert "InRelease" not in found.reason


def test_an_archive_does_not_help_who_wants_the_repository(project: Project, tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/grafana-12.4.0.linux-amd64.tar.gz").touch()

    found = missing_grafana(project, lab(grafana_install_from="repository"), {}, reachable=unreachable)

    assert found is not None
    assert "tar.gz" not in found.reason
    assert found.remedy.startswith("Name a mirror in grafana_apt_source and run ")


@pytest.mark.parametrize(
    ("inventory", "extra_vars"),
    [
        pytest.param(Inventory(variables={}, groups={"all": ["a"], "lab_hosts": ["a"]}, components={}), {}, id="no Grafana"),
        pytest.param(
            Inventory(variables={}, groups={"all": ["a"], "grafana": ["a"]}, components={}), {}, id="hosts of your own"
        ),
        pytest.param(lab(), {"stack_without": ["grafana"]}, id="left out already"),
        pytest.param(lab(grafana_install_from="package"), {}, id="from a package"),
        pytest.param(lab(grafana_version="{{ ours }}"), {}, id="a version only a run can tell"),
    ],
)
def test_nothing_is_asked_where_it_does_not_matter(
    project: Project, inventory: Inventory, extra_vars: Mapping[str, Any]
) -> None:
    def never(url: str) -> str:
        raise AssertionError(f"{url} was asked for")

    assert missing_grafana(project, inventory, extra_vars, reachable=never) is None


def test_where_grafana_runs_already_no_source_is_needed(project: Project) -> None:
    hosts = [{"name": "lab1", "address": "10.0.0.1", "components": ["grafana"]}]
    document = {"environment": "lab", "hosts": hosts, "urls": []}
    project.build.mkdir()
    (project.build / "stack.json").write_text(json.dumps(document))

    assert missing_grafana(project, lab(), {}, reachable=unreachable) is None


def test_what_is_missing_is_left_out_of_every_playbook_but_the_labs(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, Any] = {}

    def run(project: Project, playbook: str, *, extra_vars: Mapping[str, Any], **_: Any) -> Run:
        seen[playbook] = extra_vars.get("stack_without")
        return Run(playbook, exit_code=0, counts={}, failures=[], changes=[], notices=[], duration_s=0.0)

    session = Session(command="up", extra_vars_option=("stack_without=[]",))
    session.__dict__ |= {
        "project": project, "extra_vars": {"stack_without": ["mailbox"]}, "_parsed_extra_vars": ({}, []),
        "missing": [Missing("grafana", "no source", "Put it there.")],
    }  # fmt: skip
    monkeypatch.setattr("promontory.session.run_playbook", run)
    monkeypatch.setattr("promontory.session.play_names", lambda *_, **__: [])
    monkeypatch.setattr(Project, "playbook", lambda self, name: self.root / name)

    session.play("lab", "Making")
    session.play("site", "Provisioning", components={"lab1": ["grafana", "edge"]})

    assert seen == {"lab": ["mailbox"], "site": ["mailbox", "grafana"]}
