"""The API: what it does with what is right, and without its database; `test_bad_input` has all the rest."""

from __future__ import annotations

from collections.abc import Callable

from flask.testing import FlaskClient

from fintech.services import Services
from tests.sample_app.conftest import PASSWORD, Clock, Metrics, Person


def test_money_comes_in_moves_on_and_goes_out(ada: Person, bob: Person) -> None:
    hers, his = ada.opens_account("100.00"), bob.opens_account()

    transfer = ada.asks("POST", "/transfers", {"source": hers, "target": his, "amount": "40.5"})
    withdrawal = bob.asks("POST", "/withdrawals", {"account": his, "amount": "0.50"})

    assert (transfer.status_code, withdrawal.status_code) == (201, 201)
    assert transfer.json["balance_after"] == "59.50"
    assert (ada.balance(hers), bob.balance(his)) == ("59.50", "40.00")
    entries = bob.asks("GET", f"/accounts/{his}/entries").json["entries"]
    assert [(entry["kind"], entry["amount"]) for entry in entries] == [("withdrawal", "-0.50"), ("transfer", "40.50")]
    assert entries[1]["transaction"] == transfer.json["transaction"]


def test_too_much_is_declined_with_a_reason(ada: Person) -> None:
    answer = ada.asks("POST", "/withdrawals", {"account": ada.opens_account("5.00"), "amount": "5.01"})
    assert (answer.status_code, answer.json["type"]) == (409, "urn:fintech:problem:insufficient-funds")


def test_lists_are_read_page_by_page(ada: Person, clock: Clock) -> None:
    numbers = []
    for _ in range(5):
        numbers.append(ada.opens_account("1.00"))
        clock.now += 1
    pages = [ada.asks("GET", f"/accounts?limit=2{after}").json["accounts"] for after in ("", f"&after={numbers[1]}")]
    assert [account["number"] for page in pages for account in page] == numbers[:4]
    assert pages[0][0] | {"number": None, "opened_at": None} == {
        "number": None, "owner": "ada", "name": "Everyday", "balance": "1.00", "opened_at": None,
    }  # fmt: skip

    for amount in ("2.00", "3.00"):
        ada.asks("POST", "/deposits", {"account": numbers[0], "amount": amount})
    path = f"/accounts/{numbers[0]}/entries"
    newest = ada.asks("GET", f"{path}?limit=1").json["entries"]
    older = ada.asks("GET", f"{path}?before={newest[0]['id']}").json["entries"]
    assert [entry["amount"] for entry in newest + older] == ["3.00", "2.00", "1.00"]


def test_a_lost_database_is_a_503_and_comes_back_by_itself(
    client: FlaskClient, ada: Person, parts: Services, scrape: Callable[[], Metrics]
) -> None:
    """Nothing half-written, nothing said about the cause, alive but not ready; then all is well again."""
    number = ada.opens_account("5.00")
    file = parts.settings.database_url.database or ""
    lost = ("accounts", "alembic_version", "users")
    credentials = {"username": "ada", "password": PASSWORD}
    with parts.database.engine.connect() as other:
        for table in lost:
            other.exec_driver_sql(f"ALTER TABLE {table} RENAME TO lost_{table}")
        other.commit()

        asked = [
            ada.asks("POST", "/deposits", {"account": number, "amount": "1.00"}),
            ada.asks("GET", "/me"),
            client.post("/api/v1/tokens", json=credentials),
            client.post("/api/v1/users", json=credentials),
        ]
        health, readiness = client.get("/healthz"), client.get("/readyz")
        page = client.get("/nowhere", headers={"Accept": "text/html"})

        for table in lost:
            other.exec_driver_sql(f"ALTER TABLE lost_{table} RENAME TO {table}")
        other.commit()
    for answer in asked:
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        assert answer.json["type"] == "urn:fintech:problem:database-unavailable"
        assert not {"accounts", "users", "sqlite", file} & set(answer.text.replace('"', " ").split())
    errors = [scrape()(f"fintech_{name}_total", outcome="error") for name in ("logins", "registrations")]
    assert errors == [1, 1]
    assert (health.status_code, readiness.status_code, page.status_code) == (200, 503, 404)
    assert client.get("/readyz").json == {"status": "ready"}
    assert ada.balance(number) == "5.00"
