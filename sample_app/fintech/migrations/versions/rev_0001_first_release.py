"""users, accounts and the ledger, as the first release made them

What a released revision does is never edited: databases out there are the result of it.
"""

from __future__ import annotations

import time

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_MAX_BALANCE_CENTS = 10**15
_HOUSE = 1


def upgrade() -> None:
    """Create the tables, the triggers that keep the ledger append-only, and the house's account."""
    op.create_table(
        "users",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("username", sa.String(32), nullable=False, unique=True),
        sa.Column("password_hash", sa.String(255), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False, comment="seconds since 1970, UTC"),
    )
    op.create_table(
        "tokens",
        sa.Column("digest", sa.String(64), primary_key=True, comment="sha256 of the token, hexadecimal"),
        sa.Column("user_id", sa.Integer, sa.ForeignKey("users.id"), nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False, index=True, comment="seconds since 1970, UTC"),
    )
    accounts = op.create_table(
        "accounts",
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False, comment="the account number"),
        sa.Column("user_id", sa.Integer, sa.ForeignKey("users.id"), index=True, comment="empty for the house"),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("balance_cents", sa.BigInteger, nullable=False),
        sa.Column("opened_at", sa.BigInteger, nullable=False, comment="seconds since 1970, UTC"),
        sa.CheckConstraint(f"balance_cents BETWEEN 0 AND {_MAX_BALANCE_CENTS}", name="balance_in_range"),
    )
    op.create_table(
        "transactions",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("user_id", sa.Integer, sa.ForeignKey("users.id"), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False, comment="seconds since 1970, UTC"),
        sa.CheckConstraint("kind IN ('deposit', 'withdrawal', 'transfer')", name="known_kind"),
    )
    op.create_table(
        "postings",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("transaction_id", sa.String(36), sa.ForeignKey("transactions.id"), nullable=False, index=True),
        sa.Column("account_id", sa.BigInteger, sa.ForeignKey("accounts.id"), nullable=False),
        sa.Column("amount_cents", sa.BigInteger, nullable=False),
        sa.Column("balance_after_cents", sa.BigInteger, comment="empty for the house"),
        sa.CheckConstraint("amount_cents <> 0", name="moves_something"),
    )
    op.create_index("postings_of_account", "postings", ["account_id", "id"])
    for table in ("transactions", "postings"):
        _make_append_only(table)
    op.bulk_insert(accounts, [{"id": _HOUSE, "name": "House", "balance_cents": 0, "opened_at": int(time.time())}])


def _make_append_only(table: str) -> None:
    """What has been booked stays booked, whoever holds the connection."""
    if op.get_context().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
        return
    op.execute(
        f"CREATE FUNCTION {table}_stay() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"RAISE EXCEPTION '{table} is append-only' USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} EXECUTE FUNCTION {table}_stay()"
    )
