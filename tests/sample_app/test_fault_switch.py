"""The fault switch: the same for all workers and replicas of a database, and no worse off without it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Connection, func, select
from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError

from fintech.database import Database
from fintech.database import faults as table
from fintech.fault_switch import FaultSwitch, Key
from fintech.faults import Fault, FaultKind
from fintech.services import services
from tests.sample_app.conftest import Clock, Service, get, wait_until
from tests.sample_app.databases import BOTH_ENGINES
from tests.sample_app.test_serving import clear_faults, switch_fault

ENGINES = BOTH_ENGINES
START = 1_800_000_000.0


class Away(Database):
    """A database that can be taken away."""

    is_away = False

    @contextmanager
    def read(self) -> Iterator[Connection]:
        self._fail()
        with super().read() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        self._fail()
        with super().write() as connection:
            yield connection

    def _fail(self) -> None:
        if self.is_away:
            raise OperationalError("SELECT", None, Exception("away"))


def error_on(route: str, *, expires_at: float = START + 60, percent: float = 100) -> Fault:
    return Fault(route, FaultKind.ERROR, percent, 0.0, expires_at)


def routes_of(switch: FaultSwitch) -> set[str]:
    return {fault.route for fault, _ in switch.active()}


@pytest.fixture
def database(database_url: URL) -> Iterator[Away]:
    database = Away(database_url, connections=1)
    yield database
    database.close()


@pytest.fixture
def new_switch(database_url: URL, clock: Clock) -> Iterator[Callable[..., FaultSwitch]]:
    """Give a function that makes the switch of another process."""
    made: list[FaultSwitch] = []

    def make(database: Database | None = None, **options: Any) -> FaultSwitch:
        switch = FaultSwitch(database or Database(database_url, connections=1), clock=clock, **options)
        made.append(switch)
        return switch

    yield make
    for switch in made:
        switch.close()


NewSwitch = Callable[..., FaultSwitch]


def test_a_fault_acts_in_every_process_and_ends_in_every_process(new_switch: NewSwitch) -> None:
    one, other = new_switch(), new_switch()
    assert one.set(error_on("/x"))
    other.refresh()
    assert other.hits("/x") == one.hits("/x") == [error_on("/x")]
    assert other.clear() == 1
    one.refresh()
    assert one.hits("/x") == []


def test_a_process_that_starts_later_knows_what_is_on(new_switch: NewSwitch) -> None:
    new_switch().set(error_on("/x"))
    later = new_switch()
    later.refresh()
    assert routes_of(later) == {"/x"}


def test_clearing_counts_what_another_process_has_just_switched_on(new_switch: NewSwitch) -> None:
    one, other = new_switch(), new_switch()
    one.set(error_on("/x"))
    assert other.clear() == 1


def test_requests_never_ask_the_database(database: Away, new_switch: NewSwitch) -> None:
    switch = new_switch(database)
    switch.set(error_on("/x"))
    database.is_away = True
    assert len(switch.hits("/x")) == 1


def test_without_a_database_the_last_known_faults_stay_till_they_expire(
    database: Away, new_switch: NewSwitch, clock: Clock
) -> None:
    switch = new_switch(database)
    switch.set(error_on("/x"))
    database.is_away = True
    switch.refresh()
    assert routes_of(switch) == {"/x"}
    clock.now = START + 60
    assert switch.hits("/x") == []


def test_what_is_switched_on_without_a_database_acts_here_at_once_and_elsewhere_later(
    database: Away, new_switch: NewSwitch
) -> None:
    here, elsewhere = new_switch(database), new_switch()
    database.is_away = True
    assert not here.set(error_on("/x")), "it says that nobody else has it"
    assert routes_of(here) == {"/x"}
    database.is_away = False
    here.refresh()
    elsewhere.refresh()
    assert routes_of(elsewhere) == {"/x"}


def test_what_is_switched_off_without_a_database_does_not_come_back_with_it(database: Away, new_switch: NewSwitch) -> None:
    switch = new_switch(database)
    switch.set(error_on("/x"))
    switch.set(error_on("/y"))
    database.is_away = True
    switch.clear("/x")
    assert routes_of(switch) == {"/y"}
    database.is_away = False
    switch.refresh()
    assert routes_of(switch) == {"/y"}


def test_expired_rows_do_not_pile_up(database: Away, new_switch: NewSwitch, clock: Clock) -> None:
    switch = new_switch(database)
    switch.set(error_on("/x"))
    clock.now = START + 61
    switch.set(error_on("/y", expires_at=START + 90))
    with database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(table)) == 1


def test_a_change_is_told_once_and_an_expiry_is_one(new_switch: NewSwitch, clock: Clock) -> None:
    told: list[Collection[Key]] = []
    switch = new_switch(on_change=told.append)
    switch.set(error_on("/x"))
    switch.set(error_on("/x", percent=5))
    switch.refresh()
    clock.now = START + 60
    switch.refresh()
    switch.refresh()
    assert told == [{("/x", FaultKind.ERROR)}, set()]


def test_the_share_of_affected_requests_is_as_asked(new_switch: NewSwitch) -> None:
    """Each draw below the percentage hits; 100 always does, since draws stay below 1."""
    draws = iter([0.0, 0.2499, 0.25, 0.9999])
    switch = new_switch(draw=lambda: next(draws))
    switch.set(error_on("*", percent=25))
    assert [len(switch.hits("/x")) for _ in range(4)] == [1, 1, 0, 0]


def test_waits_come_before_errors(new_switch: NewSwitch) -> None:
    switch = new_switch()
    switch.set(error_on("/x"))
    switch.set(Fault("*", FaultKind.LATENCY, 100, 0.1, START + 60))
    assert [fault.kind for fault in switch.hits("/x")] == [FaultKind.LATENCY, FaultKind.ERROR]


def test_a_kind_of_a_newer_program_is_left_alone(database: Away, new_switch: NewSwitch) -> None:
    with database.write() as connection:
        connection.execute(
            table.insert().values(route="/x", kind="earthquake", percent=100, latency_s=0, expires_at=START + 60)
        )
    switch = new_switch(database)
    switch.refresh()
    assert switch.active() == []


def test_the_background_thread_follows_the_database_until_it_is_told_to_stop(
    make_app: Callable[..., Flask], clock: Clock
) -> None:
    one, other = services(make_app()).faults, services(make_app()).faults
    stop = threading.Event()
    other.start(stop)
    one.set(error_on("/x"))
    wait_until(lambda: routes_of(other) == {"/x"})
    stop.set()
    wait_until(lambda: not any(thread.name == "faults" for thread in threading.enumerate()))


def test_every_worker_suffers_a_fault_and_is_spared_after_it(make_service: Callable[..., Service]) -> None:
    service = make_service().start("--workers=2").ready()
    switch_fault(service, route="/", kind="error", expires_s=60)
    wait_until(lambda: {get(f"{service.url}/")[0] for _ in range(20)} == {500})
    clear_faults(service)
    wait_until(lambda: {get(f"{service.url}/")[0] for _ in range(20)} == {200})
