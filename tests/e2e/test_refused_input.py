"""Wrong input is refused before the first change, with one message: what, which value, the way out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.stack import Inventory, Stack

pytestmark = pytest.mark.lab

# How the inventory is made wrong, and what the message must say: variable or host, value, way out.
Case = tuple[Callable[[Inventory], object], list[str]]
CASES: dict[str, Case] = {
    "a type": (
        lambda given: given.variables.update(prometheus_retention_time=15),
        ["prometheus_retention_time is the number 15, but must be text.", "Put it in quotes"],
    ),
    "an unknown name": (
        lambda given: given.variables.update(prometheus_retension_time="15d"),
        ["prometheus_retension_time is no variable of promontory.stack.prometheus.", "Did you mean prometheus_retention_time?"],
    ),
    "rules without an Alertmanager": (
        lambda given: given.groups.update(alertmanager=[]),
        ["Prometheus evaluates alerting rules but has no Alertmanager", "Put a host into it, or name outside ones"],
    ),
    "a receiver without an address": (
        lambda given: given.variables.update(alertmanager_oncall_email=""),
        ["'' is no e-mail address", "alertmanager_oncall_email"],
    ),
    "a route that cannot be read": (
        lambda given: given.variables.update(alertmanager_routes=[{"matchers": ['team=~"("'], "receiver": "oncall"}]),
        ["alertmanager_routes[0]", "'team=~\"(\"' holds a broken regular expression"],
    ),
    "a team that no alert has": (
        lambda given: given.variables.update(alertmanager_teams={"paymets": {}}),
        ["alertmanager_teams: no alert of alertmanager_rule_files has the team 'paymets'", "payments, platform"],
    ),
    "a maintenance window without an end": (
        lambda given: given.variables.update(
            alertmanager_maintenance=[{"name": "db", "matchers": ['instance="mon1"'], "location": "UTC", "start": "2026-12-01 22:00"}]
        ),
        ["alertmanager_maintenance[0] (db)", "a window without an end is refused"],
    ),
    "too little disk": (
        lambda given: given.variables.update(stack_min_free_mb=100_000_000),
        ["It has too little free space", "100000000 MB are wanted", "lower stack_min_free_mb"],
    ),
    "an artifact source that does not answer": (
        lambda given: given.variables.update(stack_install_from="archive", stack_artifact_mirror="http://127.0.0.1:9"),
        ["http://127.0.0.1:9/prometheus/", "not reachable", "stack_artifact_mirror"],
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_wrong_input_changes_nothing(stack: Stack, inventory: Inventory, case: Case, tmp_path: Path) -> None:
    """The wrong value comes together with a change that would otherwise be made."""
    spoil, expected = case
    inventory.variables["node_exporter_limit_nofile"] = 4000
    spoil(inventory)
    before = stack.serving("mon1"), stack.serving("mon2")

    run = stack.playbook(inventory, "playbooks/site.yml", PROMONTORY_ARTIFACT_CACHE=str(tmp_path / "cache"))

    said = " ".join(run.output.split())
    assert run.returncode != 0
    assert [words for words in expected if words not in said] == []
    assert "mon1" in said
    assert (stack.serving("mon1"), stack.serving("mon2")) == before


def test_a_wrong_variable_of_one_host_keeps_all_hosts_as_they_are(stack: Stack, inventory: Inventory) -> None:
    """A stack half of which was changed is worse than one that waits for a correction."""
    inventory.variables["node_exporter_limit_nofile"] = 4000
    inventory.host_variables["mon2"] = {"node_exporter_log_level": "loud"}
    before = stack.serving("mon1"), stack.serving("mon2")

    run = stack.provision(inventory)

    assert run.returncode != 0
    assert "node_exporter_log_level is the text 'loud', but must be one of debug, info, warn, error." in " ".join(run.output.split())
    assert (stack.serving("mon1"), stack.serving("mon2")) == before


def test_the_command_line_ends_with_2_for_wrong_input(stack: Stack, inventory: Inventory) -> None:
    """Scripts tell wrong input from a run that failed."""
    inventory.variables["prometheus_retention_time"] = 15

    run = stack.run(["promontory", "up", "-i", str(inventory.write())], inventory.folder)

    assert run.returncode == 2, run.output
    assert "prometheus_retention_time is the number 15" in " ".join(run.output.split())
