"""A request that comes twice is booked once: its answer was lost, somebody clicked twice, a proxy tried again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from fintech.bank import Bank, Kind, Outcome, Receipt
from fintech.database import Database, accounts, transactions
from fintech.errors import BalanceLimit, IdempotencyKeyReused, InsufficientFunds, Invalid
from fintech.idempotency import Idempotency
from fintech.money import MAX_BALANCE_CENTS
from tests.sample_app.databases import BOTH_ENGINES
from tests.sample_app.ledgers import ADA, BOB, WRITERS, Outcomes, sound

ENGINES = BOTH_ENGINES

ONCE = Idempotency("order-1", "a" * 64)
ANOTHER_REQUEST = Idempotency("order-1", "b" * 64)


@pytest.fixture
def own(bank: Bank) -> str:
    """Give an account of ADA's that holds 10.00."""
    number = bank.open_account(ADA, "Everyday").number
    bank.deposit(ADA, account=number, amount="10.00")
    return number


@pytest.fixture
def other(bank: Bank) -> str:
    return bank.open_account(BOB, "Bob's").number


def booked(database: Database) -> int:
    with database.read() as connection:
        return connection.scalar(select(func.count()).select_from(transactions)) or 0


MOVES: dict[Kind, Callable[[Bank, str, str, Idempotency], Receipt]] = {
    Kind.DEPOSIT: lambda bank, own, _, key: bank.deposit(ADA, account=own, amount="1.00", idempotency=key),
    Kind.WITHDRAWAL: lambda bank, own, _, key: bank.withdraw(ADA, account=own, amount="1.00", idempotency=key),
    Kind.TRANSFER: lambda bank, own, other, key: bank.transfer(
        ADA, source=own, target=other, amount="1.00", idempotency=key
    ),
}


@pytest.mark.parametrize("kind", list(Kind))
def test_the_second_time_answers_as_the_first_and_books_nothing(
    bank: Bank, database: Database, outcomes: Outcomes, own: str, other: str, kind: Kind
) -> None:
    first = MOVES[kind](bank, own, other, ONCE)
    bank.deposit(ADA, account=own, amount="5.00")  # the answer is that of then, whatever came since
    second = MOVES[kind](bank, own, other, ONCE)

    assert (first.replayed, second.replayed) == (False, True)
    assert second == Receipt(
        first.transaction_id, kind, 100, own, first.balance_after_cents, replayed=True
    )
    assert booked(database) == 3
    assert outcomes[kind, Outcome.REPLAYED] == 1
    assert outcomes.cents == [1000, 100, 500]


def test_a_repetition_is_answered_when_the_funds_are_gone(bank: Bank, own: str) -> None:
    """It was booked; to say now that it cannot be would make the client try elsewhere."""
    first = bank.withdraw(ADA, account=own, amount="10.00", idempotency=ONCE)
    assert bank.withdraw(ADA, account=own, amount="10.00", idempotency=ONCE).transaction_id == first.transaction_id


def test_a_key_with_another_request_is_refused(bank: Bank, database: Database, outcomes: Outcomes, own: str) -> None:
    bank.deposit(ADA, account=own, amount="1.00", idempotency=ONCE)
    with pytest.raises(IdempotencyKeyReused):
        bank.deposit(ADA, account=own, amount="2.00", idempotency=ANOTHER_REQUEST)
    assert booked(database) == 2
    assert outcomes[Kind.DEPOSIT, Outcome.INVALID] == 1


def test_a_key_with_another_kind_is_refused(bank: Bank, database: Database, own: str) -> None:
    bank.deposit(ADA, account=own, amount="1.00", idempotency=ONCE)
    with pytest.raises(IdempotencyKeyReused):
        bank.withdraw(ADA, account=own, amount="1.00", idempotency=ONCE)
    assert booked(database) == 2


def test_a_key_is_the_users_own(bank: Bank, own: str, other: str) -> None:
    """Nobody can find out, or spoil, the keys of somebody else."""
    assert not bank.deposit(ADA, account=own, amount="1.00", idempotency=ONCE).replayed
    assert not bank.deposit(BOB, account=other, amount="1.00", idempotency=ANOTHER_REQUEST).replayed


def fill(database: Database, number: str) -> None:
    with database.write() as connection:
        connection.execute(update(accounts).where(accounts.c.id == int(number)).values(balance_cents=MAX_BALANCE_CENTS))


@pytest.mark.parametrize(
    ("error", "move"),
    [
        pytest.param(
            InsufficientFunds, lambda bank, own: bank.withdraw(ADA, account=own, amount="99.00", idempotency=ONCE), id="funds"
        ),
        pytest.param(
            BalanceLimit, lambda bank, own: bank.deposit(ADA, account=own, amount="1.00", idempotency=ONCE), id="limit"
        ),
        pytest.param(
            Invalid,
            lambda bank, own: bank.transfer(ADA, source=own, target="999999999999", amount="1.00", idempotency=ONCE),
            id="target",
        ),
    ],
)  # fmt: skip
def test_a_refused_request_leaves_its_key_free(
    bank: Bank, database: Database, own: str, error: type[Exception], move: Callable[[Bank, str], Receipt]
) -> None:
    if error is BalanceLimit:
        fill(database, own)
    with pytest.raises(error):
        move(bank, own)
    assert not bank.withdraw(ADA, account=own, amount="1.00", idempotency=ANOTHER_REQUEST).replayed


def test_requests_without_a_key_are_never_taken_for_one_another(bank: Bank, own: str) -> None:
    ids = {bank.deposit(ADA, account=own, amount="1.00").transaction_id for _ in range(3)}
    assert len(ids) == 3


def test_of_many_at_once_with_one_key_exactly_one_is_booked(bank: Bank, database: Database, own: str) -> None:
    start = threading.Barrier(WRITERS)

    def attempt(_: int) -> Receipt:
        start.wait()
        return bank.withdraw(ADA, account=own, amount="3.00", idempotency=ONCE)

    with ThreadPoolExecutor(WRITERS) as pool:
        receipts = list(pool.map(attempt, range(WRITERS)))

    assert [receipt.replayed for receipt in receipts].count(False) == 1
    assert {receipt.transaction_id for receipt in receipts} == {receipts[0].transaction_id}
    assert {receipt.balance_after_cents for receipt in receipts} == {700}
    assert bank.account(ADA, own).balance_cents == 700
    assert sound(database)


def test_of_many_at_once_with_one_key_and_different_requests_exactly_one_is_booked(
    bank: Bank, database: Database, own: str
) -> None:
    start = threading.Barrier(WRITERS)

    def attempt(number: int) -> str:
        start.wait()
        try:
            bank.deposit(ADA, account=own, amount=f"0.0{number + 1}", idempotency=Idempotency("k", f"{number:064}"))
        except IdempotencyKeyReused:
            return "refused"
        return "booked"

    with ThreadPoolExecutor(WRITERS) as pool:
        results = sorted(pool.map(attempt, range(WRITERS)))

    assert results == ["booked"] + ["refused"] * (WRITERS - 1)
    assert sound(database)


def test_the_database_itself_takes_a_key_once(bank: Bank, database: Database, own: str) -> None:
    """Whatever the program does: the rule is a unique index."""
    bank.deposit(ADA, account=own, amount="1.00", idempotency=ONCE)
    row = {"id": "x", "kind": "deposit", "user_id": ADA, "created_at": 0, "idempotency_key": ONCE.key}
    with pytest.raises(IntegrityError), database.write() as connection:
        connection.execute(transactions.insert().values(**row))
