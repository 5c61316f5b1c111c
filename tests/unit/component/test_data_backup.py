"""Data that another version is about to change are kept, and put back where it does not serve."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.promontory.stack.plugins.module_utils import data_backup
from ansible_collections.promontory.stack.plugins.module_utils.errors import ComponentError

from tests.unit.component.workbench import Host, Shelf

SPEC = {"files": ["{data}/tiny.db"]}


def _database(host: Host, text: str = "old", **companions: str) -> Path:
    file = host.layout.data / "tiny.db"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    for ending, content in companions.items():
        (file.parent / f"tiny.db-{ending}").write_text(content)
    return file


def _backups(host: Host) -> list[Path]:
    return sorted(host.layout.backups.iterdir()) if host.layout.backups.is_dir() else []


def test_another_version_is_preceded_by_a_backup_made_while_it_is_stopped(host: Host, shelf: Shelf) -> None:
    host.apply(shelf.declare(data_backup=SPEC))
    _database(host, "old", wal="not yet in the file")
    host.systemd.calls.clear()

    outcome = host.apply(shelf.declare("1.1.0", data_backup=SPEC))

    [backup] = _backups(host)
    assert backup.name.startswith("1.0.0-")
    assert (backup / "tiny.db").read_text() == "old"
    assert (backup / "tiny.db-wal").read_text() == "not yet in the file"
    assert backup.stat().st_mode & 0o777 == 0o700
    assert host.systemd.calls == ["stop", "daemon-reload", "restart"]
    assert any("back up the data of tiny 1.0.0" in action for action in outcome.actions)


@pytest.mark.parametrize(
    "change",
    [pytest.param({"conf": "answer: 2\n"}, id="other configuration"), pytest.param({"argv": ("--color",)}, id="other flag")],
)
def test_the_same_version_needs_none(host: Host, shelf: Shelf, change: dict[str, Any]) -> None:
    host.apply(shelf.declare(data_backup=SPEC))
    _database(host)

    host.apply(shelf.declare(data_backup=SPEC, **change))

    assert _backups(host) == []


def test_without_data_there_is_nothing_to_keep(host: Host, shelf: Shelf) -> None:
    host.apply(shelf.declare(data_backup=SPEC))

    host.apply(shelf.declare("1.1.0", data_backup=SPEC))

    assert _backups(host) == []


def test_data_are_put_back_with_the_set_where_the_new_version_does_not_serve(
    host: Host, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = shelf.declare(data_backup=SPEC)
    host.apply(first)
    file = _database(host, "old")
    restart = host.systemd.restart

    def migrates() -> None:
        restart()
        if host.systemd.running and host.systemd.running.version == "1.1.0":
            file.write_text("half migrated")
            file.with_name("tiny.db-wal").write_text("of the new version")

    monkeypatch.setattr(host.systemd, "restart", migrates)

    with pytest.raises(ComponentError, match="on its data from before"):
        host.apply(shelf.declare("1.1.0", conf="never-ready\n", data_backup=SPEC))

    assert file.read_text() == "old"
    assert not file.with_name("tiny.db-wal").exists()
    assert host.serves(first)


def test_nothing_is_replaced_where_the_backup_fails(
    host: Host, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = shelf.declare(data_backup=SPEC)
    host.apply(first)
    _database(host)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(data_backup, "take", full)

    with pytest.raises(ComponentError, match=r"tiny: the data of 1\.0\.0 cannot be backed up") as refusal:
        host.apply(shelf.declare("1.1.0", data_backup=SPEC))

    assert "1.0.0 still serves" in refusal.value.hint
    assert host.serves(first)
    assert not host.apply(first).changed


def test_no_room_is_told_before_anything_is_stopped(host: Host, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    host.apply(shelf.declare(data_backup=SPEC))
    _database(host, "x" * 2**20)
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 2**20})())
    host.systemd.calls.clear()

    with pytest.raises(ComponentError, match="1 MiB free, 3 MiB needed"):
        host.apply(shelf.declare("1.1.0", data_backup=SPEC))

    assert "stop" not in host.systemd.calls


def test_only_the_newest_backups_stay(tmp_path: Path) -> None:
    file = tmp_path / "tiny.db"
    file.write_text("data")
    spec = data_backup.Spec(into=tmp_path / "backups", files=(file,), keep=2)
    spec.into.mkdir()

    for number in range(4):
        backup = data_backup.take(spec, version=f"1.{number}", now=number * 1000.0)
        os.utime(backup.directory, (number, number))

    assert sorted(path.name.split("-")[0] for path in spec.into.iterdir()) == ["1.2", "1.3"]


def test_a_command_writes_the_dump_and_is_not_put_back(tmp_path: Path) -> None:
    spec = data_backup.Spec(
        into=tmp_path / "backups",
        command=("sh", "-c", 'echo "$WORD" > "$1"', "dump", "{backup}"),
        environment={"WORD": "hello"},
    )

    backup = data_backup.take(spec, version="1.0")

    assert (backup.directory / "dump").read_text() == "hello\n"
    assert (backup.directory / "dump").stat().st_mode & 0o777 == 0o600
    assert not backup.can_be_put_back


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(("sh", "-c", "echo no such database >&2; exit 1"), id="fails"),
        pytest.param(("true",), id="writes nothing"),
        pytest.param(("no-such-program-here",), id="is missing"),
    ],
)
def test_a_command_that_makes_no_dump_is_an_error_and_leaves_nothing(tmp_path: Path, command: tuple[str, ...]) -> None:
    spec = data_backup.Spec(into=tmp_path / "backups", command=command)

    with pytest.raises(ComponentError, match="has made no backup"):
        data_backup.take(spec, version="1.0")

    assert list(spec.into.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param({"flies": []}, r"data_backup\.flies is unknown", id="unknown key"),
        pytest.param({"keep": 3}, "needs files or a command", id="nothing to keep"),
    ],
)
def test_a_wrong_spec_is_refused_by_name(host: Host, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ComponentError, match=said):
        data_backup.from_mapping(host.layout, options, {})


def test_backups_go_with_the_data(host: Host, shelf: Shelf) -> None:
    host.apply(shelf.declare(data_backup=SPEC))
    _database(host)
    host.apply(shelf.declare("1.1.0", data_backup=SPEC))

    host.remove(purge_data=True)

    assert not host.layout.backups.exists()
    assert not host.layout.data.exists()


def test_going_back_keeps_the_data_first(host: Host, shelf: Shelf) -> None:
    host.apply(shelf.declare(data_backup=SPEC))
    host.apply(shelf.declare("1.1.0", data_backup=SPEC))
    _database(host, "of 1.1.0")

    host.roll_back()

    [backup] = _backups(host)
    assert backup.name.startswith("1.1.0-")
    assert (backup / "tiny.db").read_text() == "of 1.1.0"


def test_how_it_is_done_is_told_by_the_set_that_serves(host: Host, shelf: Shelf) -> None:
    """The new set may name another database, whose password the serving one does not have."""
    host.apply(shelf.declare(data_backup=SPEC))
    _database(host, "old")

    host.apply(shelf.declare("1.1.0", data_backup={"command": ["no-such-program-here", "{backup}"]}))

    [backup] = _backups(host)
    assert (backup / "tiny.db").read_text() == "old"
