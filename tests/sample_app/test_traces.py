"""Trace ids: taken over from a caller who names one properly, begun here otherwise; the same wherever they appear."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_telemetry import Telemetry, request_id_of_request, trace_of_request
from flask_telemetry.traces import trace_of

TRACE_ID, PARENT_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
VALID = f"00-{TRACE_ID}-{PARENT_ID}-01"


@pytest.fixture
def tracing_client() -> FlaskClient:
    app = Flask(__name__)
    Telemetry(app)

    @app.get("/")
    def home() -> list[str]:
        return [*trace_of_request(), request_id_of_request(), *trace_of_request()]

    return app.test_client()


@pytest.mark.parametrize(
    "header",
    [VALID, VALID[:-2] + "00", f"cc-{TRACE_ID}-{PARENT_ID}-01", f"01-{TRACE_ID}-{PARENT_ID}-01-what.comes-later"],
    ids=["sampled", "not sampled", "a later version", "a later version with more"],
)
def test_a_proper_header_gives_the_trace_and_never_the_span(tracing_client: FlaskClient, header: str) -> None:
    trace_id, span_id, *_ = tracing_client.get("/", headers={"traceparent": header}).json
    assert trace_id == TRACE_ID
    assert re.fullmatch("[0-9a-f]{16}", span_id)
    assert span_id != PARENT_ID


@pytest.mark.parametrize(
    "header",
    [
        "",
        "00",
        VALID.upper(),
        VALID + "-more",
        VALID + " ",
        f"{VALID}, {VALID}",
        f"ff-{TRACE_ID}-{PARENT_ID}-01",
        f"00-{'0' * 32}-{PARENT_ID}-01",
        f"00-{TRACE_ID}-{'0' * 16}-01",
        f"00-{TRACE_ID[:-1]}-{PARENT_ID}-01",
        f"00-{TRACE_ID}0-{PARENT_ID}-01",
        f"00-{TRACE_ID[:-1]}g-{PARENT_ID}-01",
        f"00-{TRACE_ID[:-1]}\u0661-{PARENT_ID}-01",
        f"00-{TRACE_ID}-{PARENT_ID}-0",
        f"00_{TRACE_ID}_{PARENT_ID}_01",
        '00-"}\n{"level":"error"}-x-01',
        f"01-{TRACE_ID}-{PARENT_ID}-01-" + "x" * 10_000,
        "0" * 100_000,
        "${jndi:ldap://x}",
    ],
    ids=lambda header: header[:30] or "empty",
)
def test_a_hostile_header_is_ignored(header: str) -> None:
    trace = trace_of({"HTTP_TRACEPARENT": header})
    assert re.fullmatch("[0-9a-f]{32}", trace.trace_id)
    assert re.fullmatch("[0-9a-f]{16}", trace.span_id)
    assert trace.trace_id not in (TRACE_ID, "0" * 32)


def test_a_request_keeps_its_ids_and_its_client_sees_the_trace_as_request_id(tracing_client: FlaskClient) -> None:
    answer = tracing_client.get("/")
    trace_id, span_id, request_id, *again = answer.json
    assert again == [trace_id, span_id]
    assert answer.headers["X-Request-Id"] == request_id == trace_id


def test_a_client_may_name_its_request(tracing_client: FlaskClient) -> None:
    answer = tracing_client.get("/", headers={"X-Request-Id": "order-17.a", "traceparent": VALID})
    assert answer.headers["X-Request-Id"] == answer.json[2] == "order-17.a"
    assert answer.json[0] == TRACE_ID


@pytest.mark.parametrize("forged", ["a b", "x" * 65, '"}', "ü"])
def test_a_request_id_that_is_none_is_replaced(tracing_client: FlaskClient, forged: str) -> None:
    answer = tracing_client.get("/", headers={"X-Request-Id": forged.encode().decode("latin-1")})
    assert answer.headers["X-Request-Id"] == answer.json[0]


def test_no_two_requests_share_ids(tracing_client: FlaskClient) -> None:
    with ThreadPoolExecutor(8) as clients:
        seen = list(
            clients.map(lambda _: tuple(tracing_client.application.test_client().get("/").json[:2]), range(400))
        )
    assert len({trace_id for trace_id, _ in seen}) == len({span_id for _, span_id in seen}) == 400


def test_a_problem_answer_names_its_trace(client: FlaskClient) -> None:
    problem = client.get("/api/v1/nowhere", headers={"traceparent": VALID}).json
    assert (problem["trace_id"], problem["request_id"]) == (TRACE_ID, TRACE_ID)
