"""Ending the processes of a run: Ansible's workers live in sessions of their own, so a group signal misses them."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path

_PROC = Path("/proc")


def descendants(pid: int, *, proc: Path = _PROC) -> list[int]:
    """List the processes below `pid`, parents before children; empty where there is no /proc."""
    children: dict[int, list[int]] = {}
    for stat in proc.glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):   # it ended while we looked
            # "pid (name) state ppid …"; the name may hold spaces and parentheses
            parent = int(stat.read_text(errors="replace").rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(stat.parent.name))
    found, queue = [], [pid]
    while queue:
        below = children.get(queue.pop(0), [])
        found += below
        queue += below
    return found


def is_alive(pid: int) -> bool:
    """Tell whether a process exists and is not merely waiting to be reaped."""
    try:
        return (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def send(pids: Iterable[int], number: signal.Signals) -> None:
    """Send a signal to those of `pids` that still exist."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def end_children(*, grace_s: float) -> None:
    """End everything this process has started: politely, then for good.

    ansible-playbook gets the SIGINT it knows from a terminal, so that it stops its workers and cleans up; what is
    left after `grace_s` seconds, or when the user presses Ctrl-C again, is killed.
    """
    everything = descendants(os.getpid())
    direct = [pid for pid in everything if _parent(pid) == os.getpid()]
    send(direct, signal.SIGINT)
    deadline = time.monotonic() + grace_s
    try:
        while any(map(is_alive, everything)) and time.monotonic() < deadline:
            time.sleep(0.05)
    except KeyboardInterrupt:
        pass   # the second Ctrl-C: no more patience
    remaining = [pid for pid in {*everything, *descendants(os.getpid())} if is_alive(pid)]
    send(remaining, signal.SIGKILL)


def _parent(pid: int) -> int:
    try:
        return int((_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()[1])
    except OSError:
        return 0
