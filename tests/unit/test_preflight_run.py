"""The topology and preflight in real plays: what a user sees, and what other tasks get."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.playbooks import Project

TOPOLOGY: dict[str, Any] = {"promontory.stack.topology": {"problems": "report"}, "run_once": True}
PREFLIGHT: dict[str, Any] = {"promontory.stack.preflight": {}}
SHOW: dict[str, Any] = {
    "ansible.builtin.copy": {
        "content": "{{ ansible_facts.stack_model | promontory.stack.view(inventory_hostname) | to_json }}",
        "dest": "{{ playbook_dir }}/{{ inventory_hostname }}.json",
        "mode": "0644",
    }
}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Two hosts with what has a role of few needs."""
    return (
        Project(tmp_path)
        .host("mon1", "prometheus", "node_exporter", stack_address="10.0.0.1")
        .host("web1", "node_exporter", ansible_host="{{ 'web1' ~ '.example.net' }}")
        .host("db1", "databases")
    )


@pytest.fixture
def stack(project: Project) -> Project:
    """The same with an Alertmanager outside, so that nothing is impossible."""
    project.file("group_vars/all.yml", {"prometheus_alertmanagers": ["https://am.example.net"]})
    return project


def test_views_come_from_templated_host_variables(stack: Project) -> None:
    run = stack.play(TOPOLOGY, SHOW)

    view = json.loads((stack.folder / "mon1.json").read_text())
    assert run.returncode == 0, run.output
    assert view["scrape_configs"][0]["static_configs"][1]["targets"] == ["web1.example.net:9100"]
    assert json.loads((stack.folder / "db1.json").read_text())["components"] == []


def test_stack_json_is_written_once_and_not_in_check_mode(stack: Project) -> None:
    path = stack.folder / "build" / "stack.json"

    planned = stack.play(TOPOLOGY, options=("--check",))
    existed_after_check = path.exists()
    first, second = stack.play(TOPOLOGY), stack.play(TOPOLOGY)

    assert not existed_after_check
    assert "changed=1" in planned.output
    assert "changed=1" in first.output
    assert "changed=1" not in second.output
    assert [host["name"] for host in json.loads(path.read_text())["hosts"]] == ["mon1", "web1"]


def test_stack_json_names_the_password_file_and_holds_no_secret(stack: Project) -> None:
    stack.host("edge1", "edge", "sample_app", edge_tls_key_file="/k", vault_password="hunter2")

    run = stack.play(TOPOLOGY)

    told = json.loads((stack.folder / "build" / "stack.json").read_text())
    assert run.returncode == 0, run.output
    assert told["secrets"] == {"sample_app_admin_token": f"{stack.folder}/secrets/production/sample_app_admin_token"}
    assert {entry["auth"]["password_file"] for entry in told["urls"] if entry["auth"]} == {
        f"{stack.folder}/secrets/production/edge_admin_password"
    }
    assert "hunter2" not in json.dumps(told)


def test_a_good_inventory_passes_preflight_on_every_host(stack: Project) -> None:
    run = stack.play(TOPOLOGY, PREFLIGHT)

    assert run.returncode == 0, run.output
    assert "failed=0" in run.output


def test_all_problems_of_a_host_come_in_one_message_with_the_place(stack: Project) -> None:
    stack.file(
        "group_vars/all.yml",
        "prometheus_alertmanagers: [https://am.example.net]\n"
        "stack_tls: 'no'\n"
        "prometheus_retention: 15d\n"
        "prometheus_remote_write: [{ulr: x}]\n",
    )

    run = stack.play(TOPOLOGY, PREFLIGHT)

    assert run.returncode != 0
    assert "mon1 was left as it is, because of" in run.output
    for said in (
        "stack_tls is the text 'no', but must be true or false. (set in group_vars/all.yml:2)",
        "prometheus_retention is no variable of promontory.stack.prometheus. Did you mean prometheus_retention_",
        "(set in group_vars/all.yml:3)",
        "prometheus_remote_write[0].url is missing",
        "(set in group_vars/all.yml:4)",
    ):
        assert said in run.output, said


def test_an_impossible_topology_stops_every_host_and_is_told_by_one(project: Project) -> None:
    project.host("web2", "node-exporter")

    run = project.play(TOPOLOGY, PREFLIGHT)

    assert run.returncode != 0
    assert run.output.count("the group alertmanager is empty") <= 2, "the message and its copy in the result"
    assert "Did you mean node_exporter?" in run.output
    for host in ("mon1", "web1", "db1", "web2"):
        assert f"{host} was left as it is" in run.output


def test_the_topology_fails_by_itself_when_no_preflight_follows(project: Project) -> None:
    run = project.play({"promontory.stack.topology": {}, "run_once": True})

    assert run.returncode != 0
    assert "The inventory describes a stack that cannot work:" in run.output
    assert "mon1: Prometheus evaluates alerting rules" in run.output


def test_an_address_that_cannot_be_evaluated_is_told(stack: Project) -> None:
    stack.hosts["web1"]["stack_address"] = "{{ nowhere }}"

    run = stack.play(TOPOLOGY, PREFLIGHT)

    assert run.returncode != 0
    assert "stack_address cannot be evaluated" in run.output
    assert "'nowhere' is undefined" in run.output


def test_a_role_of_the_users_own_is_found_and_checked(stack: Project) -> None:
    stack.host("cache1", "redis_exporter", redis_exporter_adress="x")
    stack.file(
        "group_vars/all.yml",
        {
            "prometheus_alertmanagers": ["https://am.example.net"],
            "stack_components_extra": {"redis_exporter": {"port": 9121, "metrics_path": "/metrics"}},
        },
    )
    stack.file("roles/redis_exporter/defaults/main.yml", {"redis_exporter_address": "redis://{{ stack_address }}:6379"})
    stack.file(
        "roles/redis_exporter/meta/argument_specs.yml",
        {"argument_specs": {"main": {"options": {"redis_exporter_address": {"type": "str"}}}}},
    )

    refused = stack.play(TOPOLOGY, PREFLIGHT)
    del stack.hosts["cache1"]["redis_exporter_adress"]
    passed = stack.play(TOPOLOGY, PREFLIGHT)

    assert (
        "redis_exporter_adress is no variable of redis_exporter. Did you mean redis_exporter_address?" in refused.output
    )
    assert passed.returncode == 0, passed.output


def test_a_component_without_a_role_says_where_one_is_looked_for(stack: Project) -> None:
    stack.host("cache1", "redis_exporter")
    stack.hosts["cache1"]["stack_components_extra"] = {"redis_exporter": {"port": 9121}}

    run = stack.play(TOPOLOGY, PREFLIGHT)

    assert run.returncode != 0
    assert "the role redis_exporter is in none of" in run.output
    assert f"{stack.folder}/roles" in run.output.replace("\n", "")


def test_secrets_are_not_shown(stack: Project) -> None:
    stack.file(
        "group_vars/prometheus.yml",
        {
            "prometheus_alertmanagers": ["https://am.example.net"],
            "prometheus_remote_write": [{"url": "https://w", "basic_auth": {"username": "u", "password": ["hunter2"]}}],
        },
    )

    run = stack.play(TOPOLOGY, PREFLIGHT)

    assert "prometheus_remote_write[0].basic_auth.password" in run.output
    assert "hunter2" not in run.output


def test_a_topology_variable_in_a_play_is_refused_because_other_hosts_cannot_see_it(stack: Project) -> None:
    run = stack.play(TOPOLOGY, PREFLIGHT, vars={"node_exporter_port": 9111}, roles=["promontory.stack.common"])

    assert run.returncode != 0
    assert "node_exporter_port is a variable of this play" in run.output
    assert "stack_" not in run.output.split("because of", 1)[1].split("Origin")[0], (
        "the role's defaults are no variables of the play"
    )


@pytest.mark.parametrize("given", ["stack_tls=true", "stack_keep_generations=5"])
def test_key_value_extra_vars_are_text_and_the_message_says_how_to_write_them(stack: Project, given: str) -> None:
    run = stack.play(TOPOLOGY, PREFLIGHT, options=("-e", given))

    name, value = given.split("=")
    assert run.returncode != 0
    assert f"-e '{{\"{name}\": {value}}}'" in run.output
    assert run.output.count("node_exporter_tls") == 0, "a default that repeats it is not told again"


def test_an_unfit_host_fails_alone(stack: Project) -> None:
    facts = {
        "os": {"id": "debian", "version": "{{ '13' if inventory_hostname == 'mon1' else '10' }}"},
        "architecture": "amd64",
        "python": "3.13.5",
        "systemd": 257,
        "free_mb": {"/opt": 5000},
    }
    tell = {
        "ansible.builtin.set_fact": {"ansible_facts": "{{ ansible_facts | combine({'stack_host': facts}) }}"},
        "vars": {"facts": facts},
    }
    judge = {"promontory.stack.preflight": {"phase": "host"}}
    after = {"ansible.builtin.debug": {"msg": "{{ inventory_hostname }} goes on"}}

    run = stack.play(TOPOLOGY, tell, judge, after)

    assert "web1 was left as it is, because of 1 problem" in run.output
    assert "Debian 10, which is not supported" in run.output
    assert "mon1 goes on" in run.output
    assert "db1 goes on" in run.output, "as old, but it runs no component"


@pytest.mark.parametrize(
    ("task", "said"),
    [
        ({"promontory.stack.preflight": {"phase": "hosts"}}, "must be one of variables, host"),
        ({"promontory.stack.preflight": {"fase": "host"}}, "fase"),
        ({"promontory.stack.preflight": {"phase": "host"}}, "run promontory.stack.host before"),
        (PREFLIGHT, "run promontory.stack.topology before"),
        ({"promontory.stack.topology": {"problems": "ignore"}}, "must be one of fail, report"),
    ],
    ids=["phase", "unknown argument", "no probe", "no topology", "mode"],
)
def test_tasks_used_wrongly_say_so(stack: Project, task: dict[str, Any], said: str) -> None:
    run = stack.play(task, hosts="mon1")

    assert run.returncode != 0
    assert said in run.output


def test_the_shared_role_makes_the_topology_for_a_role_that_is_run_alone(stack: Project) -> None:
    show = {"ansible.builtin.debug": {"msg": "listens on {{ stack_topology.listen.node_exporter }}"}}

    run = stack.play(show, hosts="web1", roles=["promontory.stack.common"])

    assert run.returncode == 0, run.output
    assert "listens on 0.0.0.0:9100" in run.output
