"""Messages on disk: one .eml file each, written whole or not at all, bounded in number and size.

The file is what an ordinary mail server would deliver: three trace headers (Return-Path, Delivered-To, Received), then
the message exactly as it was sent. The index in memory is rebuilt from the files at each start.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

from promontory_mailbox.message import read_head

log = logging.getLogger(__name__)

_ID = re.compile(r"[0-9]{16}-[0-9a-f]{8}")
_HEAD_BYTES = 65536
_UNSAFE_IN_HEADER = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True)
class Summary:
    """One line of the inbox.

    Attributes:
        id: Sorts by time of receipt.
        received: When it was taken, UTC.
        sender: The `From` header as people read it, or the envelope's sender where there is none.
        recipients: Whom the envelope names.
        subject: Decoded, "" where there is none.
        size: Bytes of the file.
        message_id: The `Message-ID` header, "" where there is none.
    """

    id: str
    received: datetime
    sender: str
    recipients: tuple[str, ...]
    subject: str
    size: int
    message_id: str = ""


class Store:
    """The messages in one directory. Its methods may be called from several threads.

    Args:
        directory: Made when missing, readable by its owner only.
        max_messages: Messages kept, at least 1.
        max_total_bytes: Bytes kept; the newest message is kept even when it alone is larger.
    Raises:
        OSError: The directory cannot be made or read.
    """

    def __init__(self, directory: Path, *, max_messages: int, max_total_bytes: int) -> None:
        self._directory = directory
        self._max_messages = max_messages
        self._max_total_bytes = max_total_bytes
        self._lock = threading.Lock()
        self._index: dict[str, Summary] = {}  # in order of receipt
        self._bytes = 0
        self._evicted = 0
        self._duplicates = 0
        self._last_us = 0
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._load()

    def __len__(self) -> int:
        """Return how many messages are kept."""
        return len(self._index)

    @property
    def total_bytes(self) -> int:
        """Bytes of all messages kept."""
        return self._bytes

    @property
    def evicted(self) -> int:
        """Messages dropped since the start to stay within the limits."""
        return self._evicted

    @property
    def duplicates(self) -> int:
        """Messages taken since the start and not kept, because one of the same Message-ID was."""
        return self._duplicates

    def add(self, content: bytes, *, sender: str, recipients: Sequence[str], peer: str, hostname: str) -> Summary:
        """Keep a message; when this returns it is on the disk and survives a crash.

        One with the Message-ID of a message that is kept is a duplicate, as mail systems for people see it: it is taken
        and not kept again.

        Args:
            content: The message as it came after DATA.
            sender: The envelope's sender, "" for a bounce.
            recipients: The envelope's recipients.
            peer: Who sent it, an address.
            hostname: Who took it, this server's name.
        Raises:
            OSError: It cannot be written; nothing of it is left.
        """
        with self._lock:
            named = _message_id(content[:_HEAD_BYTES])
            if named and (same := next((one for one in self._index.values() if one.message_id == named), None)):
                self._duplicates += 1
                return same
            self._last_us = max(int(time.time() * 1e6), self._last_us + 1)
            message_id = f"{self._last_us:016d}-{secrets.token_hex(4)}"
            trace = _trace(message_id, sender=sender, recipients=recipients, peer=peer, hostname=hostname)
            raw = trace + content
            self._write(message_id, raw)
            summary = _summarise(message_id, raw[:_HEAD_BYTES], len(raw))
            self._index[message_id] = summary
            self._bytes += summary.size
            self._evict()
            return summary

    def newest_first(self) -> list[Summary]:
        """Return all messages kept."""
        with self._lock:
            return list(reversed(self._index.values()))

    def get(self, message_id: str) -> tuple[Summary, bytes] | None:
        """Return a message with its bytes, or None when it is not kept."""
        summary = self._index.get(message_id)
        if summary is None:
            return None
        try:
            return summary, self._path(message_id).read_bytes()
        except FileNotFoundError:
            self._forget(message_id)
            return None

    def clear(self) -> int:
        """Delete all messages; return how many there were."""
        with self._lock:
            gone = list(self._index)
            for message_id in gone:
                self._path(message_id).unlink(missing_ok=True)
            self._index.clear()
            self._bytes = 0
            return len(gone)

    def _path(self, message_id: str) -> Path:
        return self._directory / f"{message_id}.eml"

    def _load(self) -> None:
        for leftover in self._directory.glob("*.tmp"):
            leftover.unlink(missing_ok=True)
        for path in sorted(self._directory.glob("*.eml")):
            if not _ID.fullmatch(path.stem):
                log.warning("not a message of this mailbox, left alone: %s", path)
                continue
            with path.open("rb") as file:
                summary = _summarise(path.stem, file.read(_HEAD_BYTES), path.stat().st_size)
            self._index[summary.id] = summary
            self._bytes += summary.size
            self._last_us = int(path.stem[:16])
        self._evict()

    def _write(self, message_id: str, raw: bytes) -> None:
        path = self._path(message_id)
        partial = path.with_suffix(".tmp")
        try:
            with _new_file(partial) as descriptor:
                view = memoryview(raw)
                while view:
                    view = view[os.write(descriptor, view) :]
                os.fsync(descriptor)
            partial.replace(path)
        except OSError:
            partial.unlink(missing_ok=True)
            raise
        directory = os.open(self._directory, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def _evict(self) -> None:
        while len(self._index) > 1 and (len(self._index) > self._max_messages or self._bytes > self._max_total_bytes):
            oldest = next(iter(self._index))
            self._path(oldest).unlink(missing_ok=True)
            self._bytes -= self._index.pop(oldest).size
            self._evicted += 1

    def _forget(self, message_id: str) -> None:
        with self._lock:
            summary = self._index.pop(message_id, None)
            if summary:
                self._bytes -= summary.size


@contextlib.contextmanager
def _new_file(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _received_at(message_id: str) -> datetime:
    return datetime.fromtimestamp(int(message_id[:16]) / 1e6, UTC)


def _trace(message_id: str, *, sender: str, recipients: Sequence[str], peer: str, hostname: str) -> bytes:
    """Return the headers that a mail server puts before a message it delivers."""
    lines = [f"Return-Path: <{sender}>", *(f"Delivered-To: {recipient}" for recipient in recipients)]
    when = format_datetime(_received_at(message_id))
    lines.append(f"Received: from {peer} by {hostname} (promontory mailbox) id {message_id}; {when}")
    return "".join(_UNSAFE_IN_HEADER.sub("?", line) + "\r\n" for line in lines).encode("utf-8", "replace")


def _message_id(head: bytes) -> str:
    """Return the Message-ID of a message, "" where it has none."""
    return next((value.strip() for key, value in read_head(head) if key.lower() == "message-id"), "")


def _summarise(message_id: str, head: bytes, size: int) -> Summary:
    headers = read_head(head)

    def first(name: str) -> str:
        return next((value for key, value in headers if key.lower() == name), "")

    return Summary(
        id=message_id,
        received=_received_at(message_id),
        sender=first("from") or first("return-path").strip("<>"),
        recipients=tuple(value for key, value in headers if key.lower() == "delivered-to"),
        subject=first("subject"),
        size=size,
        message_id=first("message-id").strip(),
    )
