"""site.yml as people run it: from two directories, and with a host that does not answer."""

from __future__ import annotations

import json

import pytest

from tests.e2e.stack import Inventory, Stack

pytestmark = pytest.mark.lab

_QUICK = ("-e", "verify_synthetic=false")


@pytest.mark.parametrize(("inside", "playbook"), [(".", "playbooks/site.yml"), ("playbooks", "site.yml")], ids=["root", "playbooks"])
def test_plain_ansible_playbook_does_the_same_work_with_the_same_checks(
    stack: Stack, inventory: Inventory, inside: str, playbook: str
) -> None:
    """The command line adds comfort, never correctness; the proof's report lands in the same place."""
    report = stack.clone / "build/verify.json"
    report.unlink(missing_ok=True)
    inventory.variables["node_exporter_limit_nofile"] = 4000 if inside == "." else 4096

    run = stack.playbook(inventory, playbook, *_QUICK, inside=inside)

    assert run.returncode == 0, run.output
    assert run.changed("mon2") == 1
    found = json.loads(report.read_text(encoding="utf-8"))
    assert found["ok"]
    assert {"targets", "rules", "alertmanagers", "configuration"} <= {check["name"] for check in found["checks"]}


def test_a_host_that_does_not_answer_fails_alone(stack: Stack, inventory: Inventory) -> None:
    """The others are finished, and the one is named."""
    inventory.groups["node_exporter"].append("mon3")
    inventory.host_variables["mon3"] = {"ansible_host": "127.0.0.1", "ansible_port": 1, "stack_address": "mon3.example"}
    inventory.variables["node_exporter_limit_nofile"] = 4001

    run = stack.provision(inventory)

    assert run.returncode != 0
    assert "fatal: [mon3]: UNREACHABLE!" in run.output
    for host in ("mon1", "mon2"):
        assert "LimitNOFILE=4001" in stack.on(host, "systemctl cat node_exporter")
    watched = ("node_exporter", "mon3")   # Prometheus says that it is down, and an alert will
    assert watched in stack.targets_once(lambda targets: watched in targets)
