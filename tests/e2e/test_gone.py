"""What leaves the inventory leaves the running stack, in one run."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.e2e.stack import Run, Stack

pytestmark = pytest.mark.lab

RULES = """\
groups:
  - name: ours
    rules:
      - record: ours:up:sum
        expr: sum(up)
"""


ROUTER = ("router", "router1")
LEFT = {(job, "mon1") for job in ("prometheus", "alertmanager", "node_exporter", "mailbox")}


@dataclass(frozen=True)
class Seen:
    """What the running stack shows."""

    targets: set[tuple[str, str]]
    rule_groups: set[str]
    rule_files: str
    units: str


@dataclass(frozen=True)
class Runs:
    """Before and after the run with less in the inventory."""

    before: Seen
    run: Run
    after: Seen


def _look(stack: Stack, targets: set[tuple[str, str]]) -> Seen:
    return Seen(
        targets=targets,
        rule_groups={group["name"] for group in stack.prometheus("rules")["groups"]},
        rule_files=stack.on("mon1", "ls /etc/prometheus/current/config/rules"),
        units=stack.on("mon1", "systemctl list-units --all --no-legend pushgateway.service; ls /etc /opt /etc/systemd/system"),
    )


@pytest.fixture(scope="module")
def runs(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """One run with more, one with all of that removed; the tests below look at one thing each."""
    folder = tmp_path_factory.mktemp("gone")
    (folder / "ours.yml").write_text(RULES, encoding="utf-8")
    more = stack.inventory(folder / "more")
    more.groups["pushgateway"] = ["mon1"]
    more.variables["prometheus_rule_files"] = ["{{ stack_rules_dir }}/*.yml", str(folder / "ours.yml")]
    more.variables["prometheus_scrape_configs"] = [
        {"job_name": "router", "static_configs": [{"targets": ["127.0.0.1:1"], "labels": {"instance": "router1"}}]}
    ]
    run = stack.provision(more)
    assert run.returncode == 0, run.output
    before = _look(stack, stack.targets_once(lambda targets: ROUTER in targets))

    less = stack.inventory(folder / "less")
    less.groups.update(lab_hosts=["mon1"], node_exporter=["mon1"])
    run = stack.provision(less)
    assert run.returncode == 0, run.output
    return Runs(before, run, _look(stack, stack.targets_once(lambda targets: targets == LEFT)))


def test_a_removed_role_is_gone_from_host_and_targets(runs: Runs) -> None:
    """Unit, configuration, release and target."""
    assert "pushgateway" in runs.before.units
    assert ("pushgateway", "mon1") in runs.before.targets
    assert "pushgateway" not in runs.after.units
    assert ("pushgateway", "mon1") not in runs.after.targets


def test_a_removed_rule_file_is_gone_from_prometheus(runs: Runs) -> None:
    """A rule that nobody keeps any more must not page anybody."""
    assert "ours" in runs.before.rule_groups
    assert "ours" not in runs.after.rule_groups
    assert "ours.yml" in runs.before.rule_files
    assert "ours.yml" not in runs.after.rule_files


def test_a_removed_scrape_target_is_gone_from_prometheus(runs: Runs) -> None:
    """A job of the user's own, beside the derived ones."""
    assert ROUTER in runs.before.targets
    assert ROUTER not in runs.after.targets


def test_a_removed_host_is_gone_from_prometheus(runs: Runs) -> None:
    """Its targets go; what ran there is taken off by `promontory remove` before, or goes with the machine."""
    assert ("node_exporter", "mon2") in runs.before.targets
    assert ("node_exporter", "mon2") not in runs.after.targets


def test_what_stays_is_as_before(runs: Runs) -> None:
    """Nothing else goes with them."""
    assert runs.after.targets == LEFT
