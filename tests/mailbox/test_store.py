"""Messages are on the disk whole or not at all, outlive restarts, and stay within their bounds."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from promontory_mailbox.store import Store, Summary


def open_store(directory: Path, max_messages: int = 100, max_total_bytes: int = 1_000_000) -> Store:
    return Store(directory, max_messages=max_messages, max_total_bytes=max_total_bytes)


def add(store: Store, subject: str = "s", body: bytes = b"text", sender: str = "a@b.test") -> Summary:
    content = f"From: A <a@b.test>\r\nSubject: {subject}\r\n\r\n".encode() + body
    return store.add(content, sender=sender, recipients=["x@y.test", "z@y.test"], peer="127.0.0.1", hostname="box")


def test_a_message_is_kept_as_it_was_sent_after_the_trace_headers(tmp_path: Path) -> None:
    store = open_store(tmp_path)

    summary = add(store, "hello", b"line\r\n.\r\n\xff")

    found = store.get(summary.id)
    assert found
    head, _, sent = found[1].partition(b"From: A")
    assert head.startswith(
        b"Return-Path: <a@b.test>\r\nDelivered-To: x@y.test\r\nDelivered-To: z@y.test\r\nReceived: from 127.0.0.1 by box"
    )
    assert sent == b" <a@b.test>\r\nSubject: hello\r\n\r\nline\r\n.\r\n\xff"
    assert (summary.sender, summary.recipients, summary.subject) == ("A <a@b.test>", ("x@y.test", "z@y.test"), "hello")
    assert summary.size == len(found[1]) == store.total_bytes


def test_messages_outlive_a_restart_in_the_same_order(tmp_path: Path) -> None:
    before = open_store(tmp_path)
    for number in range(5):
        add(before, f"number {number}")

    after = open_store(tmp_path)

    assert after.newest_first() == before.newest_first()
    assert after.newest_first()[0].subject == "number 4"
    assert after.total_bytes == before.total_bytes


def test_the_next_message_is_the_newest_even_when_the_clock_went_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("promontory_mailbox.store.time.time", lambda: 2_000_000_000.0)
    add(open_store(tmp_path), "before")
    monkeypatch.setattr("promontory_mailbox.store.time.time", lambda: 1_000_000_000.0)

    store = open_store(tmp_path)
    add(store, "after")

    assert [summary.subject for summary in store.newest_first()] == ["after", "before"]


def test_the_oldest_go_when_there_are_too_many(tmp_path: Path) -> None:
    store = open_store(tmp_path, max_messages=3)

    for number in range(5):
        add(store, str(number))

    assert [summary.subject for summary in store.newest_first()] == ["4", "3", "2"]
    assert store.evicted == 2
    assert len(list(tmp_path.glob("*.eml"))) == 3


def test_the_oldest_go_when_they_are_too_large_together(tmp_path: Path) -> None:
    store = open_store(tmp_path, max_total_bytes=10_000)

    for number in range(5):
        add(store, str(number), b"x" * 3000)

    assert len(store) == 3
    assert store.total_bytes <= 10_000
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) == store.total_bytes


def test_the_newest_is_kept_even_alone_too_large(tmp_path: Path) -> None:
    store = open_store(tmp_path, max_total_bytes=1000)

    add(store, "large", b"x" * 5000)

    assert [summary.subject for summary in store.newest_first()] == ["large"]


def test_tighter_bounds_hold_from_the_next_start(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    for number in range(5):
        add(store, str(number))

    assert [summary.subject for summary in open_store(tmp_path, max_messages=2).newest_first()] == ["4", "3"]


def test_nothing_is_left_of_a_message_that_does_not_fit_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(tmp_path)
    add(store, "kept")
    real_write = os.write
    written = []

    def full_after_some(descriptor: int, block: bytes) -> int:
        if written:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(real_write(descriptor, block[:10]))
        return written[0]

    monkeypatch.setattr("promontory_mailbox.store.os.write", full_after_some)

    with pytest.raises(OSError, match="No space left"):
        add(store, "lost")

    assert [summary.subject for summary in store.newest_first()] == ["kept"]
    assert len(list(tmp_path.iterdir())) == 1


def test_leftovers_of_a_crash_are_removed_and_strangers_are_left_alone(tmp_path: Path) -> None:
    add(open_store(tmp_path), "whole")
    (tmp_path / "1700000000000000-aaaaaaaa.tmp").write_bytes(b"half a mess")
    (tmp_path / "notes.eml").write_bytes(b"somebody's")

    store = open_store(tmp_path)

    assert [summary.subject for summary in store.newest_first()] == ["whole"]
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".eml", ".eml"]
    assert (tmp_path / "notes.eml").read_bytes() == b"somebody's"


def test_a_message_whose_file_somebody_removed_is_forgotten(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    summary = add(store)
    (tmp_path / f"{summary.id}.eml").unlink()

    assert store.get(summary.id) is None
    assert len(store) == 0
    assert store.total_bytes == 0


@pytest.mark.parametrize("message_id", ["../../etc/passwd", "", "nothing", "1700000000000000-aaaaaaaa"])
def test_an_id_that_is_no_message_finds_nothing(tmp_path: Path, message_id: str) -> None:
    assert open_store(tmp_path).get(message_id) is None


def test_an_envelope_cannot_add_headers(tmp_path: Path) -> None:
    store = open_store(tmp_path)

    summary = add(store, sender="a@b.test>\r\nSubject: forged\r\nX: <")

    assert summary.subject == "s"


def test_only_the_owner_may_read(tmp_path: Path) -> None:
    store = open_store(tmp_path / "data")
    summary = add(store)

    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "data" / f"{summary.id}.eml").stat().st_mode & 0o777 == 0o600


def test_clear_deletes_all(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    add(store)
    add(store)

    assert store.clear() == 2
    assert (len(store), store.total_bytes, list(tmp_path.iterdir())) == (0, 0, [])


def test_the_same_message_twice_is_kept_once_also_after_a_restart(tmp_path: Path) -> None:
    """Mail systems for people show it once, too; a cluster of senders may send it once each."""

    def send(store: Store, name: str) -> str:
        content = f"Message-Id: <{name}@c.test>\r\nSubject: s\r\n\r\ntext".encode()
        return store.add(content, sender="a@b.test", recipients=["x@y.test"], peer="127.0.0.1", hostname="box").id

    before = open_store(tmp_path)
    first = send(before, "one")
    assert send(before, "one") == first
    assert send(before, "two") != first
    after = open_store(tmp_path)
    assert send(after, "one") == first

    assert (len(after), before.duplicates, after.duplicates) == (2, 1, 1)


def test_messages_without_an_id_are_no_duplicates(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    add(store)
    add(store)

    assert (len(store), store.duplicates) == (2, 0)
