"""Where rate limits are counted: fixed windows in memory that end in order, and never more than a given number of them.

The storage that comes with the library walks through all its keys up to a hundred times a second, in a thread that it
starts anew each time, has no upper bound, and only the system's clock.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from limits.storage import Storage

# About 30 MB of memory, full. Beyond it the oldest window is forgotten: whoever attacks from this many addresses is
# no longer one that a limit per address could hold off, and the service must survive it.
WINDOWS_MAX = 100_000


@dataclass
class _Window:
    count: int
    starts_at: float
    ends_at: float


class Windows(Storage):
    """Counts by key. All keys must have windows of the same length, so that the oldest ends first.

    Args:
        clock: Gives seconds.
        most: Windows remembered at the same time.
    """

    def __init__(self, clock: Callable[[], float], *, most: int = WINDOWS_MAX) -> None:
        super().__init__()
        self._clock = clock
        self._most = most
        self._lock = threading.Lock()
        self._windows: OrderedDict[str, _Window] = OrderedDict()

    @property
    def base_exceptions(self) -> type[Exception]:
        """Name what the library would wrap if it were asked to; nothing here fails."""
        return OSError

    def __len__(self) -> int:
        """Return the number of windows in memory."""
        return len(self._windows)

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count `amount` more; a new window lasts `expiry` seconds. Returns the count of the window."""
        with self._lock:
            now = self._forget_ended()
            window = self._windows.get(key)
            if window is None:
                if len(self._windows) >= self._most:
                    self._windows.popitem(last=False)
                window = self._windows[key] = _Window(0, now, now + expiry)
            window.count += amount
            return window.count

    def get(self, key: str) -> int:
        """Return the count of the window, 0 when there is none."""
        with self._lock:
            self._forget_ended()
            window = self._windows.get(key)
            return window.count if window else 0

    def get_expiry(self, key: str) -> float:
        """Return the time at which the window ends; now when there is none."""
        with self._lock:
            window = self._windows.get(key)
            return window.ends_at if window else self._clock()

    def check(self) -> bool:
        """Say that the storage works."""
        return True

    def reset(self) -> int:
        """Forget everything; returns how many windows there were."""
        with self._lock:
            count = len(self._windows)
            self._windows.clear()
            return count

    def clear(self, key: str) -> None:
        """Forget one window."""
        with self._lock:
            self._windows.pop(key, None)

    def _forget_ended(self) -> float:
        """Drop the windows that have ended, and those that begin in the future of a clock set back; returns the time."""
        now = self._clock()
        while self._windows:
            oldest = next(iter(self._windows.values()))
            if oldest.starts_at <= now < oldest.ends_at:
                break
            self._windows.popitem(last=False)
        return now
