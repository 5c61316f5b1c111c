"""Puts the document together: one entry per route, with every answer that it may give."""

from __future__ import annotations

import re
from http import HTTPStatus

from flask import Flask
from werkzeug.routing import Rule

from fintech import __version__
from fintech.openapi.operations import OPERATIONS, Operation, Who
from fintech.openapi.parameters import PARAMETERS, PATH_PARAMETERS
from fintech.openapi.schemas import SCHEMAS, Json, ref

_TAGS = {
    "identity": "Who is who: registering, tokens.",
    "accounts": "Accounts and what was booked on them.",
    "money": "Deposits, withdrawals and transfers.",
    "oversight": "The audit, and users and their roles.",
    "drills": "The fault switch; it is only there where an admin token is set.",
    "machinery": "Health and version.",
}
_SECURITY_SCHEMES: Json = {
    "accessToken": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "From POST /api/v1/tokens; short-lived, the refresh token gives the next one.",
    },
    "adminToken": {"type": "http", "scheme": "bearer", "description": "The setting FINTECH_ADMIN_TOKEN."},
}
_RETRY_AFTER: Json = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1}}}
_REPLAYED: Json = {
    "Idempotent-Replayed": {
        "description": "There when the request had been carried out before.",
        "schema": {"type": "string", "enum": ["true"]},
    }
}
_CHALLENGE: Json = {"WWW-Authenticate": {"required": True, "schema": {"type": "string"}}}

# What an answer is good for next, by its schema.
_LINKS: dict[str, Json] = {
    "TokenPair": {
        "refresh": {"operationId": "refresh", "requestBody": {"refresh_token": "$response.body#/refresh_token"}}
    },
    "Account": {
        name: {"operationId": name, "parameters": {"number": "$response.body#/number"}}
        for name in ("show_account", "list_entries")
    },
}


def document(app: Flask, *, server: str) -> Json:
    """Describe the application's API.

    Args:
        app: Its routes are the paths.
        server: Where they begin, such as "/" or "/app".
    """
    paths: dict[str, dict[str, object]] = {}
    for rule in app.url_map.iter_rules():
        described = OPERATIONS.get(rule.endpoint)
        if described is None:
            continue
        summary = (app.view_functions[rule.endpoint].__doc__ or "").splitlines()[0]
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            path = paths.setdefault(re.sub(r"<(\w+)>", r"{\1}", rule.rule), {})
            path[method.lower()] = _operation(rule, described, summary)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Fintech sample",
            "version": __version__,
            "summary": "A small bank, to be watched. No real money moves here.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": server}],
        "tags": [{"name": name, "description": description} for name, description in _TAGS.items()],
        "paths": paths,
        "components": {"schemas": SCHEMAS, "securitySchemes": _SECURITY_SCHEMES},
    }


def _operation(rule: Rule, operation: Operation, summary: str) -> Json:
    parameters = [PATH_PARAMETERS[name] for name in sorted(rule.arguments)]
    parameters += [PARAMETERS[name] for name in operation.parameters]
    return {
        "operationId": rule.endpoint.partition(".")[2],
        "summary": summary,
        "description": f"For {operation.who.value}.",
        "tags": [operation.tag],
        "security": _security(operation.who),
        **({"parameters": parameters} if parameters else {}),
        **({"requestBody": _body(operation.body)} if operation.body else {}),
        "responses": {str(status): answer for status, answer in sorted(_answers(rule, operation).items())},
    }


def _security(who: Who) -> list[Json]:
    if who is Who.ANYBODY:
        return []
    return [{"accessToken": []}, {"adminToken": []}] if who is Who.DRILLER else [{"accessToken": []}]


def _body(schema: str) -> Json:
    return {"required": True, "content": {"application/json": {"schema": ref(schema)}}}


def _answers(rule: Rule, operation: Operation) -> dict[int, Json]:
    """Return every answer of a route: the good one, and what its kind of request can be refused for."""
    answers = {operation.status: _good(operation), 500: _problem(500)}
    if operation.needs_database:
        answers[503] = _problem(503, headers=_RETRY_AFTER)
    if rule.endpoint == "ops.readyz":
        answers[503] = {"description": "Send requests elsewhere.", "content": _json("NotReady")}
    if operation.body:
        answers |= {status: _problem(status) for status in (400, 413, 415)}
    if operation.body or operation.parameters:
        answers[422] = _problem(422, "FieldProblem")
    if operation.who is not Who.ANYBODY or operation.tag == "identity":
        answers[401] = _problem(401, headers=_CHALLENGE)
    if operation.who not in (Who.ANYBODY, Who.USER):
        answers[403] = _problem(403)
    if operation.may_miss:
        answers[404] = _problem(404)
    if operation.conflicts:
        answers[409] = _problem(409, said=" or ".join(conflict.code for conflict in operation.conflicts))
    if operation.is_limited:
        answers[429] = _problem(429, headers=_RETRY_AFTER)
    return answers


def _good(operation: Operation) -> Json:
    answer: Json = {"description": HTTPStatus(operation.status).phrase}
    if operation.answer:
        answer["content"] = _json(operation.answer)
    if operation.answer in _LINKS and operation.status == 201:
        answer["links"] = _LINKS[operation.answer]
    if "Idempotency-Key" in operation.parameters:
        answer["headers"] = _REPLAYED
    return answer


def _problem(status: int, schema: str = "Problem", *, headers: Json | None = None, said: str = "") -> Json:
    return {
        "description": said or HTTPStatus(status).phrase,
        "content": {"application/problem+json": {"schema": ref(schema)}},
        **({"headers": headers} if headers else {}),
    }


def _json(schema: str) -> Json:
    return {"application/json": {"schema": ref(schema)}}
