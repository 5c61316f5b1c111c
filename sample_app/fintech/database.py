"""The tables and the engine, on PostgreSQL or on SQLite.

SQLite takes its write lock at the start of a transaction and never in the middle. PostgreSQL locks the rows that a
transaction changes; a reader there sees one snapshot.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import (
    DDL,
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    Engine,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    create_engine,
    event,
    insert,
    select,
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

# A request must not wait for ever on a server that is gone or a row that somebody holds.
_POSTGRESQL: dict[str, Any] = {
    "connect_timeout": 5,
    "application_name": "fintech",
    "options": "-c statement_timeout=10s -c lock_timeout=5s -c idle_in_transaction_session_timeout=60s",
}
# Any number that nobody else uses in this database: who makes the tables holds it.
_TABLES_LOCK = 7_311_846_210

metadata = MetaData()

users = Table(
    "users",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("username", String(32), nullable=False, unique=True),
    Column("password_hash", String(255), nullable=False),
    Column("created_at", BigInteger, nullable=False, comment="seconds since 1970, UTC"),
)

# A login, of a browser or of an API client. Only the digest is kept: a copy of the database opens no session.
tokens = Table(
    "tokens",
    metadata,
    Column("digest", String(64), primary_key=True, comment="sha256 of the token, hexadecimal"),
    Column("user_id", ForeignKey("users.id"), nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True, comment="seconds since 1970, UTC"),
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
    CheckConstraint("kind IN ('deposit', 'withdrawal', 'transfer')", name="known_kind"),
)

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

# What has been booked stays booked, whoever holds the connection.
for _verb in ("UPDATE", "DELETE"):
    for _table in (transactions, postings):
        event.listen(
            _table,
            "after_create",
            DDL(  # type: ignore[no-untyped-call]
                f"CREATE TRIGGER {_table.name}_no_{_verb.lower()} BEFORE {_verb} ON {_table.name} "
                f"BEGIN SELECT RAISE(ABORT, '{_table.name} is append-only'); END"
            ).execute_if(dialect="sqlite"),
        )

for _table in (transactions, postings):
    for _statement in (
        f"CREATE FUNCTION {_table.name}_stay() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_table.name} is append-only' USING ERRCODE = 'integrity_constraint_violation'; END $$",
        f"CREATE TRIGGER {_table.name}_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON {_table.name} "
        f"EXECUTE FUNCTION {_table.name}_stay()",
    ):
        event.listen(
            _table,
            "after_create",
            DDL(_statement).execute_if(dialect="postgresql"),  # type: ignore[no-untyped-call]
        )


class Database:
    """The one way to the database.

    Args:
        url: A SQLAlchemy URL; a SQLite one names a file.
        threads: Requests that may hold a connection at the same time.
    """

    def __init__(self, url: URL, *, threads: int = 16) -> None:
        backend = url.get_backend_name()
        connect_args = {"sqlite": {"timeout": _BUSY_TIMEOUT_S}, "postgresql": _POSTGRESQL}.get(backend, {})
        self.engine: Engine = create_engine(
            url,
            pool_size=threads,
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
        with self._reader.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a connection whose changes are committed at the end of the block, or rolled back by an exception."""
        with self._writer.begin() as connection:
            yield connection

    def create_tables(self, now: int) -> None:
        """Create what is missing; repeatable, and safe beside another process that does the same.

        Args:
            now: Seconds since 1970, UTC.
        """
        with self.write() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _TABLES_LOCK})
            metadata.create_all(connection)
            if connection.scalar(select(accounts.c.id).where(accounts.c.id == HOUSE_ACCOUNT_ID)) is None:
                connection.execute(insert(accounts).values(id=HOUSE_ACCOUNT_ID, name="House", opened_at=now))

    def why_not_ready(self) -> str | None:
        """Ask the database for a row of its own; return None when it answers, else the kind of trouble."""
        try:
            with self.read() as connection:
                connection.execute(select(accounts.c.id).where(accounts.c.id == HOUSE_ACCOUNT_ID)).one()
        except SQLAlchemyError as error:
            return type(error).__name__
        return None

    def close(self) -> None:
        """Close the pooled connections."""
        self.engine.dispose()


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
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
