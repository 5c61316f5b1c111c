"""Faults: only for the admin, only what was asked for, and on none but the requests that were meant."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from fintech.services import Services
from tests.sample_app.conftest import ADMIN_TOKEN, Clock, Metrics, Person, wait_until

Admin = Callable[..., TestResponse]
ERRORS = {"route": "*", "kind": "error", "percent": 100, "expires_s": 60}


def test_an_error_fault_fails_its_route_and_no_other(ada: Person, admin: Admin) -> None:
    assert admin("POST", ERRORS | {"route": "/api/v1/me"}).status_code == 201
    answer = ada.asks("GET", "/me")
    assert (answer.status_code, answer.json["type"]) == (500, "urn:fintech:problem:injected-fault")
    assert ada.asks("GET", "/accounts").status_code == 200


def test_a_latency_fault_makes_its_route_slow_and_says_so_in_the_metrics(
    ada: Person, admin: Admin, scrape: Callable[[], Metrics]
) -> None:
    admin("POST", {"route": "/api/v1/me", "kind": "latency", "latency_s": 0.3})
    started = time.monotonic()
    assert ada.asks("GET", "/me").status_code == 200
    assert time.monotonic() - started >= 0.3
    labels = {"http_request_method": "GET", "http_route": "/api/v1/me", "http_response_status_code": "200"}
    metrics = scrape()
    assert metrics("http_server_request_duration_seconds_bucket", le="0.25", **labels) == 0
    assert metrics("http_server_request_duration_seconds_bucket", le="0.5", **labels) == 1


def test_a_fault_for_everything_spares_health_metrics_and_its_own_switch(client: FlaskClient, admin: Admin) -> None:
    admin("POST", ERRORS)
    assert client.get("/").status_code == 500
    for path in ("/healthz", "/readyz", "/version", "/static/style.css"):
        with client.get(path) as answer:
            assert answer.status_code == 200
    assert admin("GET").status_code == 200
    assert admin("DELETE").json == {"cleared": 1}
    assert client.get("/").status_code == 200


def test_an_injected_error_moves_no_money(ada: Person, admin: Admin, scrape: Callable[[], Metrics]) -> None:
    number = ada.opens_account("5.00")
    admin("POST", ERRORS | {"route": "/api/v1/deposits"})
    assert ada.asks("POST", "/deposits", {"account": number, "amount": "1.00"}).status_code == 500
    assert ada.balance(number) == "5.00"
    assert scrape()("fintech_transactions_total", kind="deposit", outcome="committed") == 1


def test_a_database_error_books_nothing_and_says_try_again(ada: Person, admin: Admin, scrape: Callable[[], Metrics]) -> None:
    number = ada.opens_account("5.00")
    admin("POST", {"route": "/api/v1/deposits", "kind": "database_error"})
    answer = ada.asks("POST", "/deposits", {"account": number, "amount": "1.00"})
    assert (answer.status_code, answer.json["type"]) == (503, "urn:fintech:problem:database-unavailable")
    assert ada.balance(number) == "5.00"
    metrics = scrape()
    assert metrics("fintech_transactions_total", kind="deposit", outcome="error") == 1
    assert metrics("fintech_transactions_total", kind="deposit", outcome="committed") == 1
    assert metrics("fintech_faults_injected_total", kind="database_error") == 1


def test_a_database_error_leaves_the_idempotency_key_free(ada: Person, admin: Admin) -> None:
    number = ada.opens_account("5.00")
    deposit = {"account": number, "amount": "1.00"}
    admin("POST", {"route": "/api/v1/deposits", "kind": "database_error"})
    assert ada.asks("POST", "/deposits", deposit, headers={"Idempotency-Key": "k"}).status_code == 503
    admin("DELETE")
    again = ada.asks("POST", "/deposits", deposit, headers={"Idempotency-Key": "k"})
    assert (again.status_code, again.headers.get("Idempotent-Replayed")) == (201, None)
    assert ada.balance(number) == "6.00"


def test_a_database_error_spares_what_only_reads(ada: Person, admin: Admin) -> None:
    admin("POST", {"route": "*", "kind": "database_error"})
    assert ada.asks("GET", "/accounts").status_code == 200
    assert ada.asks("POST", "/accounts", {"name": "Everyday"}).status_code == 503


def test_database_latency_waits_with_a_connection_in_hand_and_holds_up_nobody_else(
    ada: Person, bob: Person, admin: Admin, scrape: Callable[[], Metrics]
) -> None:
    """A wait inside SQLite's write lock would slow every other booking down, and end some in "database is locked"."""
    number = ada.opens_account("5.00")
    admin("POST", {"route": "/api/v1/deposits", "kind": "database_latency", "latency_s": 1.5})
    slow = threading.Thread(target=ada.asks, args=("POST", "/deposits", {"account": number, "amount": "1.00"}))
    started = time.monotonic()
    slow.start()
    pool = {"db_client_connection_pool_name": "fintech", "db_client_connection_state": "used"}
    wait_until(lambda: scrape()("db_client_connection_count", **pool) == 1)
    longest_s = 0.0
    while slow.is_alive():
        asked = time.monotonic()
        assert bob.asks("POST", "/accounts", {"name": "Everyday"}).status_code == 201
        longest_s = max(longest_s, time.monotonic() - asked)
        slow.join(0.1)
    assert longest_s < 1.0
    assert time.monotonic() - started >= 2 * 1.5, "to learn who asks, and to book"
    assert ada.balance(number) == "6.00"


def test_the_audit_fails_by_a_fault_of_its_own_and_keeps_its_former_result(
    parts: Services, admin: Admin, clock: Clock, scrape: Callable[[], Metrics]
) -> None:
    parts.ledger_audit.run()
    audited_at = clock.now
    clock.now += 60
    admin("POST", {"route": "job:ledger-audit", "kind": "error"})
    parts.ledger_audit.run()
    assert scrape()("fintech_ledger_audit_timestamp_seconds") == audited_at
    admin("DELETE")
    admin("POST", ERRORS)
    parts.ledger_audit.run()
    assert scrape()("fintech_ledger_audit_timestamp_seconds") == clock.now, "it is none of the requests that * means"


def test_a_fault_is_a_series_while_it_lasts(admin: Admin, scrape: Callable[[], Metrics]) -> None:
    admin("POST", ERRORS)
    assert scrape()("fintech_fault_active", route="*", kind="error") == 1
    admin("DELETE")
    assert not scrape()("fintech_fault_active", route="*", kind="error")


def test_each_request_that_suffers_is_counted(client: FlaskClient, admin: Admin, scrape: Callable[[], Metrics]) -> None:
    admin("POST", ERRORS)
    for _ in range(3):
        client.get("/")
    client.get("/healthz")
    assert scrape()("fintech_faults_injected_total", kind="error") == 3


def test_a_fault_of_the_same_route_and_kind_is_replaced(admin: Admin) -> None:
    admin("POST", ERRORS)
    admin("POST", ERRORS | {"percent": 5})
    admin("POST", {"route": "*", "kind": "latency", "latency_s": 1})
    faults = admin("GET").json["faults"]
    assert sorted((fault["kind"], fault["percent"]) for fault in faults) == [("error", 5), ("latency", 100)]


def test_one_fault_can_be_switched_off_alone(client: FlaskClient, admin: Admin) -> None:
    admin("POST", ERRORS)
    admin("POST", ERRORS | {"route": "/login"})
    admin("POST", {"route": "/login", "kind": "latency", "latency_s": 0.001})
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    cleared = client.delete("/admin/faults?route=/login&kind=error", headers=headers)
    assert cleared.json == {"cleared": 1}
    left = sorted((fault["route"], fault["kind"]) for fault in admin("GET").json["faults"])
    assert left == [("*", "error"), ("/login", "latency")]
    unknown = client.delete("/admin/faults?kind=explosion", headers=headers)
    assert (unknown.status_code, unknown.json["errors"][0]["field"]) == (422, "kind")


def test_a_fault_tells_when_it_ends(admin: Admin, clock: Clock) -> None:
    answer = admin("POST", ERRORS).json
    assert (answer["expires_at"], answer["left_s"], answer["shared"]) == ("2027-01-15T08:01:00Z", 60, True)
    clock.now += 59
    assert admin("GET").json["faults"][0]["left_s"] == 1
    clock.now += 1
    assert admin("GET").json["faults"] == []


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"route": "/not/there"}, "route"),
        ({"route": "/healthz"}, "route"),
        ({"route": "/admin/faults"}, "route"),
        ({"route": None}, "route"),
        ({"route": ["*"]}, "route"),
        ({"kind": "explosion"}, "kind"),
        ({"kind": ["error"]}, "kind"),
        ({"percent": 0}, "percent"),
        ({"percent": 100.1}, "percent"),
        ({"percent": "50"}, "percent"),
        ({"percent": True}, "percent"),
        ({"percent": 10**400}, "percent"),
        ({"expires_s": 0}, "expires_s"),
        ({"expires_s": 3601}, "expires_s"),
        ({"latency_s": 1}, "latency_s"),
        ({"kind": "database_error", "latency_s": 1}, "latency_s"),
        ({"kind": "latency"}, "latency_s"),
        ({"kind": "database_latency"}, "latency_s"),
        ({"route": "job:ledger-audit", "kind": "latency", "latency_s": 1}, "kind"),
        ({"route": "job:another"}, "route"),
        ({"kind": "latency", "latency_s": 31}, "latency_s"),
        ({"kind": "latency", "latency_s": -1}, "latency_s"),
        ({"severity": 1}, "severity"),
    ],
    ids=str,
)
def test_a_fault_that_cannot_be_is_refused(admin: Admin, changed: dict[str, object], field: str) -> None:
    answer = admin("POST", ERRORS | changed)
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, field)
    assert admin("GET").json["faults"] == []


@pytest.mark.parametrize("header", [None, "Bearer ", "Bearer wrong", f"Basic {ADMIN_TOKEN}", ADMIN_TOKEN, "Bearer ü"])
def test_nobody_else_gets_at_the_switch(client: FlaskClient, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header.encode().decode("latin-1")}
    for method in ("GET", "POST", "DELETE"):
        assert client.open("/admin/faults", method=method, headers=headers, json=ERRORS).status_code == 401
    assert client.get("/").status_code == 200


def test_a_user_is_no_admin(ada: Person) -> None:
    assert ada.client.get("/admin/faults", headers={"Authorization": f"Bearer {ada.token}"}).status_code == 403


def test_without_an_admin_token_there_is_no_switch(make_app: Callable[..., Flask]) -> None:
    client = make_app(admin_token=None).test_client()
    assert client.get("/admin/faults", headers={"Authorization": "Bearer None"}).status_code == 404
