"""The fault switch: only for the admin, only what was asked for, only for a while."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from fintech.faults import Fault, FaultKind, FaultSwitch
from tests.sample_app.conftest import ADMIN_TOKEN, Metrics, Person

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


def test_a_fault_is_a_series_while_it_lasts(admin: Admin, scrape: Callable[[], Metrics]) -> None:
    admin("POST", ERRORS)
    assert scrape()("fintech_fault_active", route="*", kind="error") == 1
    admin("DELETE")
    assert scrape()("fintech_fault_active", route="*", kind="error") is None


def test_a_fault_switches_itself_off_without_a_request() -> None:
    now = 0.0
    switch = FaultSwitch(clock=lambda: now)
    switch.set(Fault("/x", FaultKind.ERROR, percent=100, latency_s=0, expires_s=10))
    now = 9.9
    assert [left for _, left in switch.active()] == [pytest.approx(0.1)]
    now = 10.0
    assert switch.active() == []
    assert switch.hits("/x") == []


def test_a_fault_of_the_same_route_and_kind_is_replaced(admin: Admin) -> None:
    admin("POST", ERRORS)
    admin("POST", ERRORS | {"percent": 5})
    admin("POST", {"route": "*", "kind": "latency", "latency_s": 1})
    faults = admin("GET").json["faults"]
    assert [(fault["kind"], fault["percent"]) for fault in faults] == [("error", 5), ("latency", 100)]


def test_the_share_of_affected_requests_is_as_asked() -> None:
    """Each draw below the percentage hits; 100 always does, since draws stay below 1."""
    draws = iter([0.0, 0.2499, 0.25, 0.9999])
    switch = FaultSwitch(draw=lambda: next(draws))
    switch.set(Fault("*", FaultKind.ERROR, percent=25, latency_s=0, expires_s=10))
    assert [len(switch.hits("/x")) for _ in range(4)] == [1, 1, 0, 0]


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
        ({"percent": float("nan")}, "percent"),
        ({"percent": 10**400}, "percent"),
        ({"expires_s": 0}, "expires_s"),
        ({"expires_s": 3601}, "expires_s"),
        ({"latency_s": 1}, "latency_s"),
        ({"kind": "latency"}, "latency_s"),
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
    assert ada.client.get("/admin/faults", headers={"Authorization": f"Bearer {ada.token}"}).status_code == 401


def test_without_an_admin_token_there_is_no_switch(make_app: Callable[..., Flask]) -> None:
    client = make_app(admin_token=None).test_client()
    assert client.get("/admin/faults", headers={"Authorization": "Bearer None"}).status_code == 404
