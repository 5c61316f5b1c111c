"""Fixtures of the lab's tests."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lab.clones import Clone


@pytest.fixture
def new_clone(tmp_path: Path) -> Iterator[Callable[..., Clone]]:
    """Give a maker of clones whose labs are removed when the test ends."""
    made: list[Clone] = []

    def make(name: str = "clone", hosts: tuple[str, ...] = ("one",), lab: str = "test") -> Clone:
        made.append(Clone(tmp_path / name, hosts, lab))
        return made[-1]

    yield make
    for clone in made:
        if shutil.which("podman") and (clone.containers() or (clone.path / ".lab").exists()):
            removed = clone.remove()
            assert removed.returncode == 0, removed.output


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    """Give a lab of one host that exists and serves the tests of a module, each leaving it whole."""
    clone = Clone(tmp_path_factory.mktemp("lab") / "clone")
    run = clone.make()
    assert run.returncode == 0, run.output
    yield clone
    run = clone.remove()
    assert run.returncode == 0, run.output


@pytest.fixture
def clone(new_clone: Callable[..., Clone]) -> Clone:
    """Give a clone with a lab of one host that has not been made yet."""
    return new_clone()
