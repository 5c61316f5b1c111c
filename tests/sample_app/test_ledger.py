"""The ledger: no order and no interleaving of transactions loses or makes a cent."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, event, text, update
from sqlalchemy.exc import IntegrityError, OperationalError

from fintech.bank import Bank, DeclineReason, Kind, Outcome
from fintech.database import HOUSE_ACCOUNT_ID, Database, accounts, is_writing, postings, transactions
from fintech.errors import BalanceLimit, Conflict, InsufficientFunds, Invalid, NotFound
from fintech.ledger import audit
from fintech.money import MAX_BALANCE_CENTS, format_cents
from tests.sample_app.databases import BOTH_ENGINES
from tests.sample_app.ledgers import ADA, BOB, Outcomes, all_at_once, sound

ENGINES = BOTH_ENGINES


def test_of_400_concurrent_withdrawals_against_funds_for_100_exactly_100_pass(
    bank: Bank, database: Database, outcomes: Outcomes
) -> None:
    number = bank.open_account(ADA, "Everyday").number
    bank.deposit(ADA, account=number, amount="100.00")

    seen = all_at_once(lambda: bank.withdraw(ADA, account=number, amount="1.00"), 400)

    assert seen == {"done": 100, "InsufficientFunds": 300}
    assert bank.account(ADA, number).balance_cents == 0
    assert outcomes[Kind.WITHDRAWAL, Outcome.COMMITTED] == 100
    assert outcomes[Kind.WITHDRAWAL, Outcome.DECLINED] == 300
    assert outcomes.reasons == {DeclineReason.INSUFFICIENT_FUNDS: 300}
    assert outcomes.cents == [10_000] + [100] * 100
    assert sound(database)


def test_opposite_transfers_at_once_neither_block_nor_lose_money(bank: Bank, database: Database) -> None:
    here, there = (bank.open_account(ADA, name).number for name in ("Here", "There"))
    for number in (here, there):
        bank.deposit(ADA, account=number, amount="10.00")
    turn = iter(range(1000))

    def back_or_forth() -> None:
        source, target = (here, there) if next(turn) % 2 else (there, here)
        bank.transfer(ADA, source=source, target=target, amount="0.03")

    seen = all_at_once(back_or_forth, 160)

    assert seen.total() == 160
    assert set(seen) <= {"done", "InsufficientFunds"}
    assert sum(account.balance_cents for account in bank.accounts_of(ADA)) == 2000
    assert sound(database)


MOVES = st.lists(
    st.tuples(
        st.sampled_from(["deposit", "withdraw", "transfer"]),
        st.sampled_from([ADA, BOB]),
        st.integers(0, 3),
        st.integers(0, 3),
        st.integers(-2, 900),
    ),
    max_size=30,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(MOVES)
def test_any_sequence_keeps_the_ledger_sound_and_agrees_with_a_plain_model(
    bank: Bank, database: Database, moves: list[tuple[str, int, int, int, int]]
) -> None:
    """The model is a dictionary of balances; the bank must accept and refuse exactly what the model does."""
    owner = {bank.open_account(user, "Account").number: user for user in (ADA, ADA, BOB, BOB)}
    numbers = list(owner)
    model = dict.fromkeys(numbers, 0)
    for verb, user, first, second, cents in moves:
        own, other, amount = numbers[first], numbers[second], format_cents(cents)
        allowed = cents > 0 and owner[own] == user
        if verb == "deposit":
            book = lambda: bank.deposit(user, account=own, amount=amount)  # noqa: B023, E731 - called at once
            changes = {own: cents}
        elif verb == "withdraw":
            book = lambda: bank.withdraw(user, account=own, amount=amount)  # noqa: B023, E731
            changes = {own: -cents}
        else:
            book = lambda: bank.transfer(user, source=own, target=other, amount=amount)  # noqa: B023, E731
            changes = {own: -cents, other: cents}
            allowed = allowed and own != other
        if allowed and all(model[number] + change >= 0 for number, change in changes.items()):
            book()
            for number, change in changes.items():
                model[number] += change
        else:
            with pytest.raises((Invalid, NotFound, Conflict)):
                book()
    assert {number: bank.account(user, number).balance_cents for number, user in owner.items()} == model
    assert sound(database)


@pytest.mark.parametrize("target", [None, "", "abc", "100000000000", 100000000000, "1", "9" * 400])
def test_a_transfer_without_an_existing_target_is_refused_and_moves_nothing(
    bank: Bank, database: Database, outcomes: Outcomes, target: object
) -> None:
    number = bank.open_account(ADA, "Everyday").number
    bank.deposit(ADA, account=number, amount="5.00")
    with pytest.raises(Invalid) as refused:
        bank.transfer(ADA, source=number, target=target, amount="1.00")
    assert refused.value.field == "target"
    assert bank.account(ADA, number).balance_cents == 500
    assert outcomes[Kind.TRANSFER, Outcome.INVALID] == 1
    assert sound(database)


def test_a_transfer_to_itself_is_refused(bank: Bank) -> None:
    number = bank.open_account(ADA, "Everyday").number
    with pytest.raises(Invalid, match="another account"):
        bank.transfer(ADA, source=number, target=number, amount="1.00")


def test_an_account_takes_no_more_than_its_limit(bank: Bank, database: Database, outcomes: Outcomes) -> None:
    number = bank.open_account(ADA, "Everyday").number
    with database.write() as connection:
        connection.execute(
            update(accounts).where(accounts.c.id != HOUSE_ACCOUNT_ID).values(balance_cents=MAX_BALANCE_CENTS - 100)
        )
    bank.deposit(ADA, account=number, amount="1.00")
    with pytest.raises(BalanceLimit):
        bank.deposit(ADA, account=number, amount="0.01")
    assert outcomes.reasons == {DeclineReason.BALANCE_LIMIT: 1}


def test_money_moves_only_from_own_accounts(bank: Bank) -> None:
    """A foreign account answers exactly as a missing one does."""
    foreign, own = bank.open_account(BOB, "Bob's").number, bank.open_account(ADA, "Ada's").number
    bank.deposit(BOB, account=foreign, amount="5.00")
    messages = set()
    for number in (foreign, "123456789012"):
        for move in (
            lambda number=number: bank.withdraw(ADA, account=number, amount="1.00"),
            lambda number=number: bank.deposit(ADA, account=number, amount="1.00"),
            lambda number=number: bank.transfer(ADA, source=number, target=own, amount="1.00"),
            lambda number=number: bank.account(ADA, number),
            lambda number=number: bank.entries(ADA, number),
        ):
            with pytest.raises(NotFound) as refused:
                move()
            messages.add(str(refused.value))
    assert messages == {"There is no such account."}
    assert bank.account(BOB, foreign).balance_cents == 500


@pytest.mark.parametrize("table", [transactions, postings], ids=["transactions", "postings"])
@pytest.mark.parametrize("verb", [update, delete], ids=["update", "delete"])
def test_what_is_booked_cannot_be_changed(bank: Bank, database: Database, table: object, verb: Callable) -> None:
    number = bank.open_account(ADA, "Everyday").number
    bank.deposit(ADA, account=number, amount="5.00")
    statement = verb(table).values(id=7) if verb is update else verb(table)
    with pytest.raises(IntegrityError, match="append-only"), database.write() as connection:
        connection.execute(statement)


def test_the_audit_finds_a_balance_that_was_not_booked(bank: Bank, database: Database) -> None:
    """An audit that cannot fail proves nothing."""
    number = bank.open_account(ADA, "Everyday").number
    bank.deposit(ADA, account=number, amount="5.00")
    with database.write() as connection:
        connection.execute(update(accounts).where(accounts.c.id == int(number)).values(balance_cents=501))
    with database.read() as connection:
        assert audit(connection) == [f"account {number} shows 5.01, booked are 5.00"]


def test_a_failure_of_the_database_books_nothing_and_is_counted_as_an_error(
    bank: Bank, database: Database, outcomes: Outcomes
) -> None:
    """The counter follows the commit: money that did not move is not counted as moved."""
    number = bank.open_account(ADA, "Everyday").number
    with database.write() as connection:
        if connection.dialect.name == "sqlite":
            broken = "CREATE TRIGGER broken BEFORE INSERT ON postings BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        else:
            broken = "ALTER TABLE postings ADD CONSTRAINT broken CHECK (amount_cents < -1000000)"
        connection.execute(text(broken))
    with pytest.raises(IntegrityError):
        bank.deposit(ADA, account=number, amount="5.00")
    assert outcomes.counts == {(Kind.DEPOSIT, Outcome.ERROR): 1}
    assert outcomes.cents == []
    assert bank.account(ADA, number).balance_cents == 0


def test_money_whose_commit_fails_is_not_counted_as_moved(bank: Bank, database: Database, outcomes: Outcomes) -> None:
    number = bank.open_account(ADA, "Everyday").number

    def refuse(connection: Connection) -> None:
        if is_writing(connection):
            raise OperationalError("COMMIT", None, Exception("gone"))

    event.listen(database.engine, "commit", refuse)
    with pytest.raises(OperationalError):
        bank.deposit(ADA, account=number, amount="5.00")
    event.remove(database.engine, "commit", refuse)
    assert outcomes.counts == {(Kind.DEPOSIT, Outcome.ERROR): 1}
    assert outcomes.cents == []
    assert bank.account(ADA, number).balance_cents == 0


def test_declined_money_leaves_no_trace(bank: Bank) -> None:
    number = bank.open_account(ADA, "Everyday").number
    with pytest.raises(InsufficientFunds):
        bank.withdraw(ADA, account=number, amount="0.01")
    assert bank.entries(ADA, number) == []


def test_entries_are_paged_newest_first(bank: Bank) -> None:
    number = bank.open_account(ADA, "Everyday").number
    for _ in range(5):
        bank.deposit(ADA, account=number, amount="1.00")
    first = bank.entries(ADA, number, limit=2)
    second = bank.entries(ADA, number, limit=2, before=first[-1].id)
    assert [entry.balance_after_cents for entry in (*first, *second)] == [500, 400, 300, 200]
