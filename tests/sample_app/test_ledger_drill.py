"""The drill of a ledger that does not add up: it is seen by the audit, hurts nobody, and goes away without a trace."""

from __future__ import annotations

import os

import pytest
from sqlalchemy import text

from fintech import ledger_drill
from fintech.__main__ import main
from fintech.bank import Bank
from fintech.database import Database
from fintech.errors import Invalid, NotFound
from fintech.ledger import audit
from tests.sample_app.conftest import SECRET_KEY
from tests.sample_app.databases import BOTH_ENGINES
from tests.sample_app.ledgers import ADA

ENGINES = BOTH_ENGINES


def problems(database: Database) -> list[str]:
    with database.read() as connection:
        return audit(connection)


def everything(database: Database) -> dict[str, list[tuple[object, ...]]]:
    with database.read() as connection:
        return {
            table: sorted(tuple(row) for row in connection.execute(text(f"SELECT * FROM {table} ORDER BY id")))  # noqa: S608
            for table in ("users", "accounts", "transactions")
        }


def test_the_drill_is_one_problem_however_often_it_is_switched_on(database: Database) -> None:
    for _ in range(2):
        ledger_drill.switch_on(database)
        assert problems(database) == ["account 2 shows 0.01, booked are 0.00"]


def test_the_end_of_the_drill_leaves_no_trace(bank: Bank, database: Database) -> None:
    number = bank.open_account(ADA, "Everyday").number
    bank.deposit(ADA, account=number, amount="5.00")
    before = everything(database)
    ledger_drill.switch_off(database)  # there is none: nothing happens
    ledger_drill.switch_on(database)
    for _ in range(2):
        ledger_drill.switch_off(database)
    assert problems(database) == []
    assert everything(database) == before


def test_nobody_sees_or_reaches_the_account_of_the_drill(bank: Bank, database: Database) -> None:
    own = bank.open_account(ADA, "Everyday").number
    bank.deposit(ADA, account=own, amount="5.00")
    ledger_drill.switch_on(database)
    assert [account.number for account in bank.accounts_of(None)] == [own]
    for number in ("2", "000000000002"):
        with pytest.raises(NotFound):
            bank.account(None, number)
        with pytest.raises(Invalid):
            bank.transfer(ADA, source=own, target=number, amount="1.00")
    bank.withdraw(ADA, account=own, amount="5.00")


def test_the_command_switches_the_drill(
    database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "umask", lambda mask: 0)  # that is for a process of its own
    monkeypatch.setenv("FINTECH_SECRET_KEY", SECRET_KEY)
    monkeypatch.setenv("FINTECH_DATABASE_URL", database.engine.url.render_as_string(hide_password=False))
    assert main(["ledger-drill", "on"]) == 0
    assert len(problems(database)) == 1
    assert main(["ledger-drill", "off"]) == 0
    assert problems(database) == []
    assert capsys.readouterr().err == ""
