"""The API: what it takes, what it refuses, and in which words."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from fintech.database import tokens
from fintech.services import Services
from tests.sample_app.conftest import PASSWORD, Clock, Person

JSON = {"Content-Type": "application/json"}


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


@pytest.mark.parametrize("amount", ["-1000", "1e400", "NaN", "1.234", "0", "", None, 10, 1.5, ["1"]], ids=repr)
@pytest.mark.parametrize("path", ["/deposits", "/withdrawals"])
def test_an_amount_that_is_none_is_refused_and_moves_nothing(ada: Person, path: str, amount: object) -> None:
    number = ada.opens_account("5.00")
    answer = ada.asks("POST", path, {"account": number, "amount": amount})
    assert answer.status_code == 422
    assert answer.content_type == "application/problem+json"
    assert answer.json["errors"][0]["field"] == "amount"
    assert ada.balance(number) == "5.00"


def test_a_transfer_without_a_target_is_refused(ada: Person) -> None:
    answer = ada.asks("POST", "/transfers", {"source": ada.opens_account("5.00"), "amount": "1.00"})
    assert answer.status_code == 422
    assert answer.json["errors"] == [{"field": "target", "message": "must be an account number of 12 digits"}]


def test_too_much_is_declined_with_a_reason(ada: Person) -> None:
    answer = ada.asks("POST", "/withdrawals", {"account": ada.opens_account("5.00"), "amount": "5.01"})
    assert (answer.status_code, answer.json["type"]) == (409, "urn:fintech:problem:insufficient-funds")


@pytest.mark.parametrize("number", ["100000000000", "0", "-1", "9" * 400, "abc", "1;--", "%F0%9F%92%B6"])
def test_a_foreign_account_answers_as_one_that_is_not_there(ada: Person, bob: Person, number: str) -> None:
    """No oracle: apart from the request's own id the answers are equal."""
    foreign = bob.opens_account("5.00")
    for path in ("", "/entries"):
        answers = [ada.asks("GET", f"/accounts/{which}{path}") for which in (foreign, number)]
        assert [answer.status_code for answer in answers] == [404, 404]
        bodies = [{k: v for k, v in answer.json.items() if k != "request_id"} for answer in answers]
        assert bodies[0] == bodies[1]


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"{", JSON, 400),
        (b"[]", JSON, 400),
        (b'"text"', JSON, 400),
        (b"[" * 60_000, JSON, 400),
        (b'{"name": ' + b"9" * 10_000 + b"}", JSON, 400),
        (b'{"name": "x"}', {"Content-Type": "text/plain"}, 415),
        (b"name=x", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
        (b'{"name": "x", "balance": "5"}', JSON, 422),
        (b'{"name": "\\ud800"}', JSON, 422),
        (b'{"name": "\\u0000"}', JSON, 422),
        (b'{"name": "' + b"x" * 70_000 + b'"}', JSON, 413),
    ],
    ids=[
        "broken", "list", "text", "deep", "huge number", "not json", "form", "extra field", "surrogate", "nul", "large",
    ],
)  # fmt: skip
def test_a_body_that_is_no_request_gets_a_problem(
    ada: Person, content: bytes, headers: dict[str, str], status: int
) -> None:
    answer = ada.asks("POST", "/accounts", data=content, headers=headers)
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert answer.json["status"] == status
    assert ada.asks("GET", "/accounts").json["accounts"] == []


@pytest.mark.parametrize("header", ["", "Bearer ", "Bearer nonsense", "Basic YTpi", "Bearer ünïcode", "nonsense"])
def test_without_a_valid_token_nothing_is_told(client: FlaskClient, header: str) -> None:
    answer = client.get("/api/v1/accounts", headers={"Authorization": header.encode().decode("latin-1")})
    assert (answer.status_code, answer.json["title"]) == (401, "Not logged in")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_login_ends_with_logging_out(ada: Person) -> None:
    assert ada.asks("DELETE", "/tokens/current").status_code == 204
    assert ada.asks("GET", "/me").status_code == 401


def test_a_login_ends_by_itself(ada: Person, clock: Clock) -> None:
    clock.now += 60 * 60 - 1
    assert ada.asks("GET", "/me").json == {"username": "ada"}
    clock.now += 1
    assert ada.asks("GET", "/me").status_code == 401


def test_the_database_holds_no_token(ada: Person, parts: Services) -> None:
    with parts.database.read() as connection:
        assert ada.token not in connection.execute(select(tokens.c.digest)).scalars().all()


def test_a_wrong_name_and_a_wrong_password_answer_alike(ada: Person) -> None:
    answers = [
        ada.client.post("/api/v1/tokens", json={"username": username, "password": password})
        for username, password in [
            ("ada", "wrong password"), ("nobody", PASSWORD), ("ada", None), (None, PASSWORD), ("ada", "\ud800" * 12),
        ]
    ]  # fmt: skip
    assert {(answer.status_code, answer.json["detail"]) for answer in answers} == {
        (401, "The name or the password is wrong.")
    }


@pytest.mark.parametrize(
    ("username", "password", "field"),
    [
        ("ab", PASSWORD, "username"),
        ("Ada", PASSWORD, "username"),
        ("ada\n", PASSWORD, "username"),
        ("a" * 33, PASSWORD, "username"),
        (7, PASSWORD, "username"),
        ("ada", "short", "password"),
        ("ada", "x" * 129, "password"),
        ("ada", "\ud800" * 12, "password"),
        ("ada", None, "password"),
    ],
)
def test_a_name_or_password_that_cannot_be_is_refused(
    client: FlaskClient, username: object, password: object, field: str
) -> None:
    answer = client.post("/api/v1/users", json={"username": username, "password": password})
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, field)


def test_a_taken_name_is_refused(ada: Person) -> None:
    answer = ada.client.post("/api/v1/users", json={"username": "ada", "password": PASSWORD})
    assert (answer.status_code, answer.json["type"]) == (409, "urn:fintech:problem:username-taken")


@pytest.mark.parametrize("query", ["before=-1", "before=x", f"before={9**99}", "limit=1e3", "limit="])
def test_a_page_that_cannot_be_is_refused(ada: Person, query: str) -> None:
    assert ada.asks("GET", f"/accounts/{ada.opens_account()}/entries?{query}").status_code == 422


def test_a_method_that_is_not_there_names_those_that_are(ada: Person) -> None:
    answer = ada.asks("PATCH", "/accounts")
    assert answer.status_code == 405
    assert {"GET", "POST"} <= set(answer.headers["Allow"].split(", "))


def test_a_lost_database_is_a_503_and_comes_back_by_itself(
    app: Flask, client: FlaskClient, ada: Person, parts: Services
) -> None:
    """Nothing half-written, nothing said about the cause, alive but not ready; then all is well again."""
    if parts.database.engine.dialect.name != "sqlite":
        pytest.skip("a table that is gone stands for a lost database in SQLite alone")
    number = ada.opens_account("5.00")
    file = parts.settings.database_url.database or ""
    with parts.database.engine.connect() as other:
        other.exec_driver_sql("ALTER TABLE accounts RENAME TO gone")
        other.commit()

        deposit = ada.asks("POST", "/deposits", {"account": number, "amount": "1.00"})
        health, readiness = client.get("/healthz"), client.get("/readyz")
        page = client.get("/nowhere", headers={"Accept": "text/html"})

        other.exec_driver_sql("ALTER TABLE gone RENAME TO accounts")
        other.commit()
    assert (deposit.status_code, health.status_code, readiness.status_code) == (503, 200, 503)
    assert deposit.headers["Retry-After"] == "1"
    assert "accounts" not in deposit.json["detail"]
    assert file not in deposit.text
    assert page.status_code == 404
    assert client.get("/readyz").json == {"status": "ready"}
    assert ada.balance(number) == "5.00"


def test_a_mistake_of_ours_is_a_500_that_tells_nothing(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app()
    client = app.test_client()
    monkeypatch.setitem(app.view_functions, "ops.version", lambda: 1 / 0)
    answer = client.get("/version")
    assert (answer.status_code, answer.json["type"]) == (500, "urn:fintech:problem:internal-error")
    assert "division" not in answer.text
