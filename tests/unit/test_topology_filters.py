"""The filters in templates: real hostvars in, plain values out, wrong use refused in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.playbooks import ROOT, Project


def said(project: Project, expression: str, **variables: object) -> str:
    run = project.play({"ansible.builtin.debug": {"msg": f"<{{{{ {expression} }}}}>"}}, hosts="mon1", vars=variables)
    return " ".join(run.output.split())


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """One host that names itself by ansible_host."""
    return Project(tmp_path).host("mon1", "prometheus", "node_exporter", ansible_host="10.0.0.9")


def test_a_model_is_built_from_hostvars_in_a_template(project: Project) -> None:
    components = {"prometheus": {"port": 9090, "metrics_path": "/metrics"}, "node_exporter": {"port": 9100}}

    output = said(
        project,
        "(hostvars | promontory.stack.model(groups, components) | promontory.stack.view('mon1')).external_urls.prometheus",
        components=components,
    )

    assert "<http://10.0.0.9:9090/>" in output


def test_flags_are_rendered_by_kind(project: Project) -> None:
    flags = {"a": True, "b": False, "c": 3, "d": "x y", "e": ["1", "2"], "f": None}

    output = said(project, "flags | promontory.stack.flags | join('|')", flags=flags)

    assert "<--a|--no-b|--c=3|--d=x y|--e=1|--e=2>" in output


def test_the_project_is_marked_by_its_repository_before_an_ansible_cfg(project: Project) -> None:
    project.file("deep/.keep", "")

    without_repository = said(project, "(playbook_dir ~ '/deep') | promontory.stack.project_path('build')")
    project.file("deep/galaxy.yml", "")
    with_repository = said(project, "(playbook_dir ~ '/deep/none') | promontory.stack.project_path")

    assert f"<{project.folder}/build>" in without_repository
    assert f"<{project.folder}/deep>" in with_repository


def test_a_place_in_the_collection_is_found_from_any_playbook(project: Project) -> None:
    assert f"<{ROOT}/rules>" in said(project, "'rules' | promontory.stack.collection_path")


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("'--x' | promontory.stack.flags", "wants a mapping"),
        ("{'--x': 1} | promontory.stack.flags", "without dashes"),
        ("{'x': {'y': 1}} | promontory.stack.flags", "cannot take"),
        ("'{}' | promontory.stack.view('mon1')", "no topology model"),
        ("[] | promontory.stack.model(groups, {})", "hosts is"),
        ("'nowhere' | promontory.stack.collection_path", "has no 'nowhere'"),
    ],
    ids=["flags of a text", "dashes", "nested flag", "view of nothing", "model of a list", "no such place"],
)
def test_wrong_use_is_refused_in_words(project: Project, expression: str, message: str) -> None:
    assert message in said(project, expression)
