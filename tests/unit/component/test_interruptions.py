"""A run ended, or a disk filled, at every single step: one whole set serves, and the next run finishes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from ansible_collections.promontory.stack.plugins.module_utils.declaration import Declaration
from ansible_collections.promontory.stack.plugins.module_utils.errors import ComponentError

from tests.unit.component.faults import Faults, Killed
from tests.unit.component.workbench import Host, Shelf


@dataclass(frozen=True)
class Change:
    """One kind of change.

    Attributes:
        old: What serves before it; None on a host without the component.
        new: What it brings, and what the run after it declares again.
        run: Makes the change.
        fails: The change is refused by the program, so its own way back is part of what is interrupted.
    """

    old: Declaration | None
    new: Declaration
    run: Callable[[Host], object]
    fails: bool = False


def _changes(shelf: Shelf) -> dict[str, Change]:
    old = shelf.declare(conf="answer: 1\n", secrets={"token": "old"})
    upgrade = shelf.declare("1.1.0", conf="answer: 2\n", secrets={"token": "new"}, argv=("--color",))
    edit = shelf.declare(conf="answer: 2\n", secrets={"token": "old"})
    dies = shelf.declare("1.1.0", conf="dies\n")
    refuses = shelf.declare(conf="refuses-reload\n", secrets={"token": "old"})
    return {
        "install": Change(None, upgrade, lambda host: host.apply(upgrade)),
        "upgrade": Change(old, upgrade, lambda host: host.apply(upgrade)),
        "reload": Change(old, edit, lambda host: host.apply(edit)),
        "install that dies": Change(None, dies, lambda host: host.apply(dies), fails=True),
        "upgrade that dies": Change(old, dies, lambda host: host.apply(dies), fails=True),
        "reload that is refused": Change(old, refuses, lambda host: host.apply(refuses), fails=True),
        "rollback": Change(upgrade, old, lambda host: host.roll_back()),
    }


KINDS = [
    "install",
    "upgrade",
    "reload",
    "install that dies",
    "upgrade that dies",
    "reload that is refused",
    "rollback",
]


@pytest.fixture
def changes(shelf: Shelf) -> dict[str, Change]:
    return _changes(shelf)


@pytest.fixture
def prepared(tmp_path: Path) -> Callable[[Change, str], Host]:
    """Give a fresh copy of the host as it is before a change."""
    templates: dict[int, Host] = {}

    def make(change: Change, name: str) -> Host:
        if id(change) not in templates:
            host = Host(tmp_path / "template")
            if change.old is not None and change.run.__code__.co_names == ("roll_back",):  # type: ignore[attr-defined]
                host.apply(change.new)
            if change.old is not None:
                host.apply(change.old)
            templates[id(change)] = host
        return templates[id(change)].copy(tmp_path / name)

    return make


def _steps(faults: Faults, host: Host, change: Change, kind: str, *, disk_full: bool) -> range:
    with faults.armed(disk_full=disk_full):
        _run(host, change)
    first = 0
    if kind not in ("install", "upgrade"):  # staging and judging is the same code for all
        first = next(number for number, step in enumerate(faults.steps) if "/generations" in step or "/journal" in step)
    return range(first, len(faults.steps))


def _run(host: Host, change: Change) -> None:
    if change.fails:
        with pytest.raises(ComponentError):
            change.run(host)
    else:
        change.run(host)


def _whole_and_serving(host: Host, change: Change) -> bool:
    """One set runs that could be started again, and one whole set lies behind the link."""
    if change.fails:
        # While the new set dies of itself nothing may run; what lies on the disk must be whole all the same.
        return host.on_disk(change.new) or _old_on_disk(host, change)
    if change.old is None and host.systemd.running is None:
        return not host.layout.current.is_symlink() or host.on_disk(change.new)
    return (host.on_disk(change.new) or _old_on_disk(host, change)) and (
        host.serves(change.new) or (change.old is not None and host.serves(change.old))
    )


def _old_on_disk(host: Host, change: Change) -> bool:
    return not host.layout.current.is_symlink() if change.old is None else host.on_disk(change.old)


def _leftovers(host: Host) -> list[str]:
    return [path for path in host.everything() if ".staging" in path or "promontory-check" in path]


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_killed_at_any_step_leaves_a_whole_set_and_the_next_run_finishes(
    kind: str,
    changes: dict[str, Change],
    prepared: Callable[[Change, str], Host],
    faults: Faults,
) -> None:
    change = changes[kind]
    steps = _steps(faults, prepared(change, "counted"), change, kind, disk_full=False)
    assert len(steps) > 15

    for step in steps:
        host = prepared(change, f"killed-{step}")
        with faults.armed(at=step), pytest.raises(Killed):
            change.run(host)
        where = f"killed before step {step} of {steps.stop}: {faults.steps[step]}"
        assert _whole_and_serving(host, change), where

        wanted = change.new
        if change.fails:
            wanted = change.old or change.new
            if change.old is None:
                with pytest.raises(ComponentError):
                    host.apply(wanted)
                assert not host.layout.etc.exists(), where
                assert host.systemd.running is None, where
                assert _leftovers(host) == [], where
                continue
        if kind == "rollback":
            wanted = change.old or wanted  # a rollback is not declared: the next ordinary run goes forward again
        host.apply(wanted)
        assert host.on_disk(wanted), where
        assert host.serves(wanted), where
        assert host.journal()["under_way"] is None, where
        assert _leftovers(host) == [], where
        assert not host.apply(wanted).changed, where


@pytest.mark.parametrize("kind", KINDS)
def test_a_disk_that_fills_at_any_step_leaves_a_whole_set_and_the_next_run_finishes(
    kind: str,
    changes: dict[str, Change],
    prepared: Callable[[Change, str], Host],
    faults: Faults,
) -> None:
    change = changes[kind]
    steps = _steps(faults, prepared(change, "counted"), change, kind, disk_full=True)
    assert len(steps) > 5

    for step in steps:
        host = prepared(change, f"full-{step}")
        with faults.armed(at=step, disk_full=True), pytest.raises((ComponentError, OSError)):
            change.run(host)
        where = f"disk full from step {step} of {steps.stop}: {faults.steps[step]}"
        assert _whole_and_serving(host, change), where
        assert _leftovers(host) == [], where

        wanted = change.old if change.fails or kind == "rollback" else change.new
        if wanted is None:
            continue
        host.apply(wanted)
        assert host.on_disk(wanted), where
        assert host.serves(wanted), where
        assert not host.apply(wanted).changed, where


def test_a_removal_killed_at_any_step_is_finished_by_the_next(shelf: Shelf, tmp_path: Path, faults: Faults) -> None:
    template = Host(tmp_path / "template")
    template.apply(shelf.declare(secrets={"token": "hunter2"}))
    counted = template.copy(tmp_path / "counted")
    with faults.armed():
        counted.remove()
    count = len(faults.steps)

    for step in range(count):
        host = template.copy(tmp_path / f"killed-{step}")
        with faults.armed(at=step), pytest.raises(Killed):
            host.remove()
        where = f"killed before step {step} of {count}: {faults.steps[step]}"
        again = host.copy(tmp_path / f"again-{step}")

        host.remove()
        assert host.files() == {}, where
        assert _leftovers(host) == [], where
        assert host.systemd.running is None, where

        again.apply(shelf.declare())
        assert again.serves(shelf.declare()), where


def test_a_run_killed_while_it_puts_back_does_not_leave_the_refused_set_running(
    shelf: Shelf, host: Host, faults: Faults
) -> None:
    """The link is right again, but what runs is still the other set: only asking the disk would not tell."""
    old, new = shelf.declare(conf="answer: 1\n"), shelf.declare(conf="never-ready\n")
    host.apply(old)
    with faults.armed():
        with pytest.raises(ComponentError):
            host.apply(new)
        restarts = [number for number, step in enumerate(faults.steps) if step == "systemctl reload"]
    host.apply(old)

    with faults.armed(at=restarts[-1]), pytest.raises(Killed):
        host.apply(new)
    assert host.on_disk(old)
    assert not host.serves(old)

    host.apply(old)
    assert host.serves(old)


def test_a_former_set_that_no_longer_comes_up_does_not_block_its_remedy(
    shelf: Shelf, host: Host, faults: Faults
) -> None:
    old, new, remedy = shelf.declare(), shelf.declare("1.1.0"), shelf.declare("1.2.0", conf="answer: 3\n")
    host.apply(old)
    former = host.layout.current.resolve()
    twin = host.copy(host.root.parent / "counted")
    with faults.armed():
        twin.apply(new)
    with faults.armed(at=faults.steps.index("systemctl restart")), pytest.raises(Killed):
        host.apply(new)
    (former / "config/tiny.conf").write_text("dies\n")

    outcome = host.apply(remedy)

    assert host.serves(remedy)
    assert any("1.0.0 does not come up again" in action for action in outcome.actions)


def test_check_mode_after_a_kill_repairs_nothing(shelf: Shelf, host: Host, faults: Faults) -> None:
    new = shelf.declare("1.1.0")
    host.apply(shelf.declare())
    twin = host.copy(host.root.parent / "counted")
    with faults.armed():
        twin.apply(new)
    with faults.armed(at=faults.steps.index("systemctl restart")), pytest.raises(Killed):
        host.apply(new)
    before = host.files()

    assert host.apply(new, check_mode=True).changed

    assert host.files() == before
