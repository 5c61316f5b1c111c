"""The log: one JSON line per request, nothing secret in it, nobody can forge a line."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from fintech.logs import JsonFormatter
from tests.sample_app.conftest import ADMIN_TOKEN, PASSWORD, SECRET_KEY, Person


class Log(io.StringIO):
    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]

    def requests(self) -> list[dict[str, object]]:
        return [line for line in self.lines() if line["logger"] == "fintech.request"]


@pytest.fixture
def log() -> Iterator[Log]:
    log = Log()
    handler = logging.StreamHandler(log)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield log
    root.removeHandler(handler)
    root.setLevel(before)


def test_a_request_is_one_line_with_the_id_that_the_client_sees(client: FlaskClient, log: Log) -> None:
    answer = client.get("/accounts/123456789012?token=hidden", headers={"X-Request-Id": "abc-1"})
    (line,) = log.requests()
    assert answer.headers["X-Request-Id"] == line["request_id"] == "abc-1"
    assert (line["method"], line["route"], line["status"]) == ("GET", "/accounts/<number>", 303)
    assert line["path"] == "/accounts/123456789012"


@pytest.mark.parametrize("forged", ["a b", "x" * 65, '"}', "ü"])
def test_a_request_id_that_is_none_is_replaced(client: FlaskClient, forged: str) -> None:
    answer = client.get("/healthz", headers={"X-Request-Id": forged.encode().decode("latin-1")})
    assert len(answer.headers["X-Request-Id"]) == 32


def test_probes_are_not_logged(client: FlaskClient, log: Log) -> None:
    client.get("/healthz")
    client.get("/readyz")
    assert log.requests() == []


def test_no_secret_is_ever_logged(app: Flask, ada: Person, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also not when something breaks, and the trace is logged."""
    monkeypatch.setitem(app.view_functions, "api.me", lambda: 1 / 0)
    ada.asks("GET", f"/me?password={PASSWORD}")
    ada.client.post("/api/v1/tokens", json={"username": "ada", "password": PASSWORD})
    ada.client.get("/admin/faults", headers={"Authorization": f"Bearer {ADMIN_TOKEN}"})
    text = log.getvalue()
    assert "ZeroDivisionError" in text
    for secret in (PASSWORD, ada.token, ADMIN_TOKEN, SECRET_KEY, "password="):
        assert secret not in text


def test_nobody_can_forge_a_line(client: FlaskClient, log: Log) -> None:
    client.get("/%0a%7b%22level%22%3a%22error%22%7d")
    assert len(log.getvalue().splitlines()) == 1
    assert log.requests()[0]["route"] == "_unmatched"
