"""One writer of many: carries out a list of moves on a ledger and notes what came of each.

A module of its own, because processes that are started afresh import it by its name.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from sqlalchemy.engine import make_url

from fintech.bank import Bank
from fintech.database import Database
from fintech.errors import FintechError
from fintech.idempotency import Idempotency
from fintech.money import format_cents


@dataclass(frozen=True)
class Move:
    """What somebody wants: cents from or to an own account, or on to another one, under a key or none."""

    verb: str  # deposit | withdraw | transfer
    user: int
    own: str
    other: str
    cents: int
    key: str | None

    @property
    def idempotency(self) -> Idempotency | None:
        """The key with the digest of everything else."""
        if self.key is None:
            return None
        asked = repr((self.verb, self.own, self.other, self.cents))
        return Idempotency(self.key, hashlib.sha256(asked.encode()).hexdigest())


@dataclass(frozen=True)
class Result:
    """What came of a move: a transaction, that had been there before or not, or the name of an error."""

    move: Move
    transaction_id: str = ""
    replayed: bool = False
    error: str = ""


def carry_out(url: str, moves: list[Move]) -> list[Result]:
    """Carry out these moves, one after the other, on connections of their own."""
    database = Database(make_url(url), connections=1)
    bank = Bank(database, clock=lambda: 0, on_outcome=lambda *_, **__: None)
    try:
        return [_carry_out(bank, move) for move in moves]
    finally:
        database.close()


def _carry_out(bank: Bank, move: Move) -> Result:
    amount = format_cents(move.cents)
    try:
        if move.verb == "deposit":
            receipt = bank.deposit(move.user, account=move.own, amount=amount, idempotency=move.idempotency)
        elif move.verb == "withdraw":
            receipt = bank.withdraw(move.user, account=move.own, amount=amount, idempotency=move.idempotency)
        else:
            receipt = bank.transfer(
                move.user, source=move.own, target=move.other, amount=amount, idempotency=move.idempotency
            )
    except FintechError as error:
        return Result(move, error=type(error).__name__)
    return Result(move, receipt.transaction_id, receipt.replayed)
