"""Carries a plan out: each step when it is due, whether or not the ones before it have been answered."""

from __future__ import annotations

import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass

from fintech.load.client import Answer, Site, User
from fintech.load.plan import Operation, Step, plan

_SETUP_PATIENCE_S = 30.0


class LoadError(Exception):
    """The run could not begin: the service gave no user an account. The text says what it answered."""


@dataclass(frozen=True)
class Summary:
    """What a run did and saw.

    Args:
        seed: Of the plan.
        planned: Steps in the plan.
        sent: Steps begun before the run ended.
        rate_per_s: Answers per second of the run.
        by_status: Answers by HTTP status, such as {"201": 40}.
        unanswered: Requests without answer by reason.
        by_operation: Steps answered below 500 and all others, by operation: {"deposit": {"ok": 9, "failed": 1}}.
        latency_ms: p50, p95, p99 and max, from when a step was due to its answer, so that a stalled service cannot
            hide behind requests that were not sent.
        duration_s: How long it took, preparation apart.
    """

    seed: int
    planned: int
    sent: int
    rate_per_s: float
    by_status: dict[str, int]
    unanswered: dict[str, int]
    by_operation: dict[str, dict[str, int]]
    latency_ms: dict[str, float]
    duration_s: float

    @property
    def failed(self) -> int:
        """Requests that got a 5xx or nothing."""
        return sum(counts["failed"] for counts in self.by_operation.values())

    def as_dict(self) -> dict[str, object]:
        """Return all of it for JSON."""
        return {**asdict(self), "failed": self.failed}


def run(
    url: str,
    *,
    rate: float = 10.0,
    duration_s: float = 60.0,
    seed: int = 1,
    users: int = 4,
    threads: int = 32,
    timeout_s: float = 10.0,
    ca_file: str | None = None,
    stop: threading.Event | None = None,
    on_second: Callable[[float, int, int], None] | None = None,
) -> Summary:
    """Put load on a service.

    Args:
        url: Where it is, prefix included.
        rate: Requests per second on average, above 0.
        duration_s: Seconds, above 0.
        seed: Decides every step.
        users: How many people act, 1 or more.
        threads: Requests that may wait for their answers at the same time.
        timeout_s: Seconds after which a request counts as unanswered.
        ca_file: Certificate authority to trust instead of the system's.
        stop: When set, the run ends early.
        on_second: Called about once a second with seconds passed, answers and failures so far.
    Raises:
        LoadError: No user could be set up within half a minute.
    """
    stop = stop or threading.Event()
    site = Site(url, timeout_s=timeout_s, ca_file=ca_file)
    run_name = secrets.token_hex(4)
    people = [User(site, f"load-{run_name}-{number}") for number in range(users)]
    _let_arrive(people, url, stop)
    steps = plan(seed=seed, rate=rate, duration_s=duration_s, users=users)
    record = _Record()
    started = time.monotonic()
    told_s = 0.0
    pool = ThreadPoolExecutor(threads, thread_name_prefix="load")
    waiting: list[Future[None]] = []
    try:
        for step in steps:
            while (ahead_s := started + step.at_s - time.monotonic()) > 0 and not stop.wait(min(ahead_s, 0.5)):
                pass
            if stop.is_set():
                break
            waiting.append(pool.submit(record.carry_out, people[step.user], step, started + step.at_s))
            if on_second and (passed_s := time.monotonic() - started) - told_s >= 1:
                told_s = passed_s
                on_second(passed_s, record.answered, record.failures)
        stop.wait(max(0.0, started + duration_s - time.monotonic()))
    finally:
        # What still waits for a thread is late beyond use; what waits for an answer has timeout_s left.
        pool.shutdown(wait=True, cancel_futures=True)
    sent = sum(not future.cancelled() for future in waiting)
    return record.summary(seed=seed, planned=len(steps), sent=sent, duration_s=time.monotonic() - started)


class _Record:
    """What has been answered so far; written by all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._latencies_ms: list[float] = []
        self._statuses: Counter[str] = Counter()
        self._unanswered: Counter[str] = Counter()
        self._operations = {operation.value: {"ok": 0, "failed": 0} for operation in Operation}
        self.failures = 0

    @property
    def answered(self) -> int:
        return len(self._latencies_ms)

    def carry_out(self, user: User, step: Step, due: float) -> None:
        answer = user.does(step)
        self._note(step, answer, (time.monotonic() - due) * 1000)

    def _note(self, step: Step, answer: Answer, latency_ms: float) -> None:
        failed = answer.status is None or answer.status >= 500
        with self._lock:
            self.failures += failed
            self._operations[step.operation.value]["failed" if failed else "ok"] += 1
            if answer.status is None:
                self._unanswered[answer.reason] += 1
            else:
                self._statuses[str(answer.status)] += 1
                self._latencies_ms.append(latency_ms)

    def summary(self, *, seed: int, planned: int, sent: int, duration_s: float) -> Summary:
        ordered = sorted(self._latencies_ms)
        return Summary(
            seed=seed,
            planned=planned,
            sent=sent,
            rate_per_s=round(len(ordered) / duration_s, 2),
            by_status=dict(sorted(self._statuses.items())),
            unanswered=dict(sorted(self._unanswered.items())),
            by_operation=self._operations,
            latency_ms={
                "p50": _quantile(ordered, 0.5),
                "p95": _quantile(ordered, 0.95),
                "p99": _quantile(ordered, 0.99),
                "max": _quantile(ordered, 1.0),
            },
            duration_s=round(duration_s, 2),
        )


def _let_arrive(people: list[User], url: str, stop: threading.Event) -> None:
    deadline = time.monotonic() + _SETUP_PATIENCE_S
    for person in people:
        answer = person.arrive()
        # A fault may be on already: a drill switches it on before or after the load, as it likes.
        while answer.status != 200:
            waits = answer.status is None or answer.status >= 500
            if not waits or time.monotonic() > deadline or stop.wait(0.2):
                seen = f"status {answer.status}" if answer.status else answer.reason
                raise LoadError(f"{url}: no user could be set up, the last answer was: {seen}")
            answer = person.arrive()


def _quantile(ordered: list[float], share: float) -> float:
    if not ordered:
        return 0.0
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1)
