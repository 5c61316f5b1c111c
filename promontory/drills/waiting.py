"""Waits for what a drill expects: for mails, and where an alert is not mailed in time, for Alertmanager to have it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from promontory.drills.alerts import has_reached_alertmanager
from promontory.drills.expect import FIRING, Expected
from promontory.mailbox import Mail, Mailbox
from promontory.stack import Stack

_INTERVAL_S = 1.0


class Wait:
    """What has come since this was made.

    Attributes:
        since: When that was, epoch seconds, as the mailbox takes it.
        came: Seconds after which each expectation was met.
    """

    def __init__(self, stack: Stack, told: Callable[[str], None]) -> None:
        """Count from now on; `told` gets each arrival as a sentence."""
        self._stack = stack
        self._mailbox = Mailbox(stack.door("mailbox"))
        self._told = told
        self.since = f"{time.time() - 0.001:.3f}"   # rounding must not put it after the first mail
        self.came: dict[Expected, float] = {}

    def for_all(self, expected: Sequence[Expected], *, begun: float, timeout_s: float) -> None:
        """Wait until all are there, at the longest `timeout_s` from now.

        Args:
            begun: What their seconds are counted from, by the monotonic clock.
        Raises:
            ServiceUnreachable: The mailbox or Alertmanager does not answer.
        """
        deadline = time.monotonic() + timeout_s
        missing = [one for one in expected if one not in self.came]
        while missing and time.monotonic() < deadline:
            mails = self._mailbox.messages(since=self.since)
            for one in missing:
                if self._is_there(one, mails):
                    self.came[one] = time.monotonic() - begun
                    self._told(f"{'Mail' if one.mailed else 'Alertmanager knows'} after {self.came[one]:.0f} s: {one}")
            missing = [one for one in missing if one not in self.came]
            if missing:
                time.sleep(_INTERVAL_S)

    def _is_there(self, one: Expected, mails: Sequence[Mail]) -> bool:
        if one.mailed:
            return any(one.is_it(mail) for mail in mails)
        return has_reached_alertmanager(self._stack, one.alert) is (one.state == FIRING)
