"""What a program would refuse never reaches it: a red run, and the service as it was."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.e2e.stack import Inventory, Stack

pytestmark = pytest.mark.lab

BAD_RULES = """\
groups:
  - name: broken
    rules:
      - alert: Broken
        expr: sum(rate(up[5m])
"""


def _bad_rule_file(given: Inventory) -> None:
    (given.folder / "broken_rules.yml").write_text(BAD_RULES, encoding="utf-8")
    given.variables["prometheus_rule_files"] = ["{{ stack_rules_dir }}/*.yml", "{{ inventory_dir }}/broken_rules.yml"]


def _bad_setting(given: Inventory) -> None:
    given.variables["alertmanager_config"] = {"global": {"resolve_timeout": "soon"}}


def _bad_mail_template(given: Inventory) -> None:
    """It can be read, and fails as soon as a mail is written."""
    text = '{{ define "promontory.email.text" }}{{ .Nobody }}{{ end }}'
    (given.folder / "zz.tmpl").write_text(text, encoding="utf-8")
    own = "{{ 'roles/alertmanager/files/templates' | promontory.stack.collection_path }}/*.tmpl"
    given.variables["alertmanager_template_files"] = [own, "{{ inventory_dir }}/zz.tmpl"]


def _bad_flag(given: Inventory) -> None:
    given.variables["prometheus_flags"] = {"query.max-concurency": 40}


Case = tuple[Callable[[Inventory], None], str, int, list[str]]
CASES: dict[str, Case] = {
    "rule file": (_bad_rule_file, "prometheus", 9090, ["promtool check config", "broken_rules.yml", "still serves with its former set"]),
    "setting": (
        _bad_setting, "alertmanager", 9093, ["amtool check-config", "not a valid duration string", "still serves with its former set"],
    ),
    "mail template": (
        _bad_mail_template, "alertmanager", 9093,
        ["amtool template render", "zz.tmpl:1", "can't evaluate field Nobody", "still serves with its former set"],
    ),
    "flag": (_bad_flag, "prometheus", 9090, ["has no flag --query.max-concurency", "Correct prometheus_flags"]),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_refused_configuration_leaves_the_service_as_it_was(stack: Stack, inventory: Inventory, case: Case) -> None:
    """Same generation, same process, still ready; and the message says what to correct."""
    spoil, program, port, expected = case
    spoil(inventory)
    config = f"cat /etc/{program}/current/config/*.yml"
    before = stack.serving("mon1"), stack.on("mon1", config)

    run = stack.provision(inventory, "--limit", "mon1", "--tags", program)

    said = " ".join(run.output.split())
    assert run.returncode != 0
    assert [words for words in expected if words not in said] == []
    assert (stack.serving("mon1"), stack.on("mon1", config)) == before
    assert stack.ask("mon1", f"http://127.0.0.1:{port}/-/ready")


def test_the_corrected_input_goes_through(stack: Stack, inventory: Inventory) -> None:
    """The way back to green is the same command; nothing of the refused sets was kept."""
    run = stack.provision(inventory, "--limit", "mon1")

    assert run.returncode == 0, run.output
    assert run.changed("mon1") == 0
