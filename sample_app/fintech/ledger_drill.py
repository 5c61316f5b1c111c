"""A ledger that does not add up, on purpose and to nobody's harm, for the drill of that alert.

The account of the drill has no owner and a number that no account of a customer can have: nobody sees it, nothing can be
booked on it, and its cent was never anybody's.
"""

from __future__ import annotations

import time

from sqlalchemy import delete, insert, select

from fintech.database import Database, accounts

_ACCOUNT_ID = 2
_CENTS = 1


def switch_on(database: Database) -> None:
    """Give an account a balance without postings; repeatable."""
    with database.write() as connection:
        if connection.scalar(select(accounts.c.id).where(accounts.c.id == _ACCOUNT_ID)) is None:
            connection.execute(
                insert(accounts).values(
                    id=_ACCOUNT_ID, name="Ledger drill", balance_cents=_CENTS, opened_at=int(time.time())
                )
            )


def switch_off(database: Database) -> None:
    """Take that account away again; repeatable, and harmless without a drill."""
    with database.write() as connection:
        connection.execute(delete(accounts).where(accounts.c.id == _ACCOUNT_ID))
