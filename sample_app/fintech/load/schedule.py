"""Carries work out when it is due, whether or not what came before it is done; work may ask to be done again later."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

Work = TypeVar("Work")

# Does a piece of work and returns None, or the seconds after which it is to be done again.
Does = Callable[[Work], float | None]


class Schedule(Generic[Work]):
    """Pieces of work by the time when they are due, and the threads that do them.

    Work that waits to be done again takes no thread meanwhile.

    Args:
        does: Does one piece of work; must not raise.
        threads: How many are done at the same time.
    """

    def __init__(self, does: Does[Work], *, threads: int) -> None:
        self._does = does
        self._changed = threading.Condition()
        self._waiting: list[tuple[float, int, Work]] = []
        self._numbers = itertools.count()
        self._under_way = 0
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"load-{number}", daemon=True) for number in range(threads)
        ]

    def start(self, work: Iterable[tuple[float, Work]]) -> None:
        """Begin with pieces of work, each with the time when it is due, of the monotonic clock."""
        self._waiting = [(due, next(self._numbers), piece) for due, piece in work]
        heapq.heapify(self._waiting)
        for thread in self._threads:
            thread.start()

    def wait(self, seconds: float) -> bool:
        """Wait until everything is done, at most so long; tell whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting and not self._under_way, seconds)

    def close(self) -> list[Work]:
        """Begin nothing more, wait for what is under way, and return what was never done or wanted to be done again."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        return [piece for _, _, piece in self._waiting]

    def _work(self) -> None:
        while (piece := self._next()) is not None:
            again_after_s = self._does(piece)
            with self._changed:
                self._under_way -= 1
                if again_after_s is not None:
                    heapq.heappush(self._waiting, (time.monotonic() + again_after_s, next(self._numbers), piece))
                self._changed.notify_all()

    def _next(self) -> Work | None:
        with self._changed:
            while not self._closed:
                ahead_s = self._waiting[0][0] - time.monotonic() if self._waiting else None
                if ahead_s is not None and ahead_s <= 0:
                    self._under_way += 1
                    return heapq.heappop(self._waiting)[2]
                self._changed.wait(ahead_s)
        return None
