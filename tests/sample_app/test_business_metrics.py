"""The business as metrics: every series from the start, counted once, after it is certain."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from sqlalchemy import Connection, event
from sqlalchemy.exc import OperationalError

from fintech.faults import FaultKind
from fintech.metrics import Metrics as BusinessMetrics
from fintech.services import Services
from tests.sample_app.conftest import PASSWORD, Metrics, Person

Scrape = Callable[[], Metrics]
KINDS = ("deposit", "withdrawal", "transfer")

COUNTERS: dict[str, dict[str, tuple[str, ...]]] = {
    "fintech_transactions_total": {
        "kind": KINDS,
        "outcome": ("committed", "declined", "invalid", "error", "replayed"),
    },
    "fintech_transaction_declines_total": {"kind": KINDS, "reason": ("insufficient_funds", "balance_limit")},
    "fintech_transaction_amount_cents_count": {"kind": KINDS},
    "fintech_logins_total": {"outcome": ("ok", "bad_credentials", "rate_limited", "error")},
    "fintech_registrations_total": {"outcome": ("ok", "refused", "rate_limited", "error")},
    "fintech_accounts_opened_total": {},
    "fintech_token_refreshes_total": {"outcome": ("ok", "expired", "reused", "invalid", "error")},
    "fintech_password_hash_duration_seconds_count": {"operation": ("hash", "verify")},
    "fintech_rate_limited_total": {"scope": ("login", "registration", "write")},
    "fintech_faults_injected_total": {"kind": ("error", "latency", "database_error", "database_latency")},
}


def committed(scrape: Scrape, kind: str = "deposit") -> float | None:
    return scrape()("fintech_transactions_total", kind=kind, outcome="committed")


@pytest.mark.parametrize("name", COUNTERS)
def test_all_series_are_there_before_anything_happens_and_no_others(scrape: Scrape, name: str) -> None:
    """Then rate() sees the first event, and quiet is not absent."""
    expected: list[dict[str, str]] = [{}]
    for label, words in COUNTERS[name].items():
        expected = [{**labels, label: word} for labels in expected for word in words]
    metrics = scrape()
    assert {metrics(name, **labels) for labels in expected} == {0}
    assert len(metrics.labels_of(name)) == len(expected)


def test_transactions_are_counted_by_what_became_of_them(ada: Person, scrape: Scrape) -> None:
    number = ada.opens_account("5.00")
    for amount in ("1.00", "9.00", "-1", "1.00"):
        ada.asks("POST", "/withdrawals", {"account": number, "amount": amount})
    metrics = scrape()
    counted = {
        outcome: metrics("fintech_transactions_total", kind="withdrawal", outcome=outcome)
        for outcome in ("committed", "declined", "invalid", "error", "replayed")
    }
    assert counted == {"committed": 2, "declined": 1, "invalid": 1, "error": 0, "replayed": 0}
    assert committed(scrape) == 1
    assert metrics("fintech_transaction_declines_total", kind="withdrawal", reason="insufficient_funds") == 1
    assert metrics("fintech_transaction_amount_cents_count", kind="withdrawal") == 2
    assert metrics("fintech_transaction_amount_cents_sum", kind="withdrawal") == 200
    assert metrics("fintech_accounts_opened_total") == 1


def test_a_booking_is_counted_after_its_commit_and_not_before(ada: Person, parts: Services, scrape: Scrape) -> None:
    number = ada.opens_account()
    seen: list[float | None] = []
    event.listen(parts.database.engine, "commit", lambda _: seen.append(committed(scrape)))
    ada.asks("POST", "/deposits", {"account": number, "amount": "1.00"})
    assert 0 in seen
    assert 1 not in seen
    assert committed(scrape) == 1


def test_a_booking_whose_commit_fails_is_an_error_and_no_money(ada: Person, parts: Services, scrape: Scrape) -> None:
    number = ada.opens_account()

    def fail(connection: Connection) -> None:
        if connection.get_execution_options().get("fintech_writes"):  # who asks is still found
            raise OperationalError("COMMIT", {}, Exception("gone"))

    event.listen(parts.database.engine, "commit", fail)
    assert ada.asks("POST", "/deposits", {"account": number, "amount": "1.00"}).status_code == 503
    metrics = scrape()
    assert metrics("fintech_transactions_total", kind="deposit", outcome="error") == 1
    assert committed(scrape) == 0
    assert metrics("fintech_transaction_amount_cents_count", kind="deposit") == 0


def test_the_same_request_again_is_replayed_and_its_amount_counts_once(ada: Person, scrape: Scrape) -> None:
    body = {"account": ada.opens_account(), "amount": "7.00"}
    for _ in range(3):
        ada.asks("POST", "/deposits", body, headers={"Idempotency-Key": "once"})
    metrics = scrape()
    assert committed(scrape) == 1
    assert metrics("fintech_transactions_total", kind="deposit", outcome="replayed") == 2
    assert metrics("fintech_transaction_amount_cents_sum", kind="deposit") == 700


def test_people_are_counted_by_what_became_of_them(ada: Person, scrape: Scrape) -> None:
    for password in ("wrong password", PASSWORD):
        ada.client.post("/api/v1/tokens", json={"username": "ada", "password": password})
    ada.client.post("/api/v1/users", json={"username": "ada", "password": PASSWORD})
    metrics = scrape()
    assert metrics("fintech_logins_total", outcome="ok") == 2
    assert metrics("fintech_logins_total", outcome="bad_credentials") == 1
    assert metrics("fintech_registrations_total", outcome="ok") == 1
    assert metrics("fintech_registrations_total", outcome="refused") == 1
    assert metrics("fintech_password_hash_duration_seconds_count", operation="verify") == 3


def test_a_fault_that_is_over_shows_0() -> None:
    registry = CollectorRegistry()
    metrics = BusinessMetrics(registry)

    def shown(route: str, kind: str) -> float | None:
        return Metrics(generate_latest(registry).decode())("fintech_fault_active", route=route, kind=kind)

    assert shown("/", "error") is None
    metrics.show_faults([("/", FaultKind.ERROR), ("*", FaultKind.LATENCY)])
    assert (shown("/", "error"), shown("*", "latency")) == (1, 1)
    metrics.show_faults([("*", FaultKind.LATENCY)])
    assert (shown("/", "error"), shown("*", "latency")) == (0, 1)
