"""Idempotency-Key over HTTP: sent again, a request is answered again and booked once."""

from __future__ import annotations

import pytest
from werkzeug.test import TestResponse

from fintech.idempotency import idempotency
from tests.sample_app.conftest import Person
from tests.sample_app.databases import BOTH_ENGINES

ENGINES = BOTH_ENGINES


def books(person: Person, path: str, key: str | None = "key-1", **fields: object) -> TestResponse:
    headers = {} if key is None else {"Idempotency-Key": key}
    return person.asks("POST", path, fields, headers=headers)


def test_the_same_request_is_booked_once_and_answered_the_same(ada: Person, bob: Person) -> None:
    hers, his = ada.opens_account("50.00"), bob.opens_account()
    for path, fields in (
        ("/deposits", {"account": hers, "amount": "5.00"}),
        ("/withdrawals", {"account": hers, "amount": "2.00"}),
        ("/transfers", {"source": hers, "target": his, "amount": "1.00"}),
    ):
        first = books(ada, path, path, **fields)
        again = books(ada, path, path, **fields)
        assert (first.status_code, again.status_code, first.json) == (201, 201, again.json)
        assert ("Idempotent-Replayed" in first.headers, again.headers.get("Idempotent-Replayed")) == (False, "true")
    assert (ada.balance(hers), bob.balance(his)) == ("52.00", "1.00")


def test_an_answer_sent_again_shows_the_balance_of_then(ada: Person) -> None:
    number = ada.opens_account("10.00")
    first = books(ada, "/deposits", account=number, amount="5.00")
    books(ada, "/deposits", "key-2", account=number, amount="7.00")
    assert books(ada, "/deposits", account=number, amount="5.00").json == first.json
    assert ada.balance(number) == "22.00"


def test_order_and_white_space_of_the_fields_make_no_other_request(ada: Person) -> None:
    number = ada.opens_account()
    headers = {"Idempotency-Key": "key-1", "Content-Type": "application/json"}
    bodies = (f'{{"account":"{number}","amount":"5.00"}}', f' {{ "amount" : "5.0\\u0030",\n"account": "{number}" }} ')
    answers = [ada.asks("POST", "/deposits", data=body, headers=headers) for body in bodies]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert ada.balance(number) == "5.00"


@pytest.mark.parametrize("change", ["amount", "account", "kind", "way of writing"])
def test_a_key_that_comes_with_another_request_is_refused(ada: Person, change: str) -> None:
    number, other = ada.opens_account("10.00"), ada.opens_account("10.00")
    books(ada, "/deposits", account=number, amount="5.00")
    again = {
        "amount": lambda: books(ada, "/deposits", account=number, amount="6.00"),
        "account": lambda: books(ada, "/deposits", account=other, amount="5.00"),
        "kind": lambda: books(ada, "/withdrawals", account=number, amount="5.00"),
        "way of writing": lambda: books(ada, "/deposits", account=number, amount="5"),
    }[change]()
    assert (again.status_code, again.json["type"]) == (409, "urn:fintech:problem:idempotency-key-reused")
    assert (ada.balance(number), ada.balance(other)) == ("15.00", "10.00")


def test_the_mark_of_a_request_is_of_its_method_route_and_fields_in_any_order() -> None:
    def digest(method: str = "POST", route: str = "/a", **fields: object) -> str:
        return idempotency("key-1", method, route, fields, field="Idempotency-Key").request_sha256

    same = {digest(x="1", y="2"), digest(y="2", x="1")}
    others = {
        digest("PUT", x="1", y="2"), digest(route="/b", x="1", y="2"), digest(x="1", y="3"), digest(x="1"),
        digest(x="1", y="2", z=None), digest(x=1, y="2"), digest(x="2", y="1"),
    }  # fmt: skip
    assert (len(same), len(others), len(same | others)) == (1, 7, 8)


def test_a_key_is_one_users_own(ada: Person, bob: Person) -> None:
    """Nobody sees another one's receipt, or blocks another one's key."""
    hers, his = ada.opens_account(), bob.opens_account()
    answers = [
        books(ada, "/deposits", account=hers, amount="5.00"),
        books(bob, "/deposits", account=his, amount="5.00"),
        books(bob, "/deposits", "key-2", account=hers, amount="5.00"),
    ]
    assert [answer.status_code for answer in answers] == [201, 201, 404]


def test_a_refused_request_leaves_its_key_free(ada: Person) -> None:
    number = ada.opens_account("1.00")
    refused = [
        books(ada, "/withdrawals", account=number, amount="5.00"),
        books(ada, "/withdrawals", account=number, amount="-5.00"),
        books(ada, "/withdrawals", account="999999999999", amount="1.00"),
        books(ada, "/withdrawals", account=number, amount="1.00", kind="deposit"),
    ]
    assert [answer.status_code for answer in refused] == [409, 422, 404, 422]
    assert books(ada, "/withdrawals", account=number, amount="1.00").status_code == 201


def test_without_a_key_the_same_request_is_another_one(ada: Person) -> None:
    number = ada.opens_account()
    assert [books(ada, "/deposits", None, account=number, amount="5.00").status_code for _ in range(2)] == [201, 201]
    assert ada.balance(number) == "10.00"


@pytest.mark.parametrize("key", ["", " ", "a b", "a\tb", "x" * 256, "é", "\x7f", "\x00"], ids=repr)
def test_a_key_that_cannot_be_is_refused(ada: Person, key: str) -> None:
    number = ada.opens_account()
    # Past the test client, which would not send some of them.
    answer = ada.asks(
        "POST", "/deposits", {"account": number, "amount": "1"}, environ_overrides={"HTTP_IDEMPOTENCY_KEY": key}
    )
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "Idempotency-Key")
    assert ada.balance(number) == "0.00"


@pytest.mark.parametrize(
    "key", ["x", "x" * 255, "!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~", "'; DROP TABLE transactions; --".replace(" ", "")]
)
def test_any_visible_ascii_is_a_key(ada: Person, key: str) -> None:
    number = ada.opens_account()
    assert [books(ada, "/deposits", key, account=number, amount="1").status_code for _ in range(2)] == [201, 201]
    assert ada.balance(number) == "1.00"
