"""What the clients know about their money: the balances that the service must show in the end."""

from __future__ import annotations

import threading
from collections import defaultdict
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Booking:
    """A movement of money: where to send it, and what a success does to the balances of the accounts.

    Args:
        path: Of the API.
        fields: The request's body.
        changes: Cents by account number.
    """

    path: str
    fields: dict[str, str]
    changes: dict[str, int]

    @classmethod
    def deposit(cls, account: str, cents: int) -> Booking:
        """Bring money in."""
        return cls("/api/v1/deposits", {"account": account, "amount": amount(cents)}, {account: cents})

    @classmethod
    def withdrawal(cls, account: str, cents: int) -> Booking:
        """Take money out."""
        return cls("/api/v1/withdrawals", {"account": account, "amount": amount(cents)}, {account: -cents})

    @classmethod
    def transfer(cls, source: str, target: str, cents: int) -> Booking:
        """Move money."""
        fields = {"source": source, "target": target, "amount": amount(cents)}
        return cls("/api/v1/transfers", fields, {source: -cents, target: cents})


@dataclass(frozen=True)
class Difference:
    """An account that does not show what its owner expects, cents; shown None: it could not be asked."""

    account: str
    expected_cents: int
    shown_cents: int | None


class ExpectedBalances:
    """The balances of all accounts of a run as its clients know them; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cents: defaultdict[str, int] = defaultdict(int)

    def note(self, booking: Booking) -> None:
        """Count a booking that the service has confirmed; once, however often it was sent."""
        with self._lock:
            for account, cents in booking.changes.items():
                self._cents[account] += cents

    def compare(self, account: str, shown: dict[str, Any] | None) -> Difference | None:
        """Compare with an account as the API shows it, None for one that could not be asked; None when it is right."""
        cents = None if shown is None else round(float(shown["balance"]) * 100)
        with self._lock:
            expected = self._cents[account]
        return None if cents == expected else Difference(account, expected, cents)


def amount(cents: int) -> str:
    """Write cents as the API takes them: "12.34"."""
    return f"{cents // 100}.{cents % 100:02}"
