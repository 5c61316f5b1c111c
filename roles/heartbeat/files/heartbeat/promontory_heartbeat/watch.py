"""Who has given a sign of life when, and what people must be told. No clock, no network; the state is one JSON file."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any


class StateError(Exception):
    """The state file cannot be read or written; the message names it."""


@dataclass(frozen=True)
class Watch:
    """One environment whose alerting path is watched. Times are epoch seconds.

    Attributes:
        last_beat: Newest sign of life, or None since the state began.
        lost_at: When the path itself said that its Watchdog is over (Prometheus is gone); None: it did not.
        reported_at: When people were told of the silence; None while all is well.
        silent_since: Since when it was silent as it was told; None while all is well.
    """

    name: str
    last_beat: float | None = None
    lost_at: float | None = None
    reported_at: float | None = None
    silent_since: float | None = None


@dataclass(frozen=True)
class Notice:
    """What people must be told.

    Attributes:
        name: The environment.
        is_silent: True: no sign of life. False: it is back.
        since: Since when it is, or was, silent; epoch seconds.
        at: Now, or when the first beat came again; epoch seconds.
    """

    name: str
    is_silent: bool
    since: float
    at: float


class Watches:
    """All watched environments; safe to use from several threads.

    Args:
        path: State file; made when there is none.
        names: Environments that are watched; others in the file are forgotten.
        silence_s: Seconds without a beat after which people are told.
        repeat_s: Seconds after which they are told again.
        now: Epoch seconds. Silence counts from here on at the earliest: what came while nobody listened is not known.
    Raises:
        StateError: See the class.
    """

    def __init__(self, path: Path, names: Sequence[str], *, silence_s: float, repeat_s: float, now: float) -> None:
        self._path = path
        self._silence_s = silence_s
        self._repeat_s = repeat_s
        self._listening_since = now
        self._lock = threading.Lock()
        known = _read(path)
        self._watches = {name: known.get(name, Watch(name)) for name in names}
        self._write()

    def beat(self, name: str, now: float) -> bool:
        """Take a sign of life; False: this environment is not watched."""
        return self._change(name, last_beat=now, lost_at=None)

    def lost(self, name: str, now: float) -> bool:
        """Take the word of the path that its Watchdog is over; False: this environment is not watched."""
        return self._change(name, lost_at=now)

    def listen_again(self, now: float) -> None:
        """Count silence from now on: this program itself was asleep."""
        with self._lock:
            self._listening_since = now

    def due(self, now: float) -> list[Notice]:
        """Return what people must be told now; it stays due until `told` says that they were."""
        with self._lock:
            return [notice for watch in self._watches.values() if (notice := self._judge(watch, now))]

    def told(self, notice: Notice, now: float) -> None:
        """Remember that people were told, before the next start too.

        Raises:
            StateError: See the class.
        """
        if notice.is_silent:
            self._change(notice.name, reported_at=now, silent_since=notice.since)
        else:
            self._change(notice.name, reported_at=None, silent_since=None)

    def all(self) -> list[Watch]:
        """Return the watches by name."""
        with self._lock:
            return sorted(self._watches.values(), key=lambda watch: watch.name)

    def silent_for_s(self, watch: Watch, now: float) -> float:
        """Return for how many seconds no sign of life has come, 0 while beats come."""
        if watch.lost_at is not None:
            return now - watch.lost_at + self._silence_s
        return now - max(watch.last_beat or 0.0, self._listening_since)

    def is_silent(self, watch: Watch, now: float) -> bool:
        """Tell whether the silence is longer than it may be."""
        return self.silent_for_s(watch, now) >= self._silence_s

    def _judge(self, watch: Watch, now: float) -> Notice | None:
        if not self.is_silent(watch, now):
            if watch.reported_at is None or watch.last_beat is None or watch.last_beat <= watch.reported_at:
                return None   # well, or not yet heard again since the last start
            return Notice(watch.name, is_silent=False, since=watch.silent_since or watch.reported_at, at=watch.last_beat)
        if watch.reported_at is not None and now - watch.reported_at < self._repeat_s:
            return None
        since = watch.silent_since or watch.last_beat or self._listening_since
        return Notice(watch.name, is_silent=True, since=since, at=now)

    def _change(self, name: str, **changes: Any) -> bool:
        with self._lock:
            if name not in self._watches:
                return False
            self._watches[name] = replace(self._watches[name], **changes)
            self._write()
            return True

    def _write(self) -> None:
        new = self._path.with_suffix(".new")
        try:
            new.write_text(json.dumps([asdict(watch) for watch in self._watches.values()]), encoding="utf-8")
            os.replace(new, self._path)   # noqa: PTH105  whole or not at all
        except OSError as error:
            raise StateError(f"{self._path}: {error}") from error


def _read(path: Path) -> dict[str, Watch]:
    try:
        loaded = json.loads(path.read_text(encoding="utf-8"))
        return {entry["name"]: Watch(**entry) for entry in loaded}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StateError(f"{path}: {error}; remove the file, then it begins anew") from error
