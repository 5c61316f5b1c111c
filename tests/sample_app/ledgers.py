"""A ledger to book in, without the application around it, and ways to do so from many sides at once."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from sqlalchemy import insert
from sqlalchemy.engine import URL

from fintech.bank import Bank, DeclineReason, Kind, Outcome
from fintech.database import Database, users
from fintech.errors import FintechError
from fintech.ledger import audit

ADA, BOB = 1, 2
WRITERS = 8


@dataclass
class Outcomes:
    """What a bank has told about its transactions."""

    counts: Counter[tuple[Kind, Outcome]] = field(default_factory=Counter)
    reasons: Counter[DeclineReason] = field(default_factory=Counter)
    cents: list[int] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(
        self, kind: Kind, outcome: Outcome, *, cents: int | None = None, reason: DeclineReason | None = None
    ) -> None:
        with self._lock:
            self.counts[kind, outcome] += 1
            self.reasons.update([reason] if reason else [])
            self.cents.extend([cents] if cents is not None else [])

    def __getitem__(self, key: tuple[Kind, Outcome]) -> int:
        return self.counts[key]


@pytest.fixture
def database(database_url: URL) -> Iterator[Database]:
    """Give a database with two users, ADA and BOB."""
    database = Database(database_url, connections=WRITERS)
    with database.write() as connection:
        for name in ("ada", "bob"):
            connection.execute(insert(users).values(username=name, password_hash="", created_at=0))
    yield database
    database.close()


@pytest.fixture
def outcomes() -> Outcomes:
    return Outcomes()


@pytest.fixture
def bank(database: Database, outcomes: Outcomes) -> Bank:
    return Bank(database, clock=lambda: 0, on_outcome=outcomes)


def sound(database: Database) -> bool:
    """Tell whether the ledger adds up."""
    with database.read() as connection:
        return audit(connection) == []


def all_at_once(work: Callable[[], object], times: int) -> Counter[str]:
    """Do the same from 8 threads; count what came of it by the name of the error, or "done"."""
    start = threading.Barrier(WRITERS)

    def one_thread() -> Counter[str]:
        start.wait()
        seen: Counter[str] = Counter()
        for _ in range(times // WRITERS):
            try:
                work()
                seen["done"] += 1
            except FintechError as error:
                seen[type(error).__name__] += 1
        return seen

    with ThreadPoolExecutor(WRITERS) as pool:
        return sum((future.result() for future in [pool.submit(one_thread) for _ in range(WRITERS)]), Counter())
