"""The inventories and variables that the documentation shows are ones that preflight takes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from promontory.reference.role_files import parse
from tests.unit.test_docs import PAGES, ROOT, blocks, declared

PLAY = [
    {
        "hosts": "all",
        "gather_facts": False,
        "any_errors_fatal": True,
        "tasks": [{"promontory.stack.topology": {"problems": "report"}, "run_once": True}, {"promontory.stack.preflight": {}}],
    }
]
GETTING_STARTED = ROOT / "docs/getting-started.md"


def titled(page: Path) -> dict[str, str]:
    """Blocks of a page that say which file they are."""
    files = {}
    for line_of_fence in page.read_text(encoding="utf-8").split("```yaml title=")[1:]:
        title, text = line_of_fence.split("\n", 1)
        files[title] = text.split("\n```")[0] + "\n"
    return files


def preflight(folder: Path, inventory: Path) -> str:
    """Judge an inventory as site.yml does; return what was said, empty when all is well."""
    play = folder / "play/check.yml"
    play.parent.mkdir()
    play.write_text(yaml.safe_dump(PLAY), encoding="utf-8")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")},
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "playbooks/collections"),
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_NOCOLOR": "1",
        "LC_ALL": "C.UTF-8",
    }
    variables = f'{{"stack_secrets_dir": "{folder}/secrets", "stack_build_dir": "{folder}/build"}}'
    done = subprocess.run(
        [Path(sys.executable).with_name("ansible-playbook"), "-i", inventory, play, "-e", variables],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    is_judged = re.search(r"\bok=2\b.*\bfailed=0\b", done.stdout)   # an inventory without hosts would be taken too
    return "" if done.returncode == 0 and is_judged else done.stdout + done.stderr


@pytest.fixture
def monitoring(tmp_path: Path) -> Path:
    """The folder that the getting-started page makes, with its inventory."""
    for title, text in titled(GETTING_STARTED).items():
        (tmp_path / title).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / title).write_text(text, encoding="utf-8")
    (tmp_path / "smtp_password").write_text("secret", encoding="utf-8")
    (tmp_path / "rules").mkdir()
    shutil.copy2(ROOT / "rules/meta.yml", tmp_path / "rules")
    return tmp_path


def test_the_getting_started_page_gives_a_working_inventory(monitoring: Path) -> None:
    """The first thing that people copy."""
    assert sorted(titled(GETTING_STARTED)) == ["inventory/group_vars/all.yml", "inventory/hosts.yml"]
    assert preflight(monitoring, monitoring / "inventory") == ""


def test_a_wrong_example_would_be_seen(monitoring: Path) -> None:
    """This file would prove nothing if preflight were never asked."""
    with (monitoring / "inventory/group_vars/all.yml").open("a", encoding="utf-8") as file:
        file.write("prometheus_retension_time: 1d\n")
    assert "Did you mean prometheus_retention_time?" in " ".join(preflight(monitoring, monitoring / "inventory").split())


def test_every_variable_that_a_page_sets_has_a_value_that_is_taken(monitoring: Path) -> None:
    """All examples together."""
    names = set().union(*declared().values())
    shown: list[dict[str, Any]] = []
    for page in PAGES:
        if page.is_relative_to(ROOT / "docs/reference"):
            continue   # defaults, and examples with variables of the reader's own
        found = [parse(text) for text in blocks(page, "yaml")]
        shown += [block for block in found if isinstance(block, dict) and block and set(block) <= names]
    assert len(shown) >= 4
    secrets = ("vault_grafana_db_password", "vault_pagerduty_key", "vault_slack_url", "vault_opsgenie_key", "vault_shop_metrics_token")
    own = dict.fromkeys(secrets, "https://own.example.net/1")
    variables = parse(titled(GETTING_STARTED)["inventory/group_vars/all.yml"]) | own
    for block in shown:
        differing = {name for name in block.keys() & variables.keys() if block[name] != variables[name]}
        assert not differing, f"{sorted(differing)} are shown twice with other values"
        variables |= block
    (monitoring / "inventory/group_vars/all.yml").write_text(yaml.safe_dump(variables, allow_unicode=True), encoding="utf-8")
    assert preflight(monitoring, monitoring / "inventory") == ""


def test_the_example_inventory_to_copy_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its hosts are nobody's, but an inventory it is."""
    monkeypatch.setenv("SMTP_PASSWORD", "secret")
    shutil.copytree(ROOT / "inventories/static", tmp_path / "inventory")
    assert preflight(tmp_path, tmp_path / "inventory") == ""
