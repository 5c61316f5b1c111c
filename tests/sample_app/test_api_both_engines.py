"""What the database decides, the same on SQLite and on PostgreSQL: who comes first, and what is only odd text."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from fintech.services import Services
from fintech.users import Role
from tests.sample_app.conftest import PASSWORD, Metrics, Person
from tests.sample_app.databases import BOTH_ENGINES

ENGINES = BOTH_ENGINES

ODD_TEXTS = ["", "\x00", "ada\x00", "\ud800", "%", "_", "'; DROP TABLE users; --", "\\", "٣", "💶" * 20, "x" * 20_000]


def at_the_same_time(app: Flask, send: Callable[[FlaskClient], TestResponse]) -> list[TestResponse]:
    """Let eight clients send something at one moment and return what they were answered."""
    start = threading.Barrier(8)
    answers: list[TestResponse] = []

    def wait_and_send() -> None:
        client = app.test_client()
        start.wait()
        answers.append(send(client))

    threads = [threading.Thread(target=wait_and_send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_of_eight_who_show_a_refresh_token_one_gets_tokens_and_the_login_ends(
    app: Flask, client: FlaskClient, ada: Person, scrape: Callable[[], Metrics]
) -> None:
    pair = client.post("/api/v1/tokens", json={"username": "ada", "password": PASSWORD}).json
    shown = {"refresh_token": pair["refresh_token"]}

    answers = at_the_same_time(app, lambda client: client.post("/api/v1/tokens/refresh", json=shown))

    assert Counter(answer.status_code for answer in answers) == {201: 1, 401: 7}
    winner = next(answer.json for answer in answers if answer.status_code == 201)
    for token in (pair["access_token"], winner["access_token"]):
        assert client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    for token in (pair["refresh_token"], winner["refresh_token"]):
        assert client.post("/api/v1/tokens/refresh", json={"refresh_token": token}).status_code == 401
    assert ada.asks("GET", "/me").status_code == 200
    assert scrape()("fintech_token_refreshes_total", outcome="ok") == 1


def test_of_eight_who_register_one_name_one_gets_it(app: Flask) -> None:
    credentials = {"username": "eve", "password": PASSWORD}
    answers = at_the_same_time(app, lambda client: client.post("/api/v1/users", json=credentials))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 7}


def test_of_eight_with_one_idempotency_key_one_is_booked_and_all_are_answered_the_same(app: Flask, ada: Person) -> None:
    number = ada.opens_account()
    headers = {"Authorization": f"Bearer {ada.token}", "Idempotency-Key": "key-1"}
    body = {"account": number, "amount": "5.00"}

    answers = at_the_same_time(app, lambda client: client.post("/api/v1/deposits", json=body, headers=headers))

    assert Counter(answer.status_code for answer in answers) == {201: 8}
    assert len({answer.json["transaction"] for answer in answers}) == 1
    assert Counter("Idempotent-Replayed" in answer.headers for answer in answers) == {True: 7, False: 1}
    assert ada.balance(number) == "5.00"


def test_a_key_of_each_sort_of_request_is_kept_and_answered(ada: Person, bob: Person) -> None:
    hers, his = ada.opens_account("50.00"), bob.opens_account()
    for path, body in (
        ("/deposits", {"account": hers, "amount": "5.00"}),
        ("/withdrawals", {"account": hers, "amount": "2.00"}),
        ("/transfers", {"source": hers, "target": his, "amount": "1.00"}),
    ):
        first, again = [ada.asks("POST", path, body, headers={"Idempotency-Key": path}) for _ in range(2)]
        assert (first.status_code, again.status_code, first.json) == (201, 201, again.json)
    assert (ada.balance(hers), bob.balance(his)) == ("52.00", "1.00")


def test_odd_text_in_any_place_is_refused_and_never_a_500(ada: Person, client: FlaskClient, parts: Services) -> None:
    """PostgreSQL takes no NUL and no half character, and a LIKE would take % and _ for more than they are."""
    number = ada.opens_account("5.00")
    parts.users.create("boss", PASSWORD, Role.ADMIN)
    boss = Person(client, "boss", parts.tokens.issue(parts.logins.log_in("boss", PASSWORD, address=None)).access_token)
    for odd in ODD_TEXTS:
        quoted = {"after": odd.encode("utf-8", "surrogatepass")[:3000]}
        answers = [
            client.post("/api/v1/users", json={"username": odd, "password": PASSWORD}),
            client.post("/api/v1/tokens", json={"username": odd, "password": odd}),
            client.post("/api/v1/tokens", json={"username": "ada", "password": odd}),
            client.post("/api/v1/tokens/refresh", json={"refresh_token": odd}),
            ada.asks("POST", "/deposits", {"account": odd, "amount": "1"}),
            ada.asks("POST", "/deposits", {"account": number, "amount": odd}),
            ada.asks("POST", "/transfers", {"source": number, "target": odd, "amount": "1"}),
            ada.asks("GET", "/accounts", query_string=quoted),
            boss.asks("GET", "/users", query_string=quoted),
            boss.asks("PUT", "/users/ada/role", {"role": odd}),
        ]
        assert {answer.status_code for answer in answers} <= {401, 422, 429}, odd[:20]
        assert {answer.content_type for answer in answers} == {"application/problem+json"}
        named = ada.asks("POST", "/accounts", {"name": odd})
        assert named.status_code == (201 if odd.isprintable() and 1 <= len(odd) <= 60 else 422)
    assert ada.balance(number) == "5.00"
