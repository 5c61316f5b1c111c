"""Ends a run, or fills the disk, at each step that changes something on the host, one after another.

The steps are not listed by hand: Python's audit events tell of every file made, renamed, linked or removed
and of every program started, whatever code does it, so a step added tomorrow is covered too.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.unit.component import workbench

_CHANGING = {
    "os.chmod", "os.chown", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink", "os.truncate",
    "subprocess.Popen",
}  # fmt: skip
_NEEDS_SPACE = {"open for writing", "os.mkdir", "os.symlink", "os.fsync"}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Killed(BaseException):
    """The process is gone: nothing it would have done after this happens, cleaning up included."""


class Faults(workbench.Faults):
    """Counts the steps of a run and strikes at one of them.

    Attributes:
        steps: The steps taken so far, in order, for messages.
    """

    def __init__(self) -> None:
        self.steps: list[str] = []
        self._armed = False
        self._at: int | None = None
        self._disk_full = False

    @contextmanager
    def armed(self, at: int | None = None, *, disk_full: bool = False) -> Iterator[None]:
        """Strike at step number ``at`` and at every one after it; None only counts.

        Args:
            at: Number of the step, from 0.
            disk_full: Only steps that need space count and fail, as on a full disk; else the process is killed.
        """
        self.steps, self._at, self._disk_full, self._armed = [], at, disk_full, True
        try:
            yield
        finally:
            self._armed = False

    def reached(self, what: str) -> None:
        if not self._armed or (self._disk_full and what.split(" ", 1)[0] not in _NEEDS_SPACE | {"open"}):
            return
        self.steps.append(what)
        if self._at is not None and len(self.steps) > self._at:
            if self._disk_full:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            raise Killed(what)

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._armed:
            return
        if event == "open":
            path, _, flags = arguments
            if flags & _WRITING and path != os.devnull and "__pycache__" not in str(path):
                self.reached(f"open for writing {path}")
        elif event in _CHANGING:
            self.reached(f"{event} {arguments[0]}")

    def fsync(self, descriptor: int) -> None:
        """Stands in for os.fsync, which has no audit event; also keeps the tests off the disk's speed."""
        self.reached(f"os.fsync {descriptor}")


def install() -> Faults:
    """Let the audit events reach one object; Python offers no way to take a hook away again."""
    made = Faults()
    workbench.faults = made
    sys.addaudithook(made.audit)
    return made
