"""The log: one JSON line per request, nothing secret in it, nobody can forge a line."""

from __future__ import annotations

import io
import json
import logging
import socket
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_telemetry import JsonFormatter
from flask_telemetry.logs import WithoutRequests
from tests.sample_app.conftest import ADMIN_TOKEN, PASSWORD, SECRET_KEY, Person, Service


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


def test_whatever_is_logged_during_a_request_names_its_trace(
    app: Flask, client: FlaskClient, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
    monkeypatch.setitem(app.view_functions, "ops.version", lambda: 1 / 0)
    client.get("/version", headers={"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01"})
    error, request = log.lines()
    assert "ZeroDivisionError" in str(error["exception"])
    assert error["trace_id"] == request["trace_id"] == trace_id
    assert error["span_id"] == request["span_id"] != "00f067aa0ba902b7"


def test_what_is_logged_outside_a_request_names_no_trace(log: Log) -> None:
    logging.getLogger("fintech").warning("the %s", "clock struck one")
    (line,) = log.lines()
    assert line["message"] == "the clock struck one"
    assert not {"trace_id", "span_id"} & set(line)


def test_the_line_has_the_address_that_a_trusted_proxy_names(make_app: Callable[..., Flask], log: Log) -> None:
    client = make_app(trusted_proxies=1, path_prefix="/app").test_client()
    client.get("/app/version", headers={"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Prefix": "/app"})
    (line,) = log.requests()
    assert (line["client"], line["path"], line["route"]) == ("192.0.2.7", "/version", "/version")


@pytest.mark.parametrize(
    ("path", "logged"),
    [("/%C3%BC", "/\u00fc"), ("/%ff", "/\ufffd"), ("/" + "x" * 300, "/" + "x" * 199)],
    ids=["UTF-8", "not UTF-8", "long"],
)
def test_any_path_can_be_logged(client: FlaskClient, log: Log, path: str, logged: str) -> None:
    client.get(path)
    assert log.requests()[0]["path"] == logged


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


def test_no_secret_leaves_the_real_service_by_its_log(make_service: Callable[..., Service]) -> None:
    """At debug level, with broken requests, a crash of the database, and gunicorn's own messages."""
    service = make_service(settings={"FINTECH_LOG_LEVEL": "debug"}).start().ready()
    credentials = json.dumps({"username": "ada", "password": PASSWORD})
    as_json = "Content-Type: application/json"
    said = [
        exchange(service, "POST /api/v1/users", as_json, body=credentials),
        exchange(service, "POST /api/v1/tokens", as_json, body=credentials),
        exchange(service, f"GET /login?password={PASSWORD.replace(' ', '+')}"),
        exchange(
            service, "POST /login", "Content-Type: application/x-www-form-urlencoded", body=f"password={PASSWORD}"
        ),
        exchange(service, "GET /admin/faults", f"Authorization: Bearer {ADMIN_TOKEN}"),
        *(exchange(service, *broken) for broken in BROKEN),
    ]
    issued = json.loads(said[1].partition("\r\n\r\n")[2])
    refresh = json.dumps({"refresh_token": issued["refresh_token"]})
    said += [exchange(service, "POST /api/v1/tokens/refresh", as_json, body=refresh) for _ in range(2)]
    (service.directory / "fintech.db").write_bytes(b"no database")
    said.append(exchange(service, "GET /api/v1/me", f"Authorization: Bearer {issued['access_token']}"))
    service.stop()

    cookies = [line.partition("=")[2].partition(";")[0] for answer in said for line in answer.splitlines()
               if line.lower().startswith("set-cookie:")]  # fmt: skip
    assert cookies
    secrets = [PASSWORD, ADMIN_TOKEN, SECRET_KEY, SECRET, issued["access_token"], issued["refresh_token"], *cookies]
    assert [secret for secret in (*secrets, PASSWORD.replace(" ", "+")) if secret in service.log] == []
    assert service.log.count("Invalid request from 127.0.0.1") + service.log.count("Invalid request from ip=") >= 5
    for line in service.log.splitlines():
        json.loads(line)


SECRET = "s3cr3t-of-a-broken-request"
BROKEN = [
    (f"GET /x?token={SECRET} extra words",),
    ("GET /x", f"Cookie session={SECRET}"),
    ("GET /x", f"Authoriz ation: Bearer {SECRET}"),
    ("GET /x", f"Authorization: {SECRET}\0"),
    ("GET /x", f"Transfer-Encoding: {SECRET}"),
    ("GET /x", f"Expect: {SECRET}"),
    ("GET /x", "Cookie: a=b", f" folded={SECRET}"),
    (f"GET{SECRET} /x",),
]


def exchange(service: Service, line: str, *headers: str, body: str = "") -> str:
    """Send a request as it is written here, however broken, and return the whole answer."""
    text = "\r\n".join([f"{line} HTTP/1.1", *headers, "Host: x", "Connection: close", f"Content-Length: {len(body)}"])
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as connection:
        connection.sendall(f"{text}\r\n\r\n{body}".encode())
        return b"".join(iter(lambda: connection.recv(65536), b"")).decode()


@pytest.mark.parametrize(
    ("message", "arguments", "logged"),
    [
        ("Invalid request from ip=::1: Invalid HTTP Header: 'Cookie: a'", (), "Invalid request from ip=::1: Invalid HTTP Header"),
        ("Error handling request %s %s", ("GET", "/x?token=1"), "Error handling request GET /x"),
        ("Worker (pid:%s) was sent %s!", (7, "SIGKILL"), "Worker (pid:7) was sent SIGKILL!"),
    ],
    ids=["broken request", "crash", "any other"],
)  # fmt: skip
def test_gunicorn_s_messages_are_cut_where_a_client_speaks(
    message: str, arguments: tuple[object, ...], logged: str
) -> None:
    record = logging.LogRecord("gunicorn.error", logging.WARNING, "", 0, message, arguments, None)
    assert WithoutRequests().filter(record)
    assert record.getMessage() == logged
