"""Files, links and directories change by one rename: at no step is half of one seen under its name."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from ansible_collections.promontory.stack.plugins.module_utils import atomic

from tests.unit.component.faults import Faults, Killed


def _each_step(faults: Faults, prepare, act):  # type: ignore[no-untyped-def]
    """Prepare and kill an action at each of its steps; yield what was prepared."""
    prepared = prepare("counted")
    with faults.armed():
        act(prepared)
    for step in range(len(faults.steps)):
        prepared = prepare(f"killed-{step}")
        with faults.armed(at=step), pytest.raises(Killed):
            act(prepared)
        yield prepared


def test_a_file_is_the_old_or_the_new_one(tmp_path: Path, faults: Faults) -> None:
    def prepare(name: str) -> Path:
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("old")
        return tmp_path / name / "file"

    seen = {
        path.read_text()
        for path in _each_step(faults, prepare, lambda path: atomic.write_file(path, b"new" * 999, mode=0o600))
    }

    assert seen == {"old", "new" * 999}


def test_a_failed_write_leaves_no_trace(tmp_path: Path, faults: Faults) -> None:
    (tmp_path / "file").write_text("old")

    for step in range(2):
        with faults.armed(at=step, disk_full=True), pytest.raises(OSError, match="No space left"):
            atomic.write_file(tmp_path / "file", b"new", mode=0o600)

    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "old"


def test_the_mode_is_the_one_asked_for_whatever_the_old_one_was(tmp_path: Path) -> None:
    (tmp_path / "file").touch(mode=0o666)

    atomic.write_file(tmp_path / "file", b"x", mode=0o600)

    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600


def test_a_link_always_points_somewhere(tmp_path: Path, faults: Faults) -> None:
    def prepare(name: str) -> Path:
        (tmp_path / name).symlink_to("old")
        return tmp_path / name

    seen = {atomic.read_link(link) for link in _each_step(faults, prepare, lambda link: atomic.point_link(link, "new"))}

    assert seen == {"old", "new"}


def test_a_link_that_is_right_is_left_alone(tmp_path: Path, faults: Faults) -> None:
    (tmp_path / "link").symlink_to("right")

    with faults.armed():
        atomic.point_link(tmp_path / "link", "right")

    assert faults.steps == []


def test_a_directory_half_removed_is_told_from_a_whole_one(tmp_path: Path, faults: Faults) -> None:
    def prepare(name: str) -> Path:
        directory = tmp_path / name / "tree"
        directory.mkdir(parents=True)
        for file in ("a", "b", "c"):
            (directory / file).touch()
        return directory

    for directory in _each_step(faults, prepare, atomic.remove_tree):
        assert not directory.exists() or len(list(directory.iterdir())) == 3
        assert directory.exists() or atomic.leftovers(directory.parent)

        atomic.remove_tree(directory)
        for leftover in atomic.leftovers(directory.parent):
            atomic.remove_tree(leftover)
        assert list(directory.parent.iterdir()) == []
