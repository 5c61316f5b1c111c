"""The OpenAPI document: whole, valid, and with examples that are what they are examples of."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from fintech.errors import Invalid
from fintech.money import AMOUNT, MAX_AMOUNT_CENTS, format_cents, parse_amount
from fintech.openapi.operations import OPERATIONS
from fintech.openapi.parameters import PARAMETERS
from fintech.openapi.schemas import SCHEMAS, SENT_AMOUNT

Json = dict[str, Any]
_FOR_PROGRAMS = ("/api/", "/admin/", "/healthz", "/readyz", "/version", "/openapi.json")


@pytest.fixture
def document(client: FlaskClient) -> Json:
    found: Json = client.get("/openapi.json").json
    return found


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation


def subschemas(schema: object) -> Iterator[Json]:
    """Walk through all schemas in a piece of the document."""
    if isinstance(schema, dict):
        if "type" in schema:
            yield schema
        for part in schema.values():
            yield from subschemas(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from subschemas(part)


def test_each_route_for_programs_is_described_and_nothing_else(app: Flask, document: Json) -> None:
    routes = {
        (method, re.sub(r"<(\w+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith(_FOR_PROGRAMS)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert {(method, path) for method, path, _ in operations(document)} == routes
    assert len(OPERATIONS) == len(routes)


def test_it_is_valid_openapi(document: Json) -> None:
    assert document["openapi"].startswith("3.1.")
    schemathesis.openapi.from_dict(document).validate()
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_nothing_is_described_that_no_route_uses(document: Json) -> None:
    used = set(re.findall(r"#/components/schemas/(\w+)", str(document)))
    assert used == set(SCHEMAS)
    assert {name for operation in OPERATIONS.values() for name in operation.parameters} == set(PARAMETERS)


def test_each_example_is_what_it_is_an_example_of(document: Json) -> None:
    seen = 0
    for schema in subschemas(document):
        for shown in schema.get("examples", []):
            Draft202012Validator(schema, format_checker=FormatChecker()).validate(shown)
            seen += 1
    assert seen > 20


def test_each_operation_has_a_name_of_its_own_and_says_what_it_does(document: Json) -> None:
    found = [operation for _, _, operation in operations(document)]
    assert len({operation["operationId"] for operation in found}) == len(found)
    assert all(operation["summary"].endswith(".") for operation in found)


def test_what_needs_a_token_says_so_and_nothing_else_does(client: FlaskClient, document: Json) -> None:
    for method, path, operation in operations(document):
        answer = client.open(path.replace("{number}", "1" * 12).replace("{username}", "ada"), method=method)
        is_open = operation["security"] == []
        assert (answer.status_code != 401) == is_open, path
        assert str(answer.status_code) in operation["responses"]


def test_patterns_mean_the_same_to_others_as_to_us(document: Json) -> None:
    """JSON Schema has the expressions of ECMAScript: without Python's names for groups, and not anchored by itself."""
    patterns = [schema["pattern"] for schema in subschemas(document) if "pattern" in schema]
    assert patterns
    assert all(pattern.startswith("^(?:") and pattern.endswith(")$") for pattern in patterns)
    assert not any("?P<" in pattern for pattern in patterns)


@settings(deadline=None)
@given(
    text=st.one_of(
        st.from_regex(AMOUNT, fullmatch=True), st.integers(0, 10**13).map(lambda cents: f"{cents / 100:.2f}")
    )
)
@example(text="0")
@example(text="0.00")
@example(text="0.01")
@example(text=format_cents(MAX_AMOUNT_CENTS))
@example(text=format_cents(MAX_AMOUNT_CENTS + 1))
@example(text="9999999999.99")
def test_an_amount_fits_its_pattern_exactly_when_it_is_taken(text: str) -> None:
    try:
        parse_amount(text)
    except Invalid:
        taken = False
    else:
        taken = True
    assert (SENT_AMOUNT.fullmatch(text) is not None) == taken


def test_behind_the_edge_paths_begin_below_its_prefix(make_app: Callable[..., Flask]) -> None:
    client = make_app(trusted_proxies=1, path_prefix="/app").test_client()
    assert client.get("/openapi.json").json["servers"] == [{"url": "/"}]
    behind = client.get("/openapi.json", headers={"X-Forwarded-Prefix": "/app", "X-Forwarded-For": "203.0.113.7"})
    assert behind.json["servers"] == [{"url": "/app"}]
