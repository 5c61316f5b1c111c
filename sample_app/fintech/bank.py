"""What users do with accounts: open them, move money, look at what was booked."""

from __future__ import annotations

import re
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from sqlalchemy import Connection, Row, Select, insert, select, tuple_

from fintech.database import Database, accounts, postings, transactions, users
from fintech.errors import BalanceLimit, IdempotencyKeyReused, InsufficientFunds, Invalid, NotFound
from fintech.idempotency import Idempotency
from fintech.ledger import Kind as Kind  # callers find the words for a booking here
from fintech.ledger import booked_before, enter, legs_of, post
from fintech.money import parse_amount

ACCOUNT_NUMBER = re.compile(r"[1-9][0-9]{11}")
NAME_CHARACTERS_MAX = 60
PAGE_MAX = 100  # accounts or entries that are listed at once


class Outcome(StrEnum):
    """What became of a transaction; the label `outcome` of fintech_transactions_total.

    DECLINED: the balances refuse it. INVALID: the client's mistake. ERROR: ours. REPLAYED: it had been booked before.
    """

    COMMITTED = "committed"
    DECLINED = "declined"
    INVALID = "invalid"
    ERROR = "error"
    REPLAYED = "replayed"


class DeclineReason(StrEnum):
    """Why the balances refuse a transaction; the label `reason` of fintech_transaction_declines_total."""

    INSUFFICIENT_FUNDS = "insufficient_funds"
    BALANCE_LIMIT = "balance_limit"


class OnOutcome(Protocol):
    """What the bank tells about each attempted transaction."""

    def __call__(
        self, kind: Kind, outcome: Outcome, *, cents: int | None = None, reason: DeclineReason | None = None
    ) -> None:
        """Take note of one; `cents`, more than 0, come with COMMITTED, and `reason` with DECLINED."""


@dataclass(frozen=True)
class Account:
    """An account of a customer. `owner` is a username, `opened_at` in seconds since 1970, UTC."""

    number: str
    owner: str
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
    """A committed transaction and what it left on the asker's account; `replayed`: it had been booked before."""

    transaction_id: str
    kind: Kind
    amount_cents: int
    account: str
    balance_after_cents: int
    replayed: bool = False


class Bank:
    """Everything a user can do with accounts.

    Where a user is asked for to look at something, None stands for every user: an auditor asks.

    Args:
        database: Where they are kept.
        clock: Gives seconds since 1970, UTC.
        on_outcome: Told once per attempted transaction, after the commit or the refusal, never before.
        on_account_opened: Told once per new account, after the commit.
    """

    def __init__(
        self,
        database: Database,
        *,
        clock: Callable[[], float],
        on_outcome: OnOutcome,
        on_account_opened: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._on_outcome = on_outcome
        self._on_account_opened = on_account_opened

    def open_account(self, user_id: int, name: object) -> Account:
        """Open an empty account; raises Invalid when the name is no text of 1 to 60 printable characters."""
        if not isinstance(name, str) or not 1 <= len(name.strip()) <= NAME_CHARACTERS_MAX or not name.isprintable():
            raise Invalid("name", f"must be 1 to {NAME_CHARACTERS_MAX} printable characters")
        number = _new_account_number()
        with self._database.write() as connection:
            connection.execute(
                insert(accounts).values(
                    id=int(number), user_id=user_id, name=name.strip(), opened_at=int(self._clock())
                )
            )
            account = _account(connection, user_id, number)
        self._on_account_opened()
        return account

    def accounts_of(self, user_id: int | None, *, after: str | None = None, limit: int = PAGE_MAX) -> list[Account]:
        """List accounts, oldest first.

        Args:
            user_id: Whose.
            after: The number of the last account of the page before.
            limit: How many at most, 1 to PAGE_MAX.
        Raises:
            Invalid: `after` is not one of these accounts.
        """
        with self._database.read() as connection:
            query = _accounts(user_id).order_by(accounts.c.opened_at, accounts.c.id).limit(_page(limit))
            if after is not None:
                try:
                    last = _account(connection, user_id, after)
                except NotFound as error:
                    raise Invalid("after", "is not the number of a listed account") from error
                query = query.where(
                    tuple_(accounts.c.opened_at, accounts.c.id) > tuple_(last.opened_at, int(last.number))
                )
            rows = connection.execute(query).all()
        return [_account_of(row) for row in rows]

    def account(self, user_id: int | None, number: str) -> Account:
        """Return one of the user's accounts; raises NotFound for a missing and for a foreign one alike."""
        with self._database.read() as connection:
            return _account(connection, user_id, number)

    def entries(
        self, user_id: int | None, number: str, *, before: int | None = None, limit: int = PAGE_MAX
    ) -> list[Entry]:
        """List an account's postings, newest first.

        Args:
            user_id: Whose account it must be.
            number: The account number.
            before: Only entries with a smaller id, for paging.
            limit: How many at most, 1 to PAGE_MAX.
        Raises:
            NotFound: The account is missing or somebody else's.
        """
        with self._database.read() as connection:
            _account(connection, user_id, number)
            query = (
                select(postings, transactions.c.kind, transactions.c.created_at)
                .join(transactions)
                .where(postings.c.account_id == int(number))
                .order_by(postings.c.id.desc())
                .limit(_page(limit))
            )
            if before is not None:
                query = query.where(postings.c.id < before)
            rows = connection.execute(query).all()
        return [
            Entry(row.id, row.transaction_id, Kind(row.kind), row.amount_cents, row.balance_after_cents, row.created_at)
            for row in rows
        ]

    def deposit(
        self, user_id: int, *, account: object, amount: object, idempotency: Idempotency | None = None
    ) -> Receipt:
        """Bring money in; raises Invalid, NotFound, BalanceLimit or IdempotencyKeyReused."""
        return self._book(Kind.DEPOSIT, user_id, amount, idempotency, own=account, own_field="account")

    def withdraw(
        self, user_id: int, *, account: object, amount: object, idempotency: Idempotency | None = None
    ) -> Receipt:
        """Take money out; raises Invalid, NotFound, InsufficientFunds or IdempotencyKeyReused."""
        return self._book(Kind.WITHDRAWAL, user_id, amount, idempotency, own=account, own_field="account")

    def transfer(
        self, user_id: int, *, source: object, target: object, amount: object, idempotency: Idempotency | None = None
    ) -> Receipt:
        """Move money from an own account to any other.

        Raises:
            Invalid, NotFound, InsufficientFunds, BalanceLimit, IdempotencyKeyReused: Nothing was booked.
        """
        return self._book(Kind.TRANSFER, user_id, amount, idempotency, own=source, own_field="source", target=target)

    def _book(
        self,
        kind: Kind,
        user_id: int,
        amount: object,
        idempotency: Idempotency | None,
        *,
        own: object,
        own_field: str,
        target: object = None,
    ) -> Receipt:
        outcome, moved, reason = Outcome.ERROR, None, None
        try:
            cents = parse_amount(amount)
            number = _account_number(own, own_field)
            other = _account_number(target, "target") if kind is Kind.TRANSFER else None
            legs = legs_of(kind, number, cents, other)
            transaction_id = str(uuid.uuid4())
            with self._database.write() as connection:
                _account(connection, user_id, str(number))
                entered = enter(connection, transaction_id, kind, user_id, int(self._clock()), idempotency)
                if entered or idempotency is None:
                    balance = post(connection, transaction_id, legs)[number]
                    receipt = Receipt(transaction_id, kind, cents, str(number), balance)
                else:
                    first = booked_before(connection, kind, user_id, number, idempotency)
                    receipt = Receipt(
                        first.transaction_id, kind, cents, str(number), first.balance_after_cents, replayed=True
                    )
            outcome, moved = (Outcome.REPLAYED, None) if receipt.replayed else (Outcome.COMMITTED, cents)
        except (Invalid, NotFound, IdempotencyKeyReused):
            outcome = Outcome.INVALID
            raise
        except InsufficientFunds:
            outcome, reason = Outcome.DECLINED, DeclineReason.INSUFFICIENT_FUNDS
            raise
        except BalanceLimit:
            outcome, reason = Outcome.DECLINED, DeclineReason.BALANCE_LIMIT
            raise
        finally:
            self._on_outcome(kind, outcome, cents=moved, reason=reason)
        return receipt


def _page(limit: int) -> int:
    return max(1, min(limit, PAGE_MAX))


def _accounts(user_id: int | None) -> Select[*tuple[object, ...]]:
    """Select accounts of customers with their owners' names; the house and a drill have no owner."""
    query = select(accounts, users.c.username.label("owner")).join(users)
    return query if user_id is None else query.where(accounts.c.user_id == user_id)


def _account(connection: Connection, user_id: int | None, number: str) -> Account:
    row = None
    if ACCOUNT_NUMBER.fullmatch(number):
        row = connection.execute(_accounts(user_id).where(accounts.c.id == int(number))).one_or_none()
    if row is None:
        raise NotFound("There is no such account.")
    return _account_of(row)


def _account_of(row: Row[*tuple[object, ...]]) -> Account:
    return Account(str(row.id), row.owner, row.name, row.balance_cents, row.opened_at)


def _account_number(text: object, field: str) -> int:
    if not isinstance(text, str) or not ACCOUNT_NUMBER.fullmatch(text):
        raise Invalid(field, "must be an account number of 12 digits")
    return int(text)


def _new_account_number() -> str:
    # Random, so that numbers tell nothing about how many accounts there are. Of 9e11 numbers a collision is not
    # expected in the life of a sample; the primary key refuses it.
    return str(secrets.randbelow(9 * 10**11) + 10**11)
