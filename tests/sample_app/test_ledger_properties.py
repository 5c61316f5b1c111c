"""Whatever eight writers do at the same time, in whatever order it happens: the ledger adds up, and a key books once."""

from __future__ import annotations

import multiprocessing
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from fintech.bank import Bank
from fintech.database import Database, accounts, postings, transactions
from tests.sample_app.databases import BOTH_ENGINES
from tests.sample_app.ledgers import ADA, BOB, WRITERS, sound
from tests.sample_app.writers import Move, Result, carry_out

ENGINES = BOTH_ENGINES

_EXAMPLES = count()  # each example has keys of its own in the one database of its test

# Small amounts on few accounts with few keys: funds run out, and everybody gets into everybody's way.
PLANS = st.lists(
    st.lists(
        st.tuples(
            st.sampled_from(["deposit", "withdraw", "transfer"]),
            st.sampled_from([ADA, BOB]),
            st.integers(0, 1),
            st.integers(0, 3),
            st.integers(1, 400),
            st.sampled_from([None, None, "a", "b"]),
        ),
        min_size=1,
        max_size=5,
    ),
    min_size=WRITERS,
    max_size=WRITERS,
)
EXPECTED_ERRORS = {"", "InsufficientFunds", "IdempotencyKeyReused", "Invalid"}


@pytest.fixture(scope="module", params=["threads", "processes"])
def pool(request: pytest.FixtureRequest) -> Iterator[Executor]:
    """Give eight writers; as processes they share nothing but the database."""
    if request.param == "threads":
        made: Executor = ThreadPoolExecutor(WRITERS)
    else:
        made = ProcessPoolExecutor(WRITERS, mp_context=multiprocessing.get_context("spawn"))
    with made as pool:
        yield pool


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plans=PLANS)
def test_no_interleaving_loses_or_makes_a_cent(
    bank: Bank, database: Database, pool: Executor, plans: list[list[tuple[str, int, int, int, int, str | None]]]
) -> None:
    example = next(_EXAMPLES)
    numbers = {user: [bank.open_account(user, "Account").number for _ in range(2)] for user in (ADA, BOB)}
    everybodys = numbers[ADA] + numbers[BOB]
    for number in everybodys:
        owner = ADA if number in numbers[ADA] else BOB
        bank.deposit(owner, account=number, amount="5.00")
    before = booked(database)

    work = [
        [
            Move(verb, user, numbers[user][own], everybodys[other], cents, key and f"{example}-{key}")
            for verb, user, own, other, cents, key in plan
        ]
        for plan in plans
    ]
    url = database.engine.url.render_as_string(hide_password=False)
    results = [result for done in pool.map(carry_out, [url] * len(work), work) for result in done]

    assert {result.error for result in results} <= EXPECTED_ERRORS
    committed = [result for result in results if result.transaction_id and not result.replayed]
    assert booked(database) - before == len(committed)
    balances = {number: bank.account(None, number).balance_cents for number in everybodys}
    assert balances == expected_balances(everybodys, committed)
    assert min(balances.values()) >= 0
    each_key_books_once(results)
    assert sound(database)
    with database.read() as connection:
        assert connection.scalar(select(func.sum(postings.c.amount_cents))) == 0
        kept = connection.scalar(select(func.sum(accounts.c.balance_cents)))
        assert kept == -connection.scalar(select(func.sum(postings.c.amount_cents)).where(postings.c.account_id == 1))


def booked(database: Database) -> int:
    with database.read() as connection:
        return connection.scalar(select(func.count()).select_from(transactions)) or 0


def expected_balances(numbers: list[str], committed: list[Result]) -> dict[str, int]:
    """Add up what was accepted: the order, which nobody knows, makes no difference to a sum."""
    balances = dict.fromkeys(numbers, 500)
    for move in (result.move for result in committed):
        balances[move.own] += move.cents if move.verb == "deposit" else -move.cents
        if move.verb == "transfer":
            balances[move.other] += move.cents
    return balances


def each_key_books_once(results: list[Result]) -> None:
    by_key = defaultdict(list)
    for result in results:
        if result.move.key:
            by_key[result.move.user, result.move.key].append(result)
    for same in by_key.values():
        answered = [result for result in same if result.transaction_id]
        assert len({result.transaction_id for result in answered}) <= 1
        assert len({(r.move.verb, r.move.own, r.move.other, r.move.cents) for r in answered}) <= 1
        assert [result.replayed for result in answered].count(False) == bool(answered)
        assert answered or "IdempotencyKeyReused" not in {result.error for result in same}
