"""The connection pool and the statements as metrics: right after every way in which a connection comes and goes."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from prometheus_client import generate_latest
from sqlalchemy import Dialect, Engine, QueuePool, StaticPool, create_engine, event, text
from sqlalchemy.exc import DisconnectionError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from flask_telemetry import Telemetry
from flask_telemetry.statements import operation_of
from tests.sample_app.conftest import Metrics, Person, get, wait_until
from tests.sample_app.small_services import SmallService

POOL = {"db_client_connection_pool_name": "main"}
OPERATIONS = "db_client_operation_duration_seconds_count"

HOLDING_SHOP = """
import pathlib, time
from flask import Flask
from flask_telemetry import Telemetry
from sqlalchemy import create_engine
from sqlalchemy.exc import TimeoutError
from sqlalchemy.pool import QueuePool

app = Flask(__name__)
engine = create_engine("sqlite:///shop.db", poolclass=QueuePool, pool_size=1, max_overflow=0, pool_timeout=0.3)
Telemetry(app, service="shop").watch_engine(engine, "main")

@app.get("/hold")
def hold():
    try:
        with engine.connect():
            while not pathlib.Path("released").exists():
                time.sleep(0.01)
    except TimeoutError:
        return "no connection", 503
    return "held"
"""


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry(Flask(__name__))


@pytest.fixture
def seen(telemetry: Telemetry) -> Callable[..., float | None]:
    """Give a function that reads one sample of the pool "main" from a fresh scrape."""

    def read(name: str, **labels: str) -> float | None:
        return Metrics(generate_latest(telemetry.registry).decode())(f"db_client_connection_{name}", **POOL, **labels)

    return read


@pytest.fixture
def states(seen: Callable[..., float | None]) -> Callable[[], tuple[float | None, float | None]]:
    """Give a function that tells how many connections are used and idle."""
    return lambda: tuple(seen("count", db_client_connection_state=state) for state in ("used", "idle"))  # type: ignore[return-value]


@pytest.fixture
def pool_engine(telemetry: Telemetry, tmp_path: Path) -> Iterator[Engine]:
    """A watched engine with two connections and one more in need."""
    engine = create_engine(
        f"sqlite:///{tmp_path}/x.db", poolclass=QueuePool, pool_size=2, max_overflow=1, pool_timeout=0.05
    )
    telemetry.watch_engine(engine, "main")
    yield engine
    engine.dispose()


States = Callable[[], tuple[float | None, float | None]]


def test_connections_are_used_then_idle(pool_engine: Engine, states: States) -> None:
    assert states() == (0, 0)
    with pool_engine.connect():
        assert states() == (1, 0)
        with pool_engine.connect():
            assert states() == (2, 0)
    assert states() == (0, 2)
    with pool_engine.connect():
        assert states() == (1, 1)


def test_a_connection_beyond_the_pool_is_closed_and_not_idle(pool_engine: Engine, states: States) -> None:
    held = [pool_engine.connect() for _ in range(3)]
    assert states() == (3, 0)
    for connection in held:
        connection.close()
    assert states() == (0, 2)


def test_a_connection_that_broke_while_used_is_neither(pool_engine: Engine, states: States) -> None:
    with pool_engine.connect() as connection:
        connection.invalidate()
    assert states() == (0, 0)
    with pool_engine.connect():
        assert states() == (1, 0)


def test_a_connection_taken_out_of_the_pool_is_no_longer_counted(pool_engine: Engine, states: States) -> None:
    with pool_engine.connect() as connection:
        connection.detach()
        assert states() == (0, 0)
    assert states() == (0, 0)


def test_a_connection_that_somebody_lost_comes_back(pool_engine: Engine, states: States) -> None:
    lost = pool_engine.raw_connection()
    assert states() == (1, 0)
    del lost
    gc.collect()
    assert states() == (0, 1)


def test_a_checkout_that_another_listener_refuses_counts_nothing(pool_engine: Engine, states: States) -> None:
    refusals = iter([True, False])

    def refuse_once(*_: object) -> None:
        if next(refusals, False):
            raise DisconnectionError("gone")

    event.listen(pool_engine, "checkout", refuse_once)
    with pool_engine.connect():
        assert states() == (1, 0)
    assert states() == (0, 1)


def test_a_disposed_pool_is_empty_and_its_successor_is_watched(
    pool_engine: Engine, states: States, seen: Callable[..., float | None]
) -> None:
    with pool_engine.connect():
        pass
    pool_engine.dispose()
    assert states() == (0, 0)
    with pool_engine.connect():
        assert states() == (1, 0)
    assert seen("wait_time_seconds_count") == 2


def test_the_limit_counts_what_is_allowed_in_need(seen: Callable[..., float | None], pool_engine: Engine) -> None:
    assert seen("max") == 3


@pytest.mark.parametrize("options", [{"max_overflow": -1}, {"pool_size": 0}, {"poolclass": StaticPool}], ids=str)
def test_a_pool_without_a_limit_has_none(
    telemetry: Telemetry, seen: Callable[..., float | None], options: dict
) -> None:
    telemetry.watch_engine(create_engine("sqlite:///x.db", **({"poolclass": QueuePool} | options)), "main")
    assert seen("max") is None


def test_a_wait_is_pending_then_measured_and_counted_when_it_was_in_vain(
    pool_engine: Engine, seen: Callable[..., float | None]
) -> None:
    held = [pool_engine.connect() for _ in range(3)]
    fast = seen("wait_time_seconds_bucket", le="0.05")

    def wait_in_vain() -> None:
        with pytest.raises(PoolTimeoutError):
            pool_engine.connect()

    waiting = threading.Thread(target=wait_in_vain)
    waiting.start()
    wait_until(lambda: seen("pending_requests") == 1)
    waiting.join()
    assert seen("pending_requests") == 0
    assert (seen("timeouts_total"), seen("wait_time_seconds_count")) == (1, 4)
    assert seen("wait_time_seconds_bucket", le="0.05") == fast == 3
    for connection in held:
        connection.close()


def test_opening_a_connection_is_no_wait_for_one(pool_engine: Engine, seen: Callable[..., float | None]) -> None:
    """Else each start of a service would look like a pool that is too small."""

    def open_slowly(dialect: Dialect, _entry: object, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        time.sleep(0.3)  # it is the slow thing, not a wait for something
        return dialect.connect(*arguments, **options)

    event.listen(pool_engine, "do_connect", open_slowly)
    with pool_engine.connect():
        pass
    assert seen("wait_time_seconds_count") == 1
    assert seen("wait_time_seconds_bucket", le="0.25") == 1


def test_statements_are_told_apart_by_their_first_word_failed_ones_included(
    telemetry: Telemetry, pool_engine: Engine
) -> None:
    with pool_engine.begin() as connection:
        connection.execute(text("CREATE TABLE t (x INTEGER)"))
        connection.execute(text("INSERT INTO t VALUES (:x)"), [{"x": 1}, {"x": 2}])
        connection.execute(text("  select x FROM t"))
        connection.exec_driver_sql("DELETE FROM t")
    with pool_engine.connect() as connection, pytest.raises(OperationalError):
        connection.execute(text("UPDATE nothing SET x = 1"))
    metrics = Metrics(generate_latest(telemetry.registry).decode())
    counted = {name: metrics(OPERATIONS, db_operation_name=name) for name in ("SELECT", "INSERT", "UPDATE", "DELETE")}
    assert counted == {"SELECT": 1, "INSERT": 1, "UPDATE": 1, "DELETE": 1}
    assert metrics(OPERATIONS, db_operation_name="COMMIT") == 1


@pytest.mark.parametrize(
    ("statement", "operation"),
    [
        ("SELECT 1", "SELECT"),
        ("\n  insert into t values (1)", "INSERT"),
        ("COMMIT;", "COMMIT"),
        ("BEGIN IMMEDIATE", "BEGIN"),
        ("SELECTED", "OTHER"),
        ("WITH x AS (SELECT 1) SELECT 1", "OTHER"),
        ("", "OTHER"),
        ("SELECT" + " " * 10**6, "SELECT"),
    ],
    ids=lambda value: value[:20],
)
def test_no_statement_makes_a_label_of_its_own(statement: str, operation: str) -> None:
    assert operation_of(statement) == operation


def test_the_bank_s_own_database_is_watched(ada: Person, scrape: Callable[[], Metrics]) -> None:
    ada.opens_account("5.00")
    metrics = scrape()
    assert (metrics(OPERATIONS, db_operation_name="INSERT") or 0) >= 4
    assert (metrics(OPERATIONS, db_operation_name="COMMIT") or 0) >= 3
    (pool,) = metrics.labels_of("db_client_connection_max")
    assert metrics("db_client_connection_count", **pool, db_client_connection_state="used") == 0
    assert metrics("db_client_connection_count", **pool, db_client_connection_state="idle") == 1


@pytest.mark.parametrize("workers", [1, 3])
def test_the_pools_of_all_workers_add_up_under_load(
    make_small_service: Callable[..., SmallService],
    tmp_path: Path,
    workers: int,
) -> None:
    shop = make_small_service(HOLDING_SHOP, workers=workers).start().ready()

    def pool(name: str, **labels: str) -> float | None:
        return shop.metrics()(f"db_client_connection_{name}", **POOL, **labels)

    with ThreadPoolExecutor(100) as clients:
        asked = []

        def all_are_used() -> bool:
            asked.append(clients.submit(get, f"{shop.url}/hold", 30))
            return pool("count", db_client_connection_state="used") == workers

        wait_until(all_are_used, 20)
        asked += [clients.submit(get, f"{shop.url}/hold", 30) for _ in range(4)]
        wait_until(lambda: (pool("pending_requests") or 0) > 0)
        wait_until(lambda: (pool("timeouts_total") or 0) >= 4)
        assert pool("count", db_client_connection_state="idle") == 0
        (tmp_path / "released").touch()
        statuses = [answer.result()[0] for answer in asked]
    refused = statuses.count(503)
    assert refused + statuses.count(200) == len(asked)
    assert pool("timeouts_total") == refused
    assert pool("wait_time_seconds_count") == len(asked)
    assert pool("max") == workers
    assert pool("pending_requests") == 0
    assert pool("count", db_client_connection_state="used") == 0
    assert pool("count", db_client_connection_state="idle") == workers
