"""The rules' variables in real plays: refused before anything changes, and read of every host."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.playbooks import Project

TOPOLOGY: dict[str, Any] = {"promontory.stack.topology": {"problems": "report"}, "run_once": True}
PREFLIGHT: dict[str, Any] = {"promontory.stack.preflight": {}}
RULES = "{{ 'rules' | promontory.stack.collection_path }}"
LOOKUP = (
    "lookup('promontory.stack.rules', rules_here ~ '/*.yml', playbook_dir ~ '/own.yml', directory=rules_here, "
    "model=ansible_facts.stack_model, components=runs_elsewhere | default([]), alerts=rules_alerts | default({}), "
    "files=rules_files | default({}))"
)
SHOW: dict[str, Any] = {
    "ansible.builtin.copy": {
        "content": "{{ " + LOOKUP + " | to_json }}",
        "dest": "{{ playbook_dir }}/deployed.json",
        "mode": "0644",
    },
    "vars": {"rules_here": RULES},
    "when": "inventory_hostname == 'mon1'",
}


@pytest.fixture
def stack(tmp_path: Path) -> Project:
    """A Prometheus that watches itself and a database host; there is no sample app and no edge."""
    project = (
        Project(tmp_path)
        .host("mon1", "prometheus", "node_exporter", stack_address="10.0.0.1")
        .host("db1", "node_exporter", stack_address="10.0.0.2")
        .host("web1", "node_exporter", stack_address="10.0.0.3")
    )
    project.file("group_vars/all.yml", {"prometheus_alertmanagers": ["https://am.example.net"]})
    project.file("own.yml", "groups: [] # mine\n")
    return project


def deployed(stack: Project) -> dict[str, Any]:
    """The tree that the lookup made."""
    tree: dict[str, Any] = json.loads((stack.folder / "deployed.json").read_text())
    return tree


def test_a_number_outside_its_range_is_refused_with_host_value_range_and_place(stack: Project) -> None:
    stack.file("host_vars/db1.yml", "rules_host_cpu_used_ratio: 90\n")

    run = stack.play(TOPOLOGY, PREFLIGHT)

    assert run.returncode != 0
    assert "db1 was left as it is, because of 1 problem:" in run.output
    assert (
        "rules_host_cpu_used_ratio is 90, but must be between 0.1 and 1 (Share of processor time in use; a share, 0.9 is 90%). "
        "(set in host_vars/db1.yml:1)" in run.output
    )


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ("rules_host_cpu_used_ratio: '0.8'\n", "rules_host_cpu_used_ratio is the text '0.8', but must be a number"),
        (
            "rules_host_cpu_usd_ratio: 0.8\n",
            "no variable of promontory.stack.rules. Did you mean rules_host_cpu_used_ratio?",
        ),
        ("rules_slos: [{name: x, service: y, team: z}]\n", "rules_slos[0].objective is missing"),
    ],
    ids=["text", "misspelt", "objective"],
)
def test_wrong_variables_of_rules_are_refused(stack: Project, variables: str, said: str) -> None:
    stack.file("host_vars/db1.yml", variables)

    run = stack.play(TOPOLOGY, PREFLIGHT)

    assert run.returncode != 0
    assert said in run.output


def test_numbers_of_hosts_and_groups_are_compiled_and_own_files_stay(stack: Project) -> None:
    stack.file("host_vars/db1.yml", 'rules_host_cpu_used_ratio: "{{ 0.95 }}"\n')

    run = stack.play(TOPOLOGY, SHOW)

    tree = deployed(stack)
    assert run.returncode == 0, run.output
    host = yaml.safe_load(tree["rules/host.yml"]["content"])
    busy = [rule for group in host["groups"] for rule in group["rules"] if rule.get("alert") == "HostCpuSaturated"]
    assert [rule["expr"].strip().splitlines()[-1] for rule in busy] == [
        'unless on (instance) up{instance="db1"}',
        'and on (instance) up{instance="db1"}',
    ]
    assert "(limit 95%)" in busy[1]["annotations"]["description"]
    assert tree["rules/own.yml"] == {"src": str(stack.folder / "own.yml")}


def test_files_of_components_that_are_nowhere_are_not_deployed(stack: Project) -> None:
    stack.play(TOPOLOGY, SHOW)

    assert set(deployed(stack)) == {"rules/host.yml", "rules/meta.yml", "rules/prometheus.yml", "rules/own.yml"}


def test_files_of_components_that_run_outside_of_the_inventory_are_deployed(stack: Project) -> None:
    """The sample app in Kubernetes is on no host, and its rules watch it all the same."""
    stack.hosts["mon1"]["runs_elsewhere"] = ["sample_app", "metrics_hub"]

    stack.play(TOPOLOGY, SHOW)

    assert {"rules/sample_app.yml", "rules/sample_app_pods.yml"} <= set(deployed(stack))


def test_hosts_that_differ_in_a_number_of_the_whole_stack_are_refused(stack: Project) -> None:
    stack.file("host_vars/db1.yml", "rules_slo_burn_fast_factor: 20\n")

    run = stack.play(TOPOLOGY, SHOW)

    assert run.returncode != 0
    assert "rules_slo_burn_fast_factor is 20 on db1, but 14.4 elsewhere" in run.output
    assert "set it in group_vars/all" in run.output


def test_an_unknown_alert_is_refused(stack: Project) -> None:
    stack.hosts["mon1"]["rules_alerts"] = {"HostCpuSaturted": {"for": "1h"}}

    run = stack.play(TOPOLOGY, SHOW)

    assert run.returncode != 0
    assert "rules_alerts.HostCpuSaturted: there is no such alert. Did you mean HostCpuSaturated?" in run.output
