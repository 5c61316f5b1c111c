"""Refusing mail on demand: what a sender meets when the mail server is ill, for tests and drills.

It lasts a bounded time and is forgotten when the program ends, so that no drill leaves a mailbox behind that takes nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

STAGES = ("connect", "mail", "rcpt", "data")
MAX_FOR_S = 86_400
_DEFAULT_FOR_S = 600


class RefusalError(ValueError):
    """What was asked for is not possible; the message names the key and the value."""


@dataclass(frozen=True)
class Refusal:
    """What is refused.

    Attributes:
        code: SMTP reply, 400 to 499 (come again) or 500 to 599 (never).
        stage: The command that gets the reply: connect (the greeting), mail, rcpt or data (after the whole message).
        for_s: Seconds it lasts, 1 to MAX_FOR_S.
        times: Replies after which it ends; 0 is without limit.
    """

    code: int
    stage: str = "data"
    for_s: int = _DEFAULT_FOR_S
    times: int = 0

    @property
    def reply(self) -> str:
        """The line that the sender gets."""
        later = "try again later" if self.code < 500 else "do not try again"
        return f"{self.code} {self.code // 100}.3.0 Refused on demand, {later}"


def read(given: Any) -> Refusal:
    """Read a refusal from JSON.

    Raises:
        RefusalError: A key is unknown or a value out of its range.
    """
    if not isinstance(given, Mapping):
        raise RefusalError(f"expected a mapping with code, found {type(given).__name__}")
    if unknown := sorted(set(given) - {"code", "stage", "for_s", "times"}):
        raise RefusalError(f"unknown keys {unknown}; known are code, stage, for_s and times")
    stage = given.get("stage", "data")
    if stage not in STAGES:
        raise RefusalError(f"stage is {stage!r}, expected one of {', '.join(STAGES)}")
    return Refusal(
        code=_number(given, "code", None, 400, 599),
        stage=stage,
        for_s=_number(given, "for_s", _DEFAULT_FOR_S, 1, MAX_FOR_S),
        times=_number(given, "times", 0, 0, 1_000_000),
    )


def _number(given: Mapping[str, Any], key: str, default: int | None, least: int, most: int) -> int:
    value = given.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise RefusalError(f"{key} is {value!r}, expected a whole number from {least} to {most}")
    return value


@dataclass
class Refusals:
    """The refusal in force, if any; the page's threads set it and the SMTP server's thread asks."""

    clock: Callable[[], float] = time.monotonic
    _now: Refusal | None = None
    _ends: float = 0
    _given: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, refusal: Refusal) -> None:
        """Refuse from now on; one before it is over."""
        with self._lock:
            self._now, self._ends, self._given = refusal, self.clock() + refusal.for_s, 0

    def end(self) -> None:
        """Take mail again."""
        with self._lock:
            self._now = None

    def state(self) -> dict[str, Any] | None:
        """Tell what is refused, for how many seconds still, and how often it was; None when nothing is."""
        with self._lock:
            if self._current() is None or self._now is None:
                return None
            left = max(0, round(self._ends - self.clock()))
            return {"code": self._now.code, "stage": self._now.stage, "for_s": left, "times": self._now.times, "given": self._given}

    def reply(self, stage: str) -> str | None:
        """Return the reply to a command, and count it; None when it is not to be refused."""
        with self._lock:
            current = self._current()
            if current is None or current.stage != stage:
                return None
            self._given += 1
            return current.reply

    def _current(self) -> Refusal | None:
        if self._now and (self.clock() >= self._ends or (self._now.times and self._given >= self._now.times)):
            self._now = None
        return self._now
