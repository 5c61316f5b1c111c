"""roles, logins with refresh tokens, idempotency keys, faults

The table `tokens` stays, unused: the first release goes on working on this schema while it is being replaced.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_LOGIN_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Add columns that the former program may leave out, and tables that it does not know."""
    # Written out: a column with a check of its own is one statement in both dialects, and no table is copied.
    op.execute(
        "ALTER TABLE users ADD COLUMN role VARCHAR(10) DEFAULT 'user' NOT NULL "
        "CONSTRAINT known_role CHECK (role IN ('user', 'auditor', 'admin'))"
    )
    op.add_column(
        "transactions",
        sa.Column("idempotency_key", sa.String(255), comment="the client's name for its request; empty without one"),
    )
    op.add_column(
        "transactions",
        sa.Column("request_sha256", sa.String(64), comment="of the request that came with the key, hexadecimal"),
    )
    op.create_index("transactions_once", "transactions", ["user_id", "idempotency_key"], unique=True)
    op.create_table(
        "logins",
        sa.Column("id", _LOGIN_ID, primary_key=True),
        sa.Column("user_id", sa.Integer, sa.ForeignKey("users.id"), nullable=False, index=True),
        sa.Column("created_at", sa.BigInteger, nullable=False, comment="seconds since 1970, UTC"),
        sa.Column("expires_at", sa.BigInteger, nullable=False, index=True, comment="seconds since 1970, UTC"),
        sa.Column("revoked_at", sa.BigInteger, comment="seconds since 1970, UTC"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "refresh_tokens",
        sa.Column("digest", sa.String(64), primary_key=True, comment="sha256 of the token, hexadecimal"),
        sa.Column("login_id", _LOGIN_ID, sa.ForeignKey("logins.id", ondelete="CASCADE"), nullable=False, index=True),
        sa.Column("expires_at", sa.BigInteger, nullable=False, comment="seconds since 1970, UTC"),
        sa.Column("used_at", sa.BigInteger, comment="seconds since 1970, UTC"),
    )
    op.create_table(
        "faults",
        sa.Column("route", sa.String(255), primary_key=True),
        sa.Column("kind", sa.String(32), primary_key=True),
        sa.Column("percent", sa.Float, nullable=False),
        sa.Column("latency_s", sa.Float, nullable=False),
        sa.Column("expires_at", sa.Float, nullable=False, comment="seconds since 1970, UTC"),
    )
