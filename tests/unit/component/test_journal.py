"""The journal: what was committed is remembered, a damaged file is named, two runs do not meet."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from ansible_collections.promontory.stack.plugins.module_utils import journal
from ansible_collections.promontory.stack.plugins.module_utils.errors import ComponentError

from tests.unit.component.workbench import Host, Shelf


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    generation = journal.Generation("0001-ab", "ab", "1.0.0", "1.0.0", "archive", "asked", at=1.5)
    written = journal.Journal("tiny", "tiny", "tiny", committed=generation, under_way=generation)

    journal.save(tmp_path / "deep/tiny.json", written)

    assert journal.load(tmp_path / "deep/tiny.json", component="tiny", program="tiny") == written


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="cut off"),
        pytest.param(b"[]", id="no mapping"),
        pytest.param(b'{"format": 2}', id="another format"),
        pytest.param(b'{"format": 1, "component": "tiny"}', id="key missing"),
        pytest.param(
            b'{"format": 1, "component": "t", "program": "t", "committed": {"id": "1"}}', id="half generation"
        ),
        pytest.param(b"\xff\xfe\x00", id="binary"),
    ],
)
def test_a_damaged_journal_is_named_with_the_way_out(host: Host, shelf: Shelf, content: bytes) -> None:
    declared = shelf.declare()
    host.apply(declared)
    host.layout.journal.write_bytes(content)

    with pytest.raises(ComponentError) as refusal:
        host.apply(declared)

    assert refusal.value.message.startswith(f"{host.layout.journal}: this journal cannot be read")
    assert refusal.value.hint == (
        "Move the file away; the next run goes on from the set that /etc/tiny/current points at."
    )
    assert host.serves(declared)


def test_without_its_journal_a_serving_set_is_kept_and_protected(host: Host, shelf: Shelf) -> None:
    """The hint above must be true: nothing serving may be taken for a leftover."""
    declared = shelf.declare(secrets={"token": "hunter2"})
    host.apply(declared)
    host.layout.journal.unlink()

    with pytest.raises(ComponentError, match=r"1\.0\.0 still serves with its former set"):
        host.apply(shelf.declare("1.1.0", conf="refused\n"))
    with pytest.raises(ComponentError, match=r"Put back: 1\.0\.0"):
        host.apply(shelf.declare("1.1.0", conf="dies\n"))

    assert host.serves(declared)
    assert host.on_disk(declared)
    assert not host.apply(declared).changed
    assert host.journal()["user"] == "tiny"


def test_installed_tells_every_component_of_the_host(host: Host, shelf: Shelf) -> None:
    assert journal.installed(host.root) == {}

    host.apply(shelf.declare())

    held = journal.installed(host.root)["tiny"].committed
    assert held is not None
    assert (held.version, held.source, held.request) == ("1.0.0", "archive", "asked")
    assert held.at == pytest.approx(time.time(), abs=60)


def test_two_runs_at_once_wait_for_one_another_and_then_give_up(tmp_path: Path) -> None:
    path = tmp_path / "run/lock/tiny.lock"

    with (
        journal.lock(path, wait_s=0),
        pytest.raises(ComponentError, match=r"tiny\.lock: another run has been working"),
        journal.lock(path, wait_s=0.05),
    ):
        pass

    with journal.lock(path, wait_s=0):
        pass


def test_the_lock_of_a_killed_run_is_free(tmp_path: Path) -> None:
    path = tmp_path / "tiny.lock"
    code = f"""
import fcntl, os, sys, time
held = os.open({str(path)!r}, os.O_RDWR | os.O_CREAT)
fcntl.flock(held, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(ComponentError), journal.lock(path, wait_s=0):
            pass
        other.kill()
        with journal.lock(path, wait_s=10):
            pass
