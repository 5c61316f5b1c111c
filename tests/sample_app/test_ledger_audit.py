"""The ledger's audit as metrics: nothing before it is known, and nothing forgotten when the database is away."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from fintech.services import Services
from tests.sample_app.conftest import Clock, Metrics, Person, wait_until
from tests.sample_app.databases import BOTH_ENGINES

ENGINES = BOTH_ENGINES

Scrape = Callable[[], Metrics]
PROBLEMS = "fintech_ledger_problems"
AUDITED = "fintech_ledger_audit_timestamp_seconds"


def drift(parts: Services, account: str) -> None:
    """Change a balance past the ledger, as a faulty migration would."""
    with parts.database.write() as connection:
        connection.execute(
            text("UPDATE accounts SET balance_cents = balance_cents + 1 WHERE id = :id"), {"id": account}
        )


def test_nothing_is_shown_before_the_first_audit(scrape: Scrape) -> None:
    assert (scrape()(PROBLEMS), scrape()(AUDITED)) == (None, None)


def test_a_sound_ledger_has_no_problems(ada: Person, parts: Services, scrape: Scrape, clock: Clock) -> None:
    ada.opens_account("5.00")
    parts.ledger_audit.run()
    assert (scrape()(PROBLEMS), scrape()(AUDITED)) == (0, clock.now)


def test_a_cent_from_nowhere_is_counted_and_logged(
    ada: Person, parts: Services, scrape: Scrape, caplog: pytest.LogCaptureFixture
) -> None:
    account = ada.opens_account("5.00")
    drift(parts, account)
    with caplog.at_level(logging.ERROR, logger="fintech.ledger_audit"):
        parts.ledger_audit.run()
    assert scrape()(PROBLEMS) == 1
    assert f"account {account} shows 5.01, booked are 5.00" in caplog.text


def test_a_lost_database_leaves_the_former_result_and_its_time(
    ada: Person, parts: Services, scrape: Scrape, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    drift(parts, ada.opens_account("5.00"))
    parts.ledger_audit.run()
    audited_at = clock.now
    clock.now += 600

    def refuse() -> None:
        raise OperationalError("SELECT", {}, Exception("gone"))

    monkeypatch.setattr(parts.database, "read", refuse)
    parts.ledger_audit.run()
    assert (scrape()(PROBLEMS), scrape()(AUDITED)) == (1, audited_at)


def test_the_audit_ends_with_the_service(parts: Services, scrape: Scrape) -> None:
    stop = threading.Event()
    parts.ledger_audit.start(stop)
    wait_until(lambda: scrape()(PROBLEMS) == 0)
    stop.set()
    wait_until(lambda: all(thread.name != "ledger-audit" for thread in threading.enumerate()))
