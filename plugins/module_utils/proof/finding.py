"""One thing that was looked at, and the loop that looks until all is well or time is up."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

_PAUSE_S = 0.5


@dataclass(frozen=True)
class Finding:
    """The verdict on one check.

    Attributes:
        name: What was checked, such as ``targets``.
        ok: Whether it is as expected.
        detail: What was seen, and for a miss what was expected instead.
        look: Shell command for a closer look; empty when all is well.
        on: Host to run that command on; empty for the host that was asked.
    """

    name: str
    ok: bool
    detail: str
    look: str = ""
    on: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The finding as plain data."""
        return asdict(self)


class Check(Protocol):
    """Something that can be looked at again and again."""

    name: str
    look: str

    def find(self) -> Finding:
        """Look once. An ``OSError`` counts as a miss: the program did not answer."""


def prove(
    checks: Sequence[Check],
    *,
    timeout_s: float,
    now: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> list[Finding]:
    """Look at all checks until each is well or the time is up.

    Checks that are well are not asked again, except by :func:`_still_well` at the end of a wait: a target
    that was up before another check took half a minute may be down by then.

    Args:
        checks: What to look at, in the order of the report.
        timeout_s: How long to wait for a check that is not well yet, seconds; 0 looks once.
        now: Clock, seconds.
        pause: Waits for so many seconds.
    Returns:
        One finding for each check, in their order.
    """
    deadline = now() + timeout_s
    findings: dict[int, Finding] = {}
    waited = False
    while True:
        open_ = [number for number in range(len(checks)) if number not in findings or not findings[number].ok]
        for number in open_:
            findings[number] = _find(checks[number])
        if all(finding.ok for finding in findings.values()):
            break
        if now() >= deadline:
            break
        waited = True
        pause(_PAUSE_S)
    if waited and all(finding.ok for finding in findings.values()):
        findings = {number: _still_well(checks[number], finding) for number, finding in findings.items()}
    return [findings[number] for number in range(len(checks))]


def _find(check: Check) -> Finding:
    try:
        return check.find()
    except OSError as error:
        return Finding(check.name, ok=False, detail=str(error), look=check.look)


def _still_well(check: Check, finding: Finding) -> Finding:
    """Ask once more, unless the check is an event that happens once and is over."""
    return finding if getattr(check, "happens_once", False) else _find(check)
