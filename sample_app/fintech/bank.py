"""Accounts and the ledger: every movement is a transaction whose postings add up to zero.

A balance is never read, changed in Python and written back. It changes by one conditional UPDATE, which the database
either carries out whole or not at all; of 400 concurrent withdrawals against funds for 100, exactly 100 pass.
"""

from __future__ import annotations

import re
import secrets
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, Row, func, insert, select, update

from fintech.database import HOUSE_ACCOUNT_ID, Database, accounts, postings, transactions
from fintech.errors import BalanceLimit, Conflict, InsufficientFunds, Invalid, NotFound
from fintech.money import MAX_BALANCE_CENTS, format_cents, parse_amount

_ACCOUNT_NUMBER = re.compile(r"[1-9][0-9]{11}")
_NAME_CHARACTERS_MAX = 60
_ENTRIES_MAX = 100


class Kind(StrEnum):
    """What a transaction is; the label `kind` of fintech_transactions_total."""

    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    TRANSFER = "transfer"


class Outcome(StrEnum):
    """What became of it; the label `outcome`. DECLINED: lack of funds. INVALID: the client's mistake. ERROR: ours."""

    COMMITTED = "committed"
    DECLINED = "declined"
    INVALID = "invalid"
    ERROR = "error"


@dataclass(frozen=True)
class Account:
    """An account as its owner sees it. `opened_at` is in seconds since 1970, UTC."""

    number: str
    name: str
    balance_cents: int
    opened_at: int


@dataclass(frozen=True)
class Entry:
    """One posting on an account's statement; `amount_cents` is signed, `id` rises with time."""

    id: int
    transaction_id: str
    kind: Kind
    amount_cents: int
    balance_after_cents: int
    booked_at: int


@dataclass(frozen=True)
class Receipt:
    """A committed transaction and what it left on the asker's account."""

    transaction_id: str
    kind: Kind
    amount_cents: int
    account: str
    balance_after_cents: int


@dataclass(frozen=True)
class _Leg:
    account_id: int
    amount_cents: int
    field: str


class Bank:
    """Everything a user can do with accounts.

    Args:
        database: Where they are kept.
        clock: Gives seconds since 1970, UTC.
        on_outcome: Told once per attempted transaction, after the commit or the refusal, never before.
    """

    def __init__(
        self, database: Database, *, clock: Callable[[], float], on_outcome: Callable[[Kind, Outcome], None]
    ) -> None:
        self._database = database
        self._clock = clock
        self._on_outcome = on_outcome

    def open_account(self, user_id: int, name: object) -> Account:
        """Open an empty account; raises Invalid when the name is no text of 1 to 60 printable characters."""
        if not isinstance(name, str) or not 1 <= len(name.strip()) <= _NAME_CHARACTERS_MAX or not name.isprintable():
            raise Invalid("name", f"must be 1 to {_NAME_CHARACTERS_MAX} printable characters")
        account = Account(_new_account_number(), name.strip(), 0, int(self._clock()))
        with self._database.write() as connection:
            connection.execute(
                insert(accounts).values(
                    id=int(account.number), user_id=user_id, name=account.name, opened_at=account.opened_at
                )
            )
        return account

    def accounts_of(self, user_id: int) -> list[Account]:
        """List the user's accounts, oldest first."""
        with self._database.read() as connection:
            rows = connection.execute(
                select(accounts).where(accounts.c.user_id == user_id).order_by(accounts.c.opened_at, accounts.c.name)
            ).all()
        return [_account(row) for row in rows]

    def account(self, user_id: int, number: str) -> Account:
        """Return one of the user's accounts; raises NotFound for a missing and for a foreign one alike."""
        with self._database.read() as connection:
            return _account(_owned(connection, user_id, number))

    def entries(self, user_id: int, number: str, *, before: int | None = None, limit: int = 50) -> list[Entry]:
        """List an account's postings, newest first.

        Args:
            user_id: The one who asks.
            number: The account number.
            before: Only entries with a smaller id, for paging.
            limit: How many at most, 1 to 100.
        Raises:
            NotFound: The account is missing or somebody else's.
        """
        with self._database.read() as connection:
            account = _owned(connection, user_id, number)
            query = (
                select(postings, transactions.c.kind, transactions.c.created_at)
                .join(transactions)
                .where(postings.c.account_id == account.id)
                .order_by(postings.c.id.desc())
                .limit(max(1, min(limit, _ENTRIES_MAX)))
            )
            if before is not None:
                query = query.where(postings.c.id < before)
            rows = connection.execute(query).all()
        return [
            Entry(row.id, row.transaction_id, Kind(row.kind), row.amount_cents, row.balance_after_cents, row.created_at)
            for row in rows
        ]

    def deposit(self, user_id: int, *, account: object, amount: object) -> Receipt:
        """Bring money in; raises Invalid, NotFound or BalanceLimit."""
        return self._book(Kind.DEPOSIT, user_id, own=account, own_field="account", amount=amount)

    def withdraw(self, user_id: int, *, account: object, amount: object) -> Receipt:
        """Take money out; raises Invalid, NotFound or InsufficientFunds."""
        return self._book(Kind.WITHDRAWAL, user_id, own=account, own_field="account", amount=amount)

    def transfer(self, user_id: int, *, source: object, target: object, amount: object) -> Receipt:
        """Move money from an own account to any other; raises Invalid, NotFound, InsufficientFunds or BalanceLimit."""
        return self._book(Kind.TRANSFER, user_id, own=source, own_field="source", amount=amount, target=target)

    def _book(
        self, kind: Kind, user_id: int, *, own: object, own_field: str, amount: object, target: object = None
    ) -> Receipt:
        outcome = Outcome.ERROR
        try:
            cents = parse_amount(amount)
            number = _account_number(own, own_field)
            legs = _legs(kind, number, cents, target)
            transaction_id = str(uuid.uuid4())
            with self._database.write() as connection:
                _owned(connection, user_id, str(number))
                connection.execute(
                    insert(transactions).values(
                        id=transaction_id, kind=kind.value, user_id=user_id, created_at=int(self._clock())
                    )
                )
                balances = _post(connection, transaction_id, legs)
            outcome = Outcome.COMMITTED
        except (Invalid, NotFound):
            outcome = Outcome.INVALID
            raise
        except Conflict:
            outcome = Outcome.DECLINED
            raise
        finally:
            self._on_outcome(kind, outcome)
        return Receipt(transaction_id, kind, cents, str(number), balances[number])


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


def _legs(kind: Kind, number: int, cents: int, target: object) -> Sequence[_Leg]:
    if kind is Kind.DEPOSIT:
        return (_Leg(number, cents, "account"), _Leg(HOUSE_ACCOUNT_ID, -cents, ""))
    if kind is Kind.WITHDRAWAL:
        return (_Leg(number, -cents, "account"), _Leg(HOUSE_ACCOUNT_ID, cents, ""))
    target_number = _account_number(target, "target")
    if target_number == number:
        raise Invalid("target", "must be another account than the source")
    return (_Leg(number, -cents, "source"), _Leg(target_number, cents, "target"))


def _post(connection: Connection, transaction_id: str, legs: Sequence[_Leg]) -> dict[int, int]:
    """Book all legs and return the new balance of each customer account, cents by account number."""
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


def _change_balance(connection: Connection, leg: _Leg) -> int:
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


def _owned(connection: Connection, user_id: int, number: str) -> Row[tuple[object, ...]]:
    row = None
    if _ACCOUNT_NUMBER.fullmatch(number):
        row = connection.execute(
            select(accounts).where(accounts.c.id == int(number), accounts.c.user_id == user_id)
        ).one_or_none()
    if row is None:
        raise NotFound("There is no such account.")
    return row


def _account(row: Row[tuple[object, ...]]) -> Account:
    return Account(str(row.id), row.name, row.balance_cents, row.opened_at)


def _account_number(text: object, field: str) -> int:
    if not isinstance(text, str) or not _ACCOUNT_NUMBER.fullmatch(text):
        raise Invalid(field, "must be an account number of 12 digits")
    return int(text)


def _new_account_number() -> str:
    # Random, so that numbers tell nothing about how many accounts there are. Of 9e11 numbers a collision is not
    # expected in the life of a sample; the primary key refuses it.
    return str(secrets.randbelow(9 * 10**11) + 10**11)
