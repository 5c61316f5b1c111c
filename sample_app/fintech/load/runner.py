"""Carries a plan out: each step when it is due, again when it failed, and in the end the books are compared."""

from __future__ import annotations

import random
import secrets
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from fintech.load.ledger import Booking, Difference, ExpectedBalances
from fintech.load.person import Person
from fintech.load.plan import Step, plan
from fintech.load.profiles import PROFILES, Profile
from fintech.load.record import LedgerSummary, Record, Summary
from fintech.load.schedule import Schedule
from fintech.load.site import Answer, Site

_SETUP_PATIENCE_S = 60.0
_PATIENCE_S = 15.0      # how long a step is repeated in all
_OUTAGE_PATIENCE_S = 60.0   # the same, from the end of a declared outage
_SETTLE_PATIENCE_S = 60.0   # how long the outcome of a booking is asked for in the end
_FIRST_WAIT_S = 0.2
_LONGEST_WAIT_S = 5.0
_TOO_MANY = 429
_SAYS_NOTHING = (401, _TOO_MANY)   # about an earlier request of the same key


class LoadError(Exception):
    """The run could not begin: the service gave no user an account. The text says what it answered."""


@dataclass(frozen=True)
class Wish:
    """What a run is to be.

    Args:
        rate: Steps per second on average, above 0.
        duration_s: Seconds, above 0.
        profile: What is done and when.
        seed: Decides every step.
        users: How many people act, 1 or more.
        threads: Requests that may wait for their answers at the same time.
        timeout_s: Seconds after which a request counts as unanswered.
        ca_file: Certificate authority to trust instead of the system's.
        outage_s: Begin and end of an outage that the caller makes, seconds from the start.
        verify: Whether the balances are compared in the end.
    """

    rate: float = 10.0
    duration_s: float = 60.0
    profile: Profile = PROFILES["steady"]
    seed: int = 1
    users: int = 4
    threads: int = 32
    timeout_s: float = 10.0
    ca_file: str | None = None
    outage_s: tuple[float, float] | None = None
    verify: bool = False


@dataclass(eq=False)
class _Task:
    """A step on its way; `key` stays the same however often it is sent."""

    step: Step
    due: float
    key: str = field(default_factory=lambda: str(uuid.uuid4()))
    tries: int = 0
    last: Answer | None = None
    in_doubt: bool = False  # a request of it may have been worked on without our hearing of it


def run(
    url: str,
    wish: Wish,
    *,
    stop: threading.Event | None = None,
    on_begin: Callable[[], None] = lambda: None,
    on_second: Callable[[float, int, int], None] = lambda passed_s, answers, failures: None,
) -> Summary:
    """Put load on a service.

    Args:
        url: Where it is, prefix included.
        wish: What kind of load.
        stop: When set, the run ends early.
        on_begin: Called once the people have their accounts.
        on_second: Called about once a second with seconds passed, answers and failures so far.
    Raises:
        LoadError: No user could be set up within a minute.
    """
    return _Run(url, wish, stop or threading.Event()).carry_out(on_begin, on_second)


class _Run:
    def __init__(self, url: str, wish: Wish, stop: threading.Event) -> None:
        self._url = url
        self._wish = wish
        self._stop = stop
        self._record = Record(wish.outage_s)
        self._balances = ExpectedBalances()
        site = Site(url, timeout_s=wish.timeout_s, ca_file=wish.ca_file)
        name = secrets.token_hex(4)
        self._people = [Person(site, f"load-{name}-{number}", self._balances) for number in range(wish.users)]
        self._unsettled: list[_Task] = []
        self._jitter = random.Random(wish.seed)  # noqa: S311 - no secret

    def carry_out(self, on_begin: Callable[[], None], on_second: Callable[[float, int, int], None]) -> Summary:
        wish = self._wish
        self._let_arrive()
        steps = plan(
            seed=wish.seed, rate=wish.rate, duration_s=wish.duration_s, users=wish.users, profile=wish.profile
        )
        on_begin()
        self._started = started = time.monotonic()
        schedule = Schedule(self._take, threads=wish.threads)
        schedule.start((started + step.at_s, _Task(step, started + step.at_s)) for step in steps)
        try:
            while not self._stop.is_set():
                left_s = wish.duration_s - self._passed_s()
                if left_s > 0:
                    self._stop.wait(min(1.0, left_s))
                elif schedule.wait(1.0):
                    break
                on_second(self._passed_s(), self._record.answered, self._record.failures)
        finally:
            left = schedule.close()
        for task in left:
            if task.last is not None:
                self._end(task, task.last)
        return self._summary(len(steps), len(steps) - sum(task.last is None for task in left), self._passed_s())

    def _passed_s(self) -> float:
        return time.monotonic() - self._started

    def _take(self, task: _Task) -> float | None:
        """Send a step; return the seconds after which to send it again, or None when it is over."""
        answer = self._send(task)
        task.tries += 1
        task.last = answer
        task.in_doubt = answer.failed or (task.in_doubt and answer.status in _SAYS_NOTHING)
        self._record.note_answer(answer, repeated=task.tries > 1)
        again = answer.failed or answer.status == _TOO_MANY
        if again and self._may_be_repeated(task):
            wait_s = self._wait_s(task.tries, answer)
            if time.monotonic() + wait_s < self._patient_until(task):
                return wait_s
        self._end(task, answer)
        return None

    def _send(self, task: _Task) -> Answer:
        person = self._people[task.step.user]
        booking = self._booking(task)
        return person.does(task.step) if booking is None else person.books(booking, task.key)

    def _booking(self, task: _Task) -> Booking | None:
        user = task.step.user
        return self._people[user].wants_to_book(task.step, self._people[(user + 1) % len(self._people)])

    def _may_be_repeated(self, task: _Task) -> bool:
        return task.step.operation.books or self._wish.profile.repeats_all

    def _patient_until(self, task: _Task) -> float:
        if self._wish.outage_s is None:
            return task.due + _PATIENCE_S
        return max(task.due + _PATIENCE_S, self._started + self._wish.outage_s[1] + _OUTAGE_PATIENCE_S)

    def _wait_s(self, tries: int, answer: Answer) -> float:
        """Return how long to wait before a repetition: doubled each time, and drawn, so that clients do not march in step."""
        longest_s = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2**tries)
        return (answer.retry_after_s or 0.0) + self._jitter.uniform(0, longest_s)

    def _end(self, task: _Task, answer: Answer) -> None:
        if task.step.operation.books and task.in_doubt:
            self._unsettled.append(task)
        latency_ms = (time.monotonic() - task.due) * 1000
        step = task.step
        self._record.note_step(step.operation, step.at_s, answer, latency_ms=latency_ms, tries=task.tries)

    def _let_arrive(self) -> None:
        for person in self._people:
            deadline = time.monotonic() + _SETUP_PATIENCE_S
            while (answer := person.arrive()).status != 200:
                # A fault may be on already: a drill switches it on before or after the load, as it likes.
                waits = answer.failed or answer.status == _TOO_MANY
                wait_s = 0.2 if answer.retry_after_s is None else answer.retry_after_s
                if answer.status == _TOO_MANY:
                    deadline = max(deadline, time.monotonic() + wait_s + _SETUP_PATIENCE_S)  # it said when
                if not waits or time.monotonic() > deadline or self._stop.wait(wait_s):
                    raise LoadError(f"{self._url}: no user could be set up, the last answer was: {answer}")

    def _summary(self, planned: int, sent: int, duration_s: float) -> Summary:
        record = self._record
        return Summary(
            profile=self._wish.profile.name,
            seed=self._wish.seed,
            planned=planned,
            sent=sent,
            rate_per_s=round(record.answered / duration_s, 2),
            by_status=dict(sorted(record.statuses.items())),
            unanswered=dict(sorted(record.unanswered.items())),
            repeated=record.repeated,
            replayed=record.replayed,
            by_operation=record.operations,
            latency_ms=record.latency_ms(),
            duration_s=round(duration_s, 2),
            outage=record.outage(),
            ledger=self._verify() if self._wish.verify else None,
        )

    def _verify(self) -> LedgerSummary:
        deadline = time.monotonic() + _SETTLE_PATIENCE_S
        unsettled = sum(not self._is_settled(task, deadline) for task in self._unsettled)
        differences = [
            self._balances.compare(account, self._shown(person, account, deadline))
            for person in self._people
            for account in person.accounts
        ]
        return LedgerSummary(len(differences), unsettled, [_sentence(one) for one in differences if one])

    def _is_settled(self, task: _Task, deadline: float) -> bool:
        """Ask for the outcome of a booking, by its key, until it is known."""
        answer = _asked_until(lambda: self._send(task), deadline)
        return not answer.failed and answer.status not in _SAYS_NOTHING

    def _shown(self, person: Person, account: str, deadline: float) -> dict[str, object] | None:
        answer = _asked_until(lambda: person.shows(account), deadline)
        return answer.body if answer.status == 200 else None


def _asked_until(ask: Callable[[], Answer], deadline: float) -> Answer:
    """Ask until the service answers, at the longest until the deadline of the monotonic clock."""
    while (answer := ask()).failed or answer.status == _TOO_MANY:
        wait_s = answer.retry_after_s or _FIRST_WAIT_S
        if time.monotonic() + wait_s > deadline:
            break
        time.sleep(wait_s)
    return answer


def _sentence(difference: Difference) -> str:
    shown = "nothing" if difference.shown_cents is None else f"{difference.shown_cents / 100:.2f}"
    return f"account {difference.account} shows {shown}, expected {difference.expected_cents / 100:.2f}"
