"""Which mails a drill expects, and whether they came: each once, and no others."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from promontory.mailbox import Mail

FIRING, RESOLVED = "firing", "resolved"
_SUBJECT = re.compile(r"\[(?P<state>FIRING|RESOLVED)(?::(?P<count>\d+))?\](?:\[[^\]]*\])* (?P<alert>\S+)(?P<rest>.*)", re.DOTALL)
_SEVERAL = "several instances"


@dataclass(frozen=True)
class Expected:
    """One mail that must come.

    Attributes:
        where: Part of the rest of the subject, such as the host; empty for any.
        state: ``firing`` or ``resolved``.
        may_repeat: Whether more than one is right: an alert about the way of the mails themselves, one for each member of a
            cluster, is told again as members join and leave it.
        mailed: Whether it is told by mail within the time of a drill; if not, Alertmanager is asked for the alert.
    """

    alert: str
    where: str
    state: str
    may_repeat: bool = False
    mailed: bool = True

    def is_it(self, mail: Mail) -> bool:
        """Tell whether a mail is this one, by its subject."""
        found = _SUBJECT.match(mail.subject)
        if not found or (found["state"].lower(), found["alert"]) != (self.state, self.alert):
            return False
        # A mail about several places names none of them.
        return self.where in found["rest"] or _SEVERAL in found["rest"]

    def __str__(self) -> str:
        return f"{self.alert}{f' @ {self.where}' if self.where else ''}, {self.state}"


@dataclass(frozen=True)
class Arrival:
    """What came of an expectation.

    Attributes:
        mails: Those that fit, earliest first.
        after_s: Seconds from the breakage, or for an end from its mending, until the first was there; None: it never came.
    """

    expected: Expected
    mails: Sequence[Mail]
    after_s: float | None

    @property
    def ok(self) -> bool:
        """Whether it came exactly once; a further mail of more alerts than the one before is news, no repetition."""
        if not self.expected.mailed:
            return self.after_s is not None
        counts = [_count(mail) for mail in self.mails]
        if self.expected.may_repeat:
            return bool(counts)
        return bool(counts) and all(earlier < later for earlier, later in itertools.pairwise(counts))


def _count(mail: Mail) -> int:
    found = _SUBJECT.match(mail.subject)
    return int(found["count"] or 1) if found else 0


def alert_of(mail: Mail) -> str:
    """Return the alert that a mail is about, from its subject; empty when it is about none."""
    found = _SUBJECT.match(mail.subject)
    return found["alert"] if found else ""


def open_ends(mails: Sequence[Mail]) -> set[str]:
    """Return the alerts whose newest mail does not tell an end; `mails` are newest first."""
    newest: dict[str, str] = {}
    for mail in mails:
        if found := _SUBJECT.match(mail.subject):
            newest.setdefault(found["alert"], found["state"].lower())
    return {alert for alert, state in newest.items() if state == FIRING}


def judge(mails: Sequence[Mail], expected: Sequence[Expected], came: dict[Expected, float]) -> tuple[list[Arrival], list[Mail]]:
    """Return what came of each expectation, and the mails that nobody expected (newest first as given, now oldest first)."""
    oldest_first = list(reversed(mails))
    arrivals = [
        Arrival(one, [mail for mail in oldest_first if one.is_it(mail)], came.get(one)) for one in expected
    ]
    others = [mail for mail in oldest_first if alert_of(mail) and not any(one.is_it(mail) for one in expected)]
    return arrivals, others
