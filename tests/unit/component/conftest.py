"""Fixtures of the component's unit tests."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.promontory.stack.plugins.module_utils import accounts

from tests.unit.component import faults as fault_injection
from tests.unit.component.workbench import Host, Shelf

_FAULTS = fault_injection.install()


@pytest.fixture
def tmp_path(tmp_path: Path) -> Iterator[Path]:
    """A directory in memory where the machine has such a place for programs: these tests make thousands of files."""
    memory = Path("/dev/shm")
    if not memory.is_dir() or not os.access(memory, os.W_OK) or os.statvfs(memory).f_flag & os.ST_NOEXEC:
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(prefix="promontory-test-", dir=memory) as directory:
        yield Path(directory)


@pytest.fixture
def faults() -> fault_injection.Faults:
    """Strikes at a chosen step of a run."""
    return _FAULTS


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Durability cannot be seen in these tests, only paid for; and the fake program needs no time."""
    monkeypatch.setattr("os.fsync", _FAULTS.fsync)
    sleep = time.sleep
    monkeypatch.setattr("time.sleep", lambda seconds: sleep(min(seconds, 0.002)))


@pytest.fixture(autouse=True)
def no_accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test makes or removes an account of the machine it runs on."""
    monkeypatch.setattr(accounts, "ensure", lambda user: (os.getuid(), os.getgid()))
    monkeypatch.setattr(accounts, "remove", lambda user: None)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A host on which nothing is installed."""
    return Host(tmp_path / "host")


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """Declarations of the tiny program."""
    return Shelf(tmp_path / "shelf")
