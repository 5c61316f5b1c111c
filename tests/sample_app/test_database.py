"""How the service treats its database: one state per read, few connections, and statistics that tell the truth."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.engine import URL
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from fintech import database as module
from fintech.bank import Bank
from fintech.database import Database, accounts, is_writing, users
from tests.sample_app.conftest import wait_until
from tests.sample_app.databases import BOTH_ENGINES
from tests.sample_app.ledgers import ADA
from tests.support.postgresql import PostgreSQL

ENGINES = BOTH_ENGINES


def test_a_read_sees_one_state_whatever_is_written_meanwhile(bank: Bank, database: Database) -> None:
    """Or the audit would find accounts that do not fit the postings it has just read."""
    number = bank.open_account(ADA, "Everyday").number
    balance = select(accounts.c.balance_cents).where(accounts.c.id == int(number))
    with database.read() as connection:
        before = connection.scalar(balance)
        bank.deposit(ADA, account=number, amount="5.00")
        assert connection.scalar(balance) == before == 0
    with database.read() as connection:
        assert connection.scalar(balance) == 500


def test_an_exception_takes_back_what_was_written(database: Database) -> None:
    def write_and_fail() -> None:
        with database.write() as connection:
            connection.execute(insert(users).values(username="eve", password_hash="", created_at=0))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_fail()
    with database.read() as connection:
        assert connection.scalar(select(users.c.id).where(users.c.username == "eve")) is None


def test_a_connection_says_what_it_was_given_for(database: Database) -> None:
    with database.read() as reading:
        assert not is_writing(reading)
    with database.write() as writing:
        assert is_writing(writing)


def test_there_are_no_more_connections_than_asked_for(
    database_url: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BUSY_TIMEOUT_S", 0.05)
    database = Database(database_url, connections=2)
    with database.read(), database.read(), pytest.raises(PoolTimeoutError), database.read():
        pass
    database.close()


def test_a_writer_waits_for_another_one_rather_than_fail(bank: Bank, database: Database) -> None:
    number = bank.open_account(ADA, "Everyday").number
    thread = threading.Thread(target=lambda: bank.deposit(ADA, account=number, amount="1.00"))
    with database.write() as connection:
        connection.execute(update(accounts).where(accounts.c.id == int(number)).values(name="Renamed"))
        thread.start()
        thread.join(0.2)
        assert thread.is_alive()
    thread.join(10)
    account = bank.account(ADA, number)
    assert (account.name, account.balance_cents) == ("Renamed", 100)


def test_reads_are_not_counted_as_transactions_that_failed(
    postgresql: PostgreSQL, bring_up: Callable[[], Database]
) -> None:
    """The alert on rolled back transactions would tell of every look at an account."""
    database = bring_up()
    for _ in range(20):
        assert database.why_not_ready() is None
    name = database.engine.url.database
    database.close()  # the server counts at the end of a session at the latest
    asking = Database(postgresql.url(), connections=1)
    counts = text("SELECT xact_commit, xact_rollback FROM pg_stat_database WHERE datname = :name")

    def seen() -> tuple[int, int]:
        with asking.read() as connection:
            return tuple(connection.execute(counts, {"name": name}).one())

    wait_until(lambda: seen()[0] >= 20)
    assert seen()[1] <= 1, "once per process SQLAlchemy asks a server for its version, and rolls that back"
    asking.close()


@pytest.fixture
def bring_up(postgresql: PostgreSQL, request: pytest.FixtureRequest) -> Callable[[], Database]:
    """Give a function that opens a fresh, migrated database on PostgreSQL."""
    template: str = request.getfixturevalue("_postgresql_template")
    return lambda: Database(postgresql.create_database(template=template))
