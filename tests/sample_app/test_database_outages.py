"""A database that goes away: 503 for as long as it is gone, nothing half-written, and no hand needed afterwards."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select
from sqlalchemy.engine import URL

from fintech.bank import Bank
from fintech.database import Database, transactions, users
from tests.sample_app.conftest import Service, get, wait_until
from tests.sample_app.customers import Customer
from tests.sample_app.cutting_proxy import Cut, CuttingProxy
from tests.sample_app.databases import bring_up_to_date
from tests.sample_app.ledgers import sound
from tests.support.postgresql import PostgreSQL

UNLIMITED = {"FINTECH_WRITE_LIMIT": "100000/second"}
ENDS = pytest.mark.parametrize("end", [PostgreSQL.stop, PostgreSQL.kill], ids=["stopped", "killed"])


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    """Give a server that these tests may end: nobody else uses it."""
    server = PostgreSQL()
    yield server
    server.remove()


@pytest.fixture
def url(server: PostgreSQL) -> Iterator[URL]:
    url = server.start().create_database()
    bring_up_to_date(url)
    yield url
    server.start().drop_database(url)


@pytest.fixture
def service(url: URL, make_service: Callable[..., Service]) -> Service:
    """Give a running service on that server."""
    settings = {"FINTECH_DATABASE_URL": url.render_as_string(hide_password=False), **UNLIMITED}
    return make_service(settings=settings).start().ready()


@pytest.fixture
def proxy(server: PostgreSQL) -> Iterator[CuttingProxy]:
    proxy = CuttingProxy(server.port)
    yield proxy
    proxy.close()


def deposits_a_cent(customer: Customer, key: str = "") -> int:
    return customer.moves("deposits", "0.01", key)[0]


def booked(url: URL) -> tuple[int, int, bool]:
    """Look past the service: how many transactions there are, what the customer has in cents, whether it adds up."""
    database = Database(url, connections=1)
    try:
        bank = Bank(database, clock=lambda: 0, on_outcome=lambda *_, **__: None)
        with database.read() as connection:
            number = connection.scalar(select(func.count()).select_from(transactions)) or 0
            customer = connection.scalar(select(users.c.id).where(users.c.username == "ada"))
        return number, sum(account.balance_cents for account in bank.accounts_of(customer)), sound(database)
    finally:
        database.close()


@ENDS
def test_without_a_database_requests_get_503_and_afterwards_all_is_well_by_itself(
    server: PostgreSQL, service: Service, url: URL, end: Callable[[PostgreSQL], None]
) -> None:
    customer = Customer.of(service)
    assert deposits_a_cent(customer) == 201

    end(server)

    status, problem = customer.moves("deposits", "0.01")
    assert (status, problem["type"]) == (503, "urn:fintech:problem:database-unavailable")
    assert get(f"{service.url}/readyz")[0] == 503
    assert get(f"{service.url}/healthz")[0] == 200, "a restart of the service would not bring the database back"

    server.start()

    assert get(f"{service.url}/readyz")[0] == 200
    assert deposits_a_cent(customer) == 201
    assert booked(url) == (2, 2, True)


@ENDS
def test_outages_during_traffic_lose_nothing_and_book_nothing_twice(
    server: PostgreSQL, service: Service, url: URL, end: Callable[[PostgreSQL], None]
) -> None:
    """Clients that try again with the same key until they have an answer, while the server goes away three times."""
    customer = Customer.of(service)
    stop = threading.Event()
    seen: Counter[int] = Counter()

    def deposit_again_and_again(writer: int) -> int:
        for number in itertools.count(1):
            while (status := deposits_a_cent(customer, key=f"{writer}-{number}")) != 201:
                seen[status] += 1
                assert status == 503
            seen[status] += 1
            if stop.is_set():
                return number
        raise AssertionError

    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(deposit_again_and_again, writer) for writer in range(4)]
        try:
            for _ in range(3):
                before = seen[201]
                wait_until(lambda before=before: seen[201] > before + 20)
                end(server)
                wait_until(lambda: get(f"{service.url}/readyz")[0] == 503)
                server.start()
                wait_until(lambda: get(f"{service.url}/readyz")[0] == 200)
        finally:
            stop.set()
        acknowledged = sum(writer.result() for writer in writers)

    assert seen[503] > 0
    assert booked(url) == (acknowledged, acknowledged, True)


@pytest.mark.parametrize(("cut", "already"), [(Cut.BEFORE, 0), (Cut.AFTER, 1)], ids=lambda value: getattr(value, "name", ""))
def test_a_connection_lost_around_the_commit_is_503_and_its_repetition_books_once(
    url: URL, proxy: CuttingProxy, make_service: Callable[..., Service], cut: Cut, already: int
) -> None:
    """Nobody can know whether it was booked; with its key it can be sent again without harm."""
    through_proxy = url.set(port=proxy.port).render_as_string(hide_password=False)
    service = make_service(settings={"FINTECH_DATABASE_URL": through_proxy, **UNLIMITED}).start().ready()
    customer = Customer.of(service)

    proxy.cut_at_next_commit(cut)
    first = deposits_a_cent(customer, key="once")
    wait_until(proxy.happened.is_set)
    left_behind = booked(url)
    again = [deposits_a_cent(customer, key="once") for _ in range(2)]

    assert (first, again) == (503, [201, 201])
    assert left_behind == (already, already, True)
    assert booked(url) == (1, 1, True)


def test_a_server_killed_at_the_moment_of_a_commit_has_all_of_it_or_nothing(
    server: PostgreSQL, url: URL, proxy: CuttingProxy, make_service: Callable[..., Service]
) -> None:
    through_proxy = url.set(port=proxy.port).render_as_string(hide_password=False)
    service = make_service(settings={"FINTECH_DATABASE_URL": through_proxy, **UNLIMITED}).start().ready()
    customer = Customer.of(service)
    assert deposits_a_cent(customer, key="before") == 201

    proxy.cut_at_next_commit(Cut.BEFORE, then=server.kill)
    assert deposits_a_cent(customer, key="once") == 503
    server.start()

    assert booked(url) == (1, 1, True)
    assert deposits_a_cent(customer, key="once") == 201
    assert booked(url) == (2, 2, True)
