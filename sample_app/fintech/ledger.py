"""The ledger: every movement of money is a transaction whose postings add up to zero.

A balance is never read, changed in Python and written back. It changes by one conditional UPDATE, which the database
either carries out whole or not at all; of 400 concurrent withdrawals against funds for 100, exactly 100 pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from fintech.database import HOUSE_ACCOUNT_ID, accounts, postings, transactions
from fintech.errors import BalanceLimit, IdempotencyKeyReused, InsufficientFunds, Invalid
from fintech.idempotency import Idempotency
from fintech.money import MAX_BALANCE_CENTS, format_cents


class Kind(StrEnum):
    """What a transaction is; the label `kind` of fintech_transactions_total."""

    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    TRANSFER = "transfer"


@dataclass(frozen=True)
class Leg:
    """One side of a movement: signed cents for an account, which the request named in `field`."""

    account_id: int
    amount_cents: int
    field: str


@dataclass(frozen=True)
class Booked:
    """A transaction as it stands in the ledger, seen from one account."""

    transaction_id: str
    balance_after_cents: int


def legs_of(kind: Kind, own: int, cents: int, target: int | None) -> Sequence[Leg]:
    """Return the two sides of a movement.

    Args:
        kind: What moves.
        own: The account of the one who asks.
        cents: How much, more than 0.
        target: The other account of a transfer; the other side of everything else is the house.
    Raises:
        Invalid: The target is the own account.
    """
    if kind is Kind.DEPOSIT:
        return (Leg(own, cents, "account"), Leg(HOUSE_ACCOUNT_ID, -cents, ""))
    if kind is Kind.WITHDRAWAL or target is None:
        return (Leg(own, -cents, "account"), Leg(HOUSE_ACCOUNT_ID, cents, ""))
    if target == own:
        raise Invalid("target", "must be another account than the source")
    return (Leg(own, -cents, "source"), Leg(target, cents, "target"))


def enter(
    connection: Connection, transaction_id: str, kind: Kind, user_id: int, now: int, idempotency: Idempotency | None
) -> bool:
    """Write a transaction's head; False when the user has one with this key already.

    Of two at once with the same key the second waits here for the end of the first, and finds the key used, or free.
    """
    insert_or_not = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = insert_or_not(transactions).values(
        id=transaction_id,
        kind=kind.value,
        user_id=user_id,
        created_at=now,
        idempotency_key=idempotency.key if idempotency else None,
        request_sha256=idempotency.request_sha256 if idempotency else None,
    )
    once = [transactions.c.user_id, transactions.c.idempotency_key]
    entered = connection.scalar(
        statement.on_conflict_do_nothing(index_elements=once).returning(transactions.c.id)
    )
    return entered is not None


def post(connection: Connection, transaction_id: str, legs: Sequence[Leg]) -> dict[int, int]:
    """Book all legs of a transaction and return the new balance of each customer's account, cents by account number.

    Raises:
        Invalid: An account does not exist.
        InsufficientFunds, BalanceLimit: The balances refuse it.
    """
    balances: dict[int, int] = {}
    # Always in the order of the account numbers: two opposite transfers then never wait for one another.
    for leg in sorted(legs, key=lambda leg: leg.account_id):
        if leg.account_id != HOUSE_ACCOUNT_ID:
            balances[leg.account_id] = _change_balance(connection, leg)
        connection.execute(
            insert(postings).values(
                transaction_id=transaction_id,
                account_id=leg.account_id,
                amount_cents=leg.amount_cents,
                balance_after_cents=balances.get(leg.account_id),
            )
        )
    return balances


def booked_before(connection: Connection, kind: Kind, user_id: int, account: int, idempotency: Idempotency) -> Booked:
    """Return what the first request with this key booked; raises IdempotencyKeyReused if that was another request."""
    row = connection.execute(
        select(transactions.c.id, postings.c.balance_after_cents)
        .join(postings)
        .where(
            transactions.c.user_id == user_id,
            transactions.c.idempotency_key == idempotency.key,
            transactions.c.request_sha256 == idempotency.request_sha256,
            transactions.c.kind == kind.value,
            postings.c.account_id == account,
        )
    ).one_or_none()
    if row is None:
        raise IdempotencyKeyReused("This key came before, with another request. A new request needs a new key.")
    return Booked(row.id, row.balance_after_cents)


def audit(connection: Connection) -> list[str]:
    """Recompute the ledger; return one sentence per thing that does not add up, so an empty list is a sound ledger."""
    unbalanced = connection.execute(
        select(postings.c.transaction_id, func.sum(postings.c.amount_cents).label("cents"))
        .group_by(postings.c.transaction_id)
        .having(func.sum(postings.c.amount_cents) != 0)
    ).all()
    booked = func.coalesce(func.sum(postings.c.amount_cents), 0)
    drifted = connection.execute(
        select(accounts.c.id, accounts.c.balance_cents, booked.label("cents"))
        .outerjoin(postings, postings.c.account_id == accounts.c.id)
        .where(accounts.c.id != HOUSE_ACCOUNT_ID)
        .group_by(accounts.c.id, accounts.c.balance_cents)
        .having(booked != accounts.c.balance_cents)
    ).all()
    return [
        *(f"transaction {row.transaction_id} is off by {format_cents(row.cents)}" for row in unbalanced),
        *(
            f"account {row.id} shows {format_cents(row.balance_cents)}, booked are {format_cents(row.cents)}"
            for row in drifted
        ),
    ]


def _change_balance(connection: Connection, leg: Leg) -> int:
    after = accounts.c.balance_cents + leg.amount_cents
    balance = connection.scalar(
        update(accounts)
        .where(accounts.c.id == leg.account_id, after >= 0, after <= MAX_BALANCE_CENTS)
        .values(balance_cents=after)
        .returning(accounts.c.balance_cents)
    )
    if balance is not None:
        return int(balance)
    if connection.scalar(select(accounts.c.id).where(accounts.c.id == leg.account_id)) is None:
        raise Invalid(leg.field, "is not the number of an account")
    if leg.amount_cents < 0:
        raise InsufficientFunds("The account does not hold that much.")
    raise BalanceLimit(f"An account holds at most {format_cents(MAX_BALANCE_CENTS)}.")
