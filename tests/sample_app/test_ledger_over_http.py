"""The ledger behind the whole service, with two workers: what holds for threads holds for processes and requests."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy.engine import URL

from fintech.database import Database
from tests.sample_app.conftest import Service
from tests.sample_app.customers import Customer
from tests.sample_app.databases import BOTH_ENGINES
from tests.sample_app.ledgers import WRITERS, sound

ENGINES = BOTH_ENGINES


@pytest.fixture
def service(database_url: URL, make_service: Callable[..., Service]) -> Service:
    """Give a running service of two processes."""
    settings = {
        "FINTECH_DATABASE_URL": database_url.render_as_string(hide_password=False),
        "FINTECH_WRITE_LIMIT": "100000/second",
    }
    return make_service(settings=settings).start("--workers=2").ready()


def test_of_400_concurrent_requests_to_withdraw_from_funds_for_100_exactly_100_pass(
    service: Service, database_url: URL
) -> None:
    customer = Customer.of(service)
    assert customer.moves("deposits", "100.00")[0] == 201
    start = threading.Barrier(WRITERS)

    def withdraw_50_times(_: int) -> Counter[str]:
        start.wait()
        answers = [customer.moves("withdrawals", "1.00") for _ in range(50)]
        return Counter(answer.get("type", "booked") for _, answer in answers)

    with ThreadPoolExecutor(WRITERS) as pool:
        seen = sum(pool.map(withdraw_50_times, range(WRITERS)), Counter[str]())

    assert seen == {"booked": 100, "urn:fintech:problem:insufficient-funds": 300}
    database = Database(database_url)
    assert sound(database)
    database.close()
