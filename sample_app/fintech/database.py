"""The tables and the engine, on PostgreSQL or on SQLite; `fintech.migrations` makes the tables.

SQLite takes its write lock at the start of a transaction and never in the middle. PostgreSQL locks the rows that a
transaction changes; a reader there sees one snapshot.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    Engine,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    column,
    create_engine,
    event,
    select,
    table,
    text,
)
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

from fintech.money import MAX_BALANCE_CENTS

# The other side of every deposit and withdrawal. Its balance is the sum of its postings and is not kept in
# `accounts`: one row that each transaction updates would put all of them in a queue.
HOUSE_ACCOUNT_ID = 1

_BUSY_TIMEOUT_S = 5.0
_WRITES = "fintech_writes"

# A request must not wait for ever: on a server that does not answer, on a row that somebody holds, or on a machine that
# vanished and cannot even close its connections.
_POSTGRESQL: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    "application_name": "fintech",
    "options": "-c statement_timeout=10s -c lock_timeout=5s -c idle_in_transaction_session_timeout=60s",
}
# Any number that nobody else uses in this database: who changes the tables holds it.
_MIGRATION_LOCK = 7_311_846_210

# The newest revision in `fintech.migrations`; revisions are numbers of four digits, so that they compare as text.
SCHEMA_REVISION = "0002"
_UNDEFINED_TABLE = "42P01"  # what PostgreSQL calls it
MIGRATIONS_PENDING = "migrations pending"
_revision = table("alembic_version", column("version_num"))

metadata = MetaData()

users = Table(
    "users",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("username", String(32), nullable=False, unique=True),
    Column("password_hash", String(255), nullable=False),
    Column("created_at", BigInteger, nullable=False, comment="seconds since 1970, UTC"),
    Column("role", String(10), nullable=False, server_default="user"),
    CheckConstraint("role IN ('user', 'auditor', 'admin')", name="known_role"),
)

logins = Table(
    "logins",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("user_id", ForeignKey("users.id"), nullable=False, index=True),
    Column("created_at", BigInteger, nullable=False, comment="seconds since 1970, UTC"),
    Column("expires_at", BigInteger, nullable=False, index=True, comment="seconds since 1970, UTC"),
    Column("revoked_at", BigInteger, comment="seconds since 1970, UTC"),
    sqlite_autoincrement=True,  # the number of a login that is gone never becomes that of another one
)

# Only digests are kept: a copy of the database opens no session.
refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("digest", String(64), primary_key=True, comment="sha256 of the token, hexadecimal"),
    Column("login_id", ForeignKey("logins.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("expires_at", BigInteger, nullable=False, comment="seconds since 1970, UTC"),
    Column("used_at", BigInteger, comment="seconds since 1970, UTC"),
)

accounts = Table(
    "accounts",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False, comment="the account number"),
    Column("user_id", ForeignKey("users.id"), index=True, comment="empty for the house"),
    Column("name", String(60), nullable=False),
    Column("balance_cents", BigInteger, nullable=False, default=0),
    Column("opened_at", BigInteger, nullable=False, comment="seconds since 1970, UTC"),
    CheckConstraint(f"balance_cents BETWEEN 0 AND {MAX_BALANCE_CENTS}", name="balance_in_range"),
)

transactions = Table(
    "transactions",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("kind", String(10), nullable=False),
    Column("user_id", ForeignKey("users.id"), nullable=False),
    Column("created_at", BigInteger, nullable=False, comment="seconds since 1970, UTC"),
    Column("idempotency_key", String(255), comment="the client's name for its request; empty without one"),
    Column("request_sha256", String(64), comment="of the request that came with the key, hexadecimal"),
    CheckConstraint("kind IN ('deposit', 'withdrawal', 'transfer')", name="known_kind"),
)

Index("transactions_once", transactions.c.user_id, transactions.c.idempotency_key, unique=True)

postings = Table(
    "postings",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("transaction_id", ForeignKey("transactions.id"), nullable=False, index=True),
    Column("account_id", ForeignKey("accounts.id"), nullable=False),
    Column("amount_cents", BigInteger, nullable=False),
    Column("balance_after_cents", BigInteger, comment="empty for the house"),
    CheckConstraint("amount_cents <> 0", name="moves_something"),
)
Index("postings_of_account", postings.c.account_id, postings.c.id)

faults = Table(
    "faults",
    metadata,
    Column("route", String(255), primary_key=True),
    Column("kind", String(32), primary_key=True),
    Column("percent", Float, nullable=False),
    Column("latency_s", Float, nullable=False),
    Column("expires_at", Float, nullable=False, comment="seconds since 1970, UTC"),
)


class Database:
    """The one way to the database.

    Args:
        url: A SQLAlchemy URL; a SQLite one names a file.
        connections: How many there may be at the same time, 1 or more; who finds none free waits for 5 s at most.
    """

    def __init__(self, url: URL, *, connections: int = 8) -> None:
        backend = url.get_backend_name()
        connect_args = {"sqlite": {"timeout": _BUSY_TIMEOUT_S}, "postgresql": _POSTGRESQL}.get(backend, {})
        self.engine: Engine = create_engine(
            url,
            pool_size=connections,
            max_overflow=0,
            pool_timeout=_BUSY_TIMEOUT_S,
            pool_pre_ping=backend != "sqlite",  # the server may have been restarted since
            connect_args=connect_args,
            hide_parameters=True,  # a logged error shows the statement, not whose name or which hash
        )
        if backend == "sqlite":
            event.listen(self.engine, "connect", _configure_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
        self._writer = self.engine.execution_options(**{_WRITES: True})
        one_state = {"isolation_level": "REPEATABLE READ"} if backend == "postgresql" else {}
        self._reader = self.engine.execution_options(**one_state)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection for reading one consistent state."""
        # Committed, though there is nothing to keep: a rollback counts as a failure in the server's statistics.
        with self._reader.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a connection whose changes are committed at the end of the block, or rolled back by an exception."""
        with self._writer.begin() as connection:
            yield connection

    @contextmanager
    def migration(self) -> Iterator[Connection]:
        """Give the one connection that may change tables now; another process that wants to waits for its end."""
        with self.write() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SET LOCAL statement_timeout = 0"))
                connection.execute(text("SET LOCAL lock_timeout = 0"))
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
                # A change of a table queues before every request that comes after it: rather fail than hold them up.
                connection.execute(text("SET LOCAL lock_timeout = '5s'"))
            yield connection

    def why_not_ready(self) -> str | None:
        """Ask the database for its schema's revision; return None when this program can work with it, else the trouble.

        A newer revision will do: revisions only add, and while a deployment is under way both programs are at work.
        """
        try:
            with self.read() as connection:
                found = connection.scalar(select(_revision.c.version_num))
        except SQLAlchemyError as error:
            return MIGRATIONS_PENDING if _means_missing_table(error) else type(error).__name__
        return None if found is not None and found >= SCHEMA_REVISION else MIGRATIONS_PENDING

    def close(self) -> None:
        """Close the pooled connections."""
        self.engine.dispose()


def is_writing(connection: Connection) -> bool:
    """Tell whether this connection was given for changes."""
    return bool(connection.get_execution_options().get(_WRITES, False))


def _means_missing_table(error: SQLAlchemyError) -> bool:
    said = getattr(error, "orig", None)
    return getattr(said, "sqlstate", None) == _UNDEFINED_TABLE or str(said).startswith("no such table")


def _configure_sqlite(dbapi_connection: Any, _record: object) -> None:
    # The driver must not begin transactions by itself; `_begin_sqlite` does, with the lock we want.
    dbapi_connection.isolation_level = None
    cursor = dbapi_connection.cursor()
    for pragma in ("journal_mode = WAL", "foreign_keys = ON", "synchronous = FULL"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and upgrades later fails with "database is locked" under concurrency, however
    # long it would have waited (measured: 1506 of 2000 transfers); one that starts as a writer waits its turn.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing(connection) else "BEGIN")
