"""What came back of a run, counted by all threads, and its summary."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import asdict, dataclass, field

from fintech.load.profiles import Operation
from fintech.load.site import Answer


@dataclass(frozen=True)
class OutageSummary:
    """How the steps fared that were due while the service was away.

    Args:
        from_s: Begin of the window that the caller declared, seconds from the start.
        to_s: Its end.
        steps: Steps due within it.
        recovered: Those that were answered only when they were repeated.
        lost: Those that never got an answer.
    """

    from_s: float
    to_s: float
    steps: int
    recovered: int
    lost: int


@dataclass(frozen=True)
class LedgerSummary:
    """How the balances that the clients expect compare with those the service shows.

    Args:
        accounts: How many were compared.
        unsettled: Bookings whose outcome nobody could be asked for any more; any of them may explain a difference.
        differences: Accounts that do not show what was expected, one sentence each.
    """

    accounts: int
    unsettled: int
    differences: list[str]

    @property
    def ok(self) -> bool:
        """Whether every balance is as expected, and none is in doubt."""
        return not self.differences and not self.unsettled


@dataclass(frozen=True)
class Summary:
    """What a run did and saw.

    Args:
        profile: Its name.
        seed: Of the plan.
        planned: Steps in the plan.
        sent: Steps begun before the run ended.
        rate_per_s: Answers per second of the run.
        by_status: Answers by HTTP status, such as {"201": 40}; a step that is repeated gets several.
        unanswered: Requests without answer by reason.
        repeated: Requests beyond the first of their step.
        replayed: Bookings that had been booked by an earlier request whose answer was lost.
        by_operation: Steps answered below 500 in the end, and all others, by operation: {"deposit": {"ok": 9, "failed": 1}}.
        latency_ms: p50, p95, p99 and max, from when a step was due to its last answer, so that neither a stalled service
            nor one that has to be asked again can hide behind requests that were not sent.
        duration_s: How long it took, preparation apart.
        outage: The declared outage, if there was one.
        ledger: The comparison at the end, if it was asked for.
    """

    profile: str
    seed: int
    planned: int
    sent: int
    rate_per_s: float
    by_status: dict[str, int]
    unanswered: dict[str, int]
    repeated: int
    replayed: int
    by_operation: dict[str, dict[str, int]]
    latency_ms: dict[str, float]
    duration_s: float
    outage: OutageSummary | None = None
    ledger: LedgerSummary | None = None

    @property
    def failed(self) -> int:
        """Steps that in the end got a 5xx or nothing."""
        return sum(counts["failed"] for counts in self.by_operation.values())

    def as_dict(self) -> dict[str, object]:
        """Return all of it for JSON."""
        return {**asdict(self), "failed": self.failed}


@dataclass
class Record:
    """The counts of a run under way; safe to use from several threads.

    Args:
        window_s: Begin and end of a declared outage, seconds from the start.
    """

    window_s: tuple[float, float] | None = None
    answered: int = 0
    failures: int = 0
    repeated: int = 0
    replayed: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    unanswered: Counter[str] = field(default_factory=Counter)
    operations: dict[str, dict[str, int]] = field(
        default_factory=lambda: {operation.value: {"ok": 0, "failed": 0} for operation in Operation}
    )
    latencies_ms: list[float] = field(default_factory=list)
    _in_outage: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note_answer(self, answer: Answer, *, repeated: bool) -> None:
        """Count one request."""
        with self._lock:
            self.repeated += repeated
            self.replayed += answer.replayed
            self.failures += answer.failed
            if answer.status is None:
                self.unanswered[answer.reason] += 1
            else:
                self.answered += 1
                self.statuses[str(answer.status)] += 1

    def note_step(self, operation: Operation, at_s: float, answer: Answer, *, latency_ms: float, tries: int) -> None:
        """Count a step that is over, by its last answer."""
        with self._lock:
            self.operations[operation.value]["failed" if answer.failed else "ok"] += 1
            if answer.status is not None:
                self.latencies_ms.append(latency_ms)
            if self.window_s and self.window_s[0] <= at_s < self.window_s[1]:
                self._in_outage["steps"] += 1
                self._in_outage["lost"] += answer.failed
                self._in_outage["recovered"] += not answer.failed and tries > 1

    def outage(self) -> OutageSummary | None:
        """Sum the declared outage up."""
        if self.window_s is None:
            return None
        seen = self._in_outage
        return OutageSummary(*self.window_s, steps=seen["steps"], recovered=seen["recovered"], lost=seen["lost"])

    def latency_ms(self) -> dict[str, float]:
        """Return the quantiles of a summary."""
        ordered = sorted(self.latencies_ms)
        shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
        return {name: _quantile(ordered, share) for name, share in shares.items()}


def _quantile(ordered: list[float], share: float) -> float:
    if not ordered:
        return 0.0
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1)
