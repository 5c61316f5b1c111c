"""One stack on two lab hosts for all end-to-end tests; each test changes its own copy of the inventory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.stack import Inventory, Stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A provisioned stack; its lab is removed at the end."""
    stack = Stack(tmp_path_factory.mktemp("e2e"))
    made = stack.playbook(stack.lab, "playbooks/lab.yml")
    try:
        assert made.returncode == 0, made.output
        run = stack.provision(stack.lab)
        assert run.returncode == 0, run.output
        yield stack
    finally:
        removed = stack.playbook(stack.lab, "playbooks/lab.yml", "-e", "lab_state=absent")
    assert removed.returncode == 0, removed.output


@pytest.fixture
def inventory(stack: Stack, tmp_path: Path) -> Inventory:
    """The inventory of the running stack, to be changed."""
    return stack.inventory(tmp_path / "inventory")
