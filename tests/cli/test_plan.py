"""`promontory plan`: a diff for each host, and nothing touched."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Promontory = Callable[..., Result]

LAB = """\
all:
  children:
    lab_hosts:
      hosts:
        lab1:
    prometheus:
      hosts:
        lab1:
    mailbox:
      hosts:
        lab1:
"""


@pytest.fixture
def lab(root: Path) -> Path:
    """Add a lab inventory and the registry of components to the project."""
    (root / "inventories/lab").mkdir()
    (root / "inventories/lab/hosts.yml").write_text(LAB)
    (root / "roles/common/defaults/main").mkdir(parents=True)
    (root / "roles/common/defaults/main/components.yml").write_text(
        "stack_components:\n  prometheus: {order: 50}\n  mailbox: {order: 10}\n  edge: {order: 60}\n"
    )
    return root / "inventories/lab"


def test_a_plan_shows_the_diff_and_changes_nothing(promontory: Promontory, root: Path) -> None:
    before = sorted(path for path in root.rglob("*"))

    result = promontory("plan")

    assert result.exit_code == 0, result.stderr
    assert "one: 1 change" in result.stdout
    assert "+answer=42" in result.stdout
    assert sorted(path for path in root.rglob("*")) == before


def test_a_plan_stops_before_verify(promontory: Promontory, root: Path) -> None:
    promontory("plan")

    assert not (root / "build/verify.json").exists()


def test_a_plan_of_what_is_as_declared_says_so(promontory: Promontory, root: Path) -> None:
    (root / "one.txt").write_text("answer=42\n")
    (root / "one.txt").chmod(0o600)

    result = promontory("plan")

    assert "Everything is as declared" in result.stdout


def test_a_plan_as_json_has_the_diff(promontory: Promontory) -> None:
    plan = json.loads(promontory("plan", "--json").stdout)["plan"]

    assert plan["hosts_to_make"] == []
    assert plan["hosts"][0]["name"] == "one"
    assert plan["hosts"][0]["changes"][0]["task"] == "Write the answer"
    assert "+answer=42" in plan["hosts"][0]["changes"][0]["diff"]


def test_before_the_lab_exists_the_plan_makes_it(promontory: Promontory, lab: Path) -> None:
    result = promontory("plan")

    assert result.exit_code == 0, result.stderr
    assert "lab1: does not exist yet; would be made, then provisioned with mailbox, prometheus" in result.stdout


def test_a_stopped_lab_host_is_planned_as_one_to_make(promontory: Promontory, lab: Path) -> None:
    (lab / "hosts.generated.yml").write_text(
        "lab_hosts: {hosts: {lab1: {ansible_host: 127.0.0.1, ansible_port: 1, ansible_user: root}}}\n"
    )

    plan = json.loads(promontory("plan", "--json").stdout)["plan"]

    assert plan["hosts_to_make"] == [{"name": "lab1", "components": ["mailbox", "prometheus"]}]


def test_an_unreachable_real_host_fails_the_plan_by_name(promontory: Promontory, root: Path) -> None:
    inventory = root / "inventories/real/hosts.yml"
    inventory.write_text(
        inventory.read_text() + "    gone: {ansible_host: 127.0.0.1, ansible_port: 1, ansible_user: x, target: /n}\n"
    )

    result = promontory("plan")

    assert result.exit_code == 1
    assert "one: 1 change" in result.stdout
    assert "Not finished: gone" in result.stderr
