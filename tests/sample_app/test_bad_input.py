"""What clients send that nobody should: each is refused in one clear problem, moves nothing, and is never a 500."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from werkzeug.test import TestResponse

from fintech.services import Services
from tests.sample_app.conftest import PASSWORD, Clock, Person, Service

JSON = {"Content-Type": "application/json"}

# Each is no amount; the ids are what a failing test is called by.
NO_AMOUNTS = {
    "negative": "-1000", "signed": "+1", "zero": "0", "zero cents": "0.00", "huge": "9" * 400, "just too large": "10000000000.01",
    "exponent": "1e400", "small exponent": "1e2", "NaN": "NaN", "Infinity": "Infinity", "minus infinity": "-inf",
    "three decimals": "1.234", "no units": ".5", "no decimals": "1.", "two points": "1.2.3", "comma": "1,00",
    "thousands": "1,000.00", "underscore": "1_000", "hexadecimal": "0x10", "leading zero": "01", "blank": " 1",
    "newline": "1\n", "empty": "", "arabic digits": "١٢", "fullwidth digits": "１", "superscript": "²", "fraction": "½",
    "NUL": "1\x00", "surrogate": "\ud800", "currency": "€1", "text": "ten", "code": "__import__('os')",
    "number": 10, "decimal number": 1.5, "large number": 10**30, "true": True, "null": None, "list": ["1"], "object": {"a": "1"},
}  # fmt: skip


def problem(answer: TestResponse) -> tuple[int, str | None]:
    """Return status and field of a problem, having looked that it is one."""
    assert answer.content_type == "application/problem+json", answer.text
    body = answer.json
    assert body["status"] == answer.status_code
    assert body["type"].startswith("urn:fintech:problem:")
    assert body["title"]
    assert body["detail"]
    assert len(body["trace_id"]) == 32
    assert body["request_id"] == answer.headers["X-Request-Id"]
    return answer.status_code, body["errors"][0]["field"] if "errors" in body else None


@pytest.mark.parametrize("amount", NO_AMOUNTS.values(), ids=NO_AMOUNTS)
def test_an_amount_that_is_none_is_refused_and_moves_nothing(ada: Person, bob: Person, amount: object) -> None:
    hers, his = ada.opens_account("5.00"), bob.opens_account()
    answers = [
        ada.asks("POST", "/deposits", {"account": hers, "amount": amount}),
        ada.asks("POST", "/withdrawals", {"account": hers, "amount": amount}),
        ada.asks("POST", "/transfers", {"source": hers, "target": his, "amount": amount}),
    ]
    assert [problem(answer) for answer in answers] == [(422, "amount")] * 3
    assert (ada.balance(hers), bob.balance(his)) == ("5.00", "0.00")


@pytest.mark.parametrize(
    "number", [None, "", "0", "-1", "1", "000000000001", "9" * 13, "9" * 400, "１" * 12, "1e11", 123456789012, True, "a" * 12,
    "\x00" * 12, "\ud800", "123456789012\n", " 123456789012", "1 OR 1=1", ["123456789012"], {"number": "1"}], ids=repr,
)  # fmt: skip
def test_what_is_no_account_number_is_refused(ada: Person, number: object) -> None:
    own = ada.opens_account("5.00")
    answers = [
        ada.asks("POST", "/deposits", {"account": number, "amount": "1.00"}),
        ada.asks("POST", "/withdrawals", {"account": number, "amount": "1.00"}),
        ada.asks("POST", "/transfers", {"source": number, "target": own, "amount": "1.00"}),
        ada.asks("POST", "/transfers", {"source": own, "target": number, "amount": "1.00"}),
    ]
    assert [problem(answer) for answer in answers] == [
        (422, "account"), (422, "account"), (422, "source"), (422, "target"),
    ]  # fmt: skip
    assert ada.balance(own) == "5.00"


def test_a_transfer_without_a_target_or_to_itself_is_refused(ada: Person) -> None:
    own = ada.opens_account("5.00")
    answers = [
        ada.asks("POST", "/transfers", {"source": own, "amount": "1.00"}),
        ada.asks("POST", "/transfers", {"source": own, "target": own, "amount": "1.00"}),
        ada.asks("POST", "/transfers", {"source": own, "target": "999999999999", "amount": "1.00"}),
    ]
    assert [problem(answer) for answer in answers] == [(422, "target")] * 3
    assert ada.balance(own) == "5.00"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/deposits", {"amount": "1.00", "kind": "withdrawal"}),
        ("/deposits", {"amount": "1.00", "user_id": 2}),
        ("/deposits", {"amount": "1.00", "": "x"}),
        ("/accounts", {"name": "x", "balance_cents": 5}),
        ("/accounts", {"name": "x", "\ud800": 5}),
        ("/transactions", {"kind": "bogus"}),
    ],
    ids=["kind", "user", "empty name", "balance", "surrogate", "no such route"],
)
def test_an_unknown_field_or_kind_is_refused(ada: Person, path: str, body: dict[str, object]) -> None:
    status, field = problem(ada.asks("POST", path, body))
    assert status in (404, 422)
    assert field is None or field in body
    assert ada.asks("GET", "/accounts").json["accounts"] == []


def test_money_of_a_foreign_account_is_not_moved(ada: Person, bob: Person) -> None:
    """Neither taken from it nor paid into it in another name; a missing account answers the same."""
    hers, his = ada.opens_account("5.00"), bob.opens_account("5.00")
    for account in (hers, "999999999999"):
        answers = [
            bob.asks("POST", "/withdrawals", {"account": account, "amount": "1.00"}),
            bob.asks("POST", "/deposits", {"account": account, "amount": "1.00"}),
            bob.asks("POST", "/transfers", {"source": account, "target": his, "amount": "1.00"}),
        ]
        assert [problem(answer) for answer in answers] == [(404, None)] * 3
        assert {answer.json["detail"] for answer in answers} == {"There is no such account."}
    assert (ada.balance(hers), bob.balance(his)) == ("5.00", "5.00")


@pytest.mark.parametrize("path", ["", "/entries", "/entries?limit=1&before=9"])
def test_a_foreign_account_is_read_by_the_same_statements_as_a_missing_one(
    parts: Services, ada: Person, bob: Person, path: str
) -> None:
    """No oracle: neither in the answer, apart from the request's own ids, nor in the work that its time would tell."""
    foreign = bob.opens_account("5.00")
    seen: list[list[str]] = []

    def look(number: str) -> dict[str, Any]:
        statements: list[str] = []

        def note(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
            statements.append(statement)

        event.listen(parts.database.engine, "before_cursor_execute", note)
        answer = ada.asks("GET", f"/accounts/{number}{path}")
        event.remove(parts.database.engine, "before_cursor_execute", note)
        assert problem(answer) == (404, None)
        seen.append(statements)
        return {name: value for name, value in answer.json.items() if name not in ("request_id", "trace_id")}

    assert look(foreign) == look("999999999999")
    assert seen[0] == seen[1]


@pytest.mark.parametrize(
    "number", ["0", "-1", "9" * 400, "abc", "1;--", "%F0%9F%92%B6", "%00", "%ED%A0%80", "..%2F", "１２"]
)
def test_a_number_in_a_path_that_is_none_is_not_found(ada: Person, number: str) -> None:
    answers = [ada.asks("GET", f"/accounts/{number}{path}") for path in ("", "/entries")]
    assert [problem(answer) for answer in answers] == [(404, None)] * 2


BODIES = {
    "broken": (b"{", JSON, 400), "empty": (b"", JSON, 400), "two": (b'{"name": "x"} {}', JSON, 400),
    "list": (b"[]", JSON, 400), "text": (b'"text"', JSON, 400), "null": (b"null", JSON, 400),
    "deep list": (b"[" * 60_000, JSON, 400), "deep object": (b'{"a":' * 12_000, JSON, 400),
    "deep field": (b'{"name": ' + b"[" * 300 + b"]" * 300 + b"}", JSON, 422),
    "huge number": (b'{"name": ' + b"9" * 10_000 + b"}", JSON, 400),
    "NaN": (b'{"name": NaN}', JSON, 400), "Infinity": (b'{"name": -Infinity}', JSON, 400),
    "duplicate": (b'{"name": "x", "name": "y"}', JSON, 400), "escaped duplicate": (b'{"name": "x", "n\\u0061me": "y"}', JSON, 400),
    "single quotes": (b"{'name': 'x'}", JSON, 400), "comment": (b'{"name": "x"} // y', JSON, 400),
    "trailing": (b'{"name": "x",}', JSON, 400),
    "latin-1": ('{"name": "é"}'.encode("latin-1"), JSON, 400), "utf-16": ('{"name": "x"}'.encode("utf-16"), JSON, 400),
    "byte order mark": (b'\xef\xbb\xbf{"name": "x"}', JSON, 400), "control character": (b'{"name": "a\x01"}', JSON, 400),
    "plain text": (b'{"name": "x"}', {"Content-Type": "text/plain"}, 415), "no type": (b'{"name": "x"}', {}, 415),
    "form": (b"name=x", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
    "multipart": (b"--x--", {"Content-Type": "multipart/form-data; boundary=x"}, 415),
    "odd type": (b'{"name": "x"}', {"Content-Type": "application/json/x; ;;=\xff".encode().decode("latin-1")}, 415),
    "extra field": (b'{"name": "x", "balance": "5"}', JSON, 422), "long extra field": (b'{"' + b"x" * 60_000 + b'": 1}', JSON, 422),
    "surrogate": (b'{"name": "\\ud800"}', JSON, 422), "nul": (b'{"name": "\\u0000"}', JSON, 422),
    "number": (b'{"name": 5}', JSON, 422), "blank": (b'{"name": " "}', JSON, 422), "missing": (b"{}", JSON, 422),
    "large": (b'{"name": "' + b"x" * 70_000 + b'"}', JSON, 413),
}  # fmt: skip


@pytest.mark.parametrize(("content", "headers", "status"), BODIES.values(), ids=BODIES)
def test_a_body_that_is_no_request_gets_a_problem(
    ada: Person, content: bytes, headers: dict[str, str], status: int
) -> None:
    answer = ada.asks("POST", "/accounts", data=content, headers=headers)
    assert problem(answer)[0] == status
    assert len(answer.data) < 1000
    assert ada.asks("GET", "/accounts").json["accounts"] == []


def test_no_depth_is_just_too_deep_for_a_later_step(ada: Person, clock: Clock) -> None:
    """What the parser of JSON just takes, its writer in the mark of the Idempotency-Key just does not."""
    headers = {**JSON, "Idempotency-Key": "key-1"}
    statuses = set()
    for depth in range(700, 1000):
        clock.now += 1  # or the limit of writes would answer
        body = b'{"amount": ' + b"[" * depth + b"]" * depth + b"}"
        statuses.add(ada.asks("POST", "/deposits", data=body, headers=headers).status_code)
    assert statuses == {400, 422}


@pytest.mark.parametrize(
    ("username", "password", "field"),
    [
        ("ab", PASSWORD, "username"), ("a" * 33, PASSWORD, "username"), ("Ada", PASSWORD, "username"),
        ("ada\n", PASSWORD, "username"), ("ada ", PASSWORD, "username"), (".ada", PASSWORD, "username"),
        ("adа", PASSWORD, "username"), ("ad\x00a", PASSWORD, "username"), ("\ud800\ud800\ud800", PASSWORD, "username"),
        ("ada/../bob", PASSWORD, "username"), ("<script>", PASSWORD, "username"), ("' OR 1=1 --", PASSWORD, "username"),
        ("", PASSWORD, "username"), (7, PASSWORD, "username"), (None, PASSWORD, "username"), (True, PASSWORD, "username"),
        (["ada"], PASSWORD, "username"), ({"$ne": ""}, PASSWORD, "username"), ("a" * 60_000, PASSWORD, "username"),
        ("ada", "short", "password"), ("ada", "x" * 129, "password"), ("ada", "x" * 60_000, "password"),
        ("ada", "\ud800" * 12, "password"), ("ada", "correct\x00horse", "password"), ("ada", "correct\nhorse", "password"),
        ("ada", "", "password"), ("ada", None, "password"), ("ada", 1234567890, "password"), ("ada", True, "password"),
        ("ada", ["correct horse"], "password"),
    ],
    ids=repr,
)  # fmt: skip
def test_a_name_or_password_that_cannot_be_is_refused(
    client: FlaskClient, username: object, password: object, field: str
) -> None:
    credentials = {"username": username, "password": password}
    assert problem(client.post("/api/v1/users", json=credentials)) == (422, field)
    # To log in with it is no mistake of form, except where it is no text at all: it is the wrong one.
    assert problem(client.post("/api/v1/tokens", json=credentials))[0] in (401, 422)


@pytest.mark.parametrize(
    "password", ["        10", "💶" * 10, "e\u0301" * 5, "x" * 128, "'; DROP TABLE users; --", "\u202egnirts esrever"]
)
def test_any_other_text_is_a_password(client: FlaskClient, password: str) -> None:
    credentials = {"username": "ada", "password": password}
    answers = [client.post(path, json=credentials).status_code for path in ("/api/v1/users", "/api/v1/tokens")]
    almost = client.post("/api/v1/tokens", json={"username": "ada", "password": password[:-1] + "?"})
    assert (answers, almost.status_code) == ([201, 201], 401)


QUERIES = [
    "before=-1", "before=x", f"before={9**99}", "before=1.5", "before=%00", "before=%D9%A1", "limit=0", "limit=101",
    "limit=1e3", "limit=",
]  # fmt: skip


@pytest.mark.parametrize("query", QUERIES)
def test_a_page_that_cannot_be_is_refused(ada: Person, query: str) -> None:
    answer = ada.asks("GET", f"/accounts/{ada.opens_account()}/entries?{query}")
    assert problem(answer) == (422, query.split("=")[0])


@pytest.mark.parametrize("after", ["", "x", "999999999999", "%00", "9" * 400])
def test_a_page_of_accounts_behind_none_of_them_is_refused(ada: Person, bob: Person, after: str) -> None:
    foreign = bob.opens_account()
    assert problem(ada.asks("GET", f"/accounts?after={after}")) == (422, "after")
    assert problem(ada.asks("GET", f"/accounts?after={foreign}")) == (422, "after")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PATCH", "/api/v1/accounts", {"GET", "HEAD", "OPTIONS", "POST"}),
        ("GET", "/api/v1/transfers", {"OPTIONS", "POST"}),
        ("DELETE", "/api/v1/accounts/1", {"GET", "HEAD", "OPTIONS"}),
        ("GET", "/api/v1/tokens", {"DELETE", "OPTIONS", "POST"}),
        ("POST", "/api/v1/users/ada/role", {"OPTIONS", "PUT"}),
        ("BREW", "/api/v1/me", {"GET", "HEAD", "OPTIONS"}),
    ],
)
def test_a_method_that_is_not_there_names_those_that_are(
    client: FlaskClient, method: str, path: str, allowed: set[str]
) -> None:
    answer = client.open(path, method=method)
    assert problem(answer)[0] == 405
    assert set(answer.headers["Allow"].split(", ")) == allowed


@pytest.mark.parametrize(
    "name", ["HTTP_X_REQUEST_ID", "HTTP_TRACEPARENT", "HTTP_IDEMPOTENCY_KEY", "HTTP_AUTHORIZATION"]
)
def test_nothing_of_a_header_becomes_a_header_of_the_answer(ada: Person, name: str) -> None:
    forged = {name: "x\r\nSet-Cookie: stolen=1\r\n\r\n<script>"}
    answer = ada.asks("POST", "/deposits", {"account": "x", "amount": "1"}, environ_overrides=forged)
    assert problem(answer)[0] in (401, 422)
    assert "stolen" not in str(answer.headers)
    assert "script" not in answer.text


class TestOverASocket:
    """What no client library would send."""

    @staticmethod
    def ask(service: Service, head: str, body: bytes = b"") -> tuple[int, str]:
        with socket.create_connection(("127.0.0.1", service.port), timeout=10) as connection:
            connection.sendall(head.replace("\n", "\r\n").encode("latin-1") + b"\r\n" + body)
            answer = b""
            while chunk := connection.recv(65536):
                answer += chunk
        return int(answer.split(b" ")[1]), answer.decode()

    def test_a_body_of_unknown_length_is_not_read_beyond_the_limit(self, service: Service) -> None:
        head = "POST /api/v1/tokens HTTP/1.1\nHost: x\nConnection: close\nContent-Type: application/json\n"
        body = b"".join(b"2000\r\n" + b"x" * 0x2000 + b"\r\n" for _ in range(9)) + b"0\r\n\r\n"
        status, answer = self.ask(service, head + "Transfer-Encoding: chunked\n", body)
        assert (status, json.loads(answer.split("\r\n\r\n", 1)[1])["title"]) == (413, "Request Entity Too Large")

    @pytest.mark.parametrize(
        "head",
        [
            "GET /api/v1/me HTTP/1.1\nHost: x\nConnection: close\nAuthorization: Bearer a.b.c\nAuthorization: Bearer x\n",
            "GET /api/v1/me HTTP/1.1\nHost: x\nConnection: close\nAuthorization: Bearer " + "a" * 7000 + ".b.c\n",
            "GET /api/v1/me HTTP/1.1\nHost: x\nConnection: close\nAuthorization: Bearer \xff\xfe.\xfd.\xfc\n",
            "GET /api/v1/accounts/%00%ff HTTP/1.1\nHost: x\nConnection: close\n",
        ],
        ids=["two tokens", "long token", "binary token", "binary path"],
    )
    def test_an_odd_head_is_nobody(self, service: Service, head: str) -> None:
        assert self.ask(service, head)[0] == 401

    @pytest.mark.parametrize(
        "line", ["Content-Length: -1", "Content-Length: x", "Transfer-Encoding: chunked, chunked", "Bad\x00Name: x"]
    )
    def test_a_head_that_frames_nothing_is_refused(self, service: Service, line: str) -> None:
        head = f"POST /api/v1/tokens HTTP/1.1\nHost: x\nConnection: close\nContent-Type: application/json\n{line}\n"
        assert 400 <= self.ask(service, head)[0] < 502

    def test_the_service_is_none_the_worse_for_it(self, service: Service) -> None:
        assert self.ask(service, "GET /readyz HTTP/1.1\nHost: x\nConnection: close\n")[0] == 200
        assert "Traceback" not in service.log


def test_a_mistake_of_ours_is_a_500_that_tells_nothing(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app()
    monkeypatch.setitem(app.view_functions, "ops.version", lambda: 1 / 0)
    answer = app.test_client().get("/version")
    assert problem(answer) == (500, None)
    assert answer.json["type"] == "urn:fintech:problem:internal-error"
    assert "division" not in answer.text
