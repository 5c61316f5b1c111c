"""What is installed: pinned, with hashes, and the same for users and tests."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import promontory

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("requirements.lock", "requirements-dev.lock")


def locked(name: str) -> dict[str, str]:
    """Read name -> version from a lock file."""
    return dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", (ROOT / name).read_text(), re.MULTILINE))


def wanted(name: str) -> set[str]:
    """Read the names in an .in file."""
    lines = (line.split("#")[0].strip() for line in (ROOT / name).read_text().splitlines())
    return {re.split(r"[<>=~;\[ ]", line)[0].lower().replace("_", "-") for line in lines if line and line[0] != "-"}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_has_hashes_and_comes_from_no_named_place(lock: str) -> None:
    text = (ROOT / lock).read_text()

    entries = re.split(r"^(?=[a-z0-9.-]+==)", text, flags=re.MULTILINE)[1:]

    assert entries
    assert [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert "://" not in text


@pytest.mark.parametrize(("asked", "lock"), [("requirements.in", LOCKS[0]), ("requirements-dev.in", LOCKS[1])])
def test_what_is_asked_for_is_locked(asked: str, lock: str) -> None:
    assert wanted(asked) - locked(lock).keys() == set()


def test_tests_run_with_the_versions_that_users_get() -> None:
    users, tests = (locked(lock) for lock in LOCKS)

    assert {name: version for name, version in users.items() if tests.get(name) != version} == {}


def test_the_distribution_needs_what_the_lock_installs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    names = {re.split(r"[<>= ]", requirement)[0].lower() for requirement in project["dependencies"]}

    assert names == wanted("requirements.in") - {"flit-core"}


def test_one_version_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert project["version"] == promontory.__version__
    assert f"\nversion: {promontory.__version__}\n" in (ROOT / "galaxy.yml").read_text()
