"""Errors as answers: problem+json (RFC 9457) for programs, a page for people.

The border where errors of the database become ours: whatever it does, a client sees one of these, and a 503 says what
to do, never why.
"""

from __future__ import annotations

import logging
from typing import Any

from flask import Flask, Response, json, make_response, render_template, request
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from werkzeug.exceptions import HTTPException, InternalServerError

from fintech.errors import (
    Conflict,
    FintechError,
    Forbidden,
    InjectedFault,
    Invalid,
    NotFound,
    RateLimited,
    Unauthorized,
)
from flask_telemetry import request_id_of_request, trace_of_request

_LOG = logging.getLogger(__name__)
_DATABASE_GONE = (
    "The database did not answer. Look before you send it again, or send it again with the same Idempotency-Key: "
    "it is then booked once."
)
_RETRY_AFTER_S = 1
_FOR_PROGRAMS = ("/api/", "/admin/", "/healthz", "/readyz", "/version", "/openapi.json")


def init_app(app: Flask) -> None:
    """Answer every error of this application in one of the two forms."""
    app.register_error_handler(FintechError, _on_ours)
    app.register_error_handler(HTTPException, _on_http)
    for error in (OperationalError, InterfaceError, PoolTimeoutError):
        app.register_error_handler(error, _on_database)


def describe(error: FintechError) -> tuple[int, str, str]:
    """Return HTTP status, problem code and title of one of our errors."""
    match error:
        case Invalid():
            return 422, "invalid-field", "A field cannot be accepted"
        case NotFound():
            return 404, "not-found", "Not found"
        case Unauthorized():
            return 401, "unauthorized", "Not logged in"
        case Forbidden():
            return 403, "forbidden", "Not allowed"
        case RateLimited():
            return 429, "rate-limited", "Too many requests"
        case Conflict():
            return 409, error.code, "Refused in the present state"
        case InjectedFault():
            return 500, "injected-fault", "A drill made this request fail"
        case _:
            return 500, "internal-error", "Something went wrong"


def _on_ours(error: FintechError) -> Response:
    status, code, title = describe(error)
    errors = [{"field": error.field, "message": error.message}] if isinstance(error, Invalid) else None
    response = _answer(status, code, title, str(error), errors)
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="fintech"'
    if isinstance(error, RateLimited):
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response


def _on_http(error: HTTPException) -> Response | HTTPException:
    status = error.code or 500
    if isinstance(error, InternalServerError):
        return _answer(status, "internal-error", "Something went wrong", "The cause is in the log.")
    response = _answer(status, error.name.lower().replace(" ", "-"), error.name, error.description or "")
    for name, value in error.get_headers():
        if name.lower() in ("allow", "retry-after"):
            response.headers[name] = value
    return response


def _on_database(error: Exception) -> Response:
    _LOG.error("the database did not answer: %s", error)
    response = _answer(503, "database-unavailable", "Try again", _DATABASE_GONE)
    response.headers["Retry-After"] = str(_RETRY_AFTER_S)
    return response


def _answer(status: int, code: str, title: str, detail: str, errors: list[dict[str, str]] | None = None) -> Response:
    request_id = request_id_of_request()
    if not request.path.startswith(_FOR_PROGRAMS) and _prefers_a_page():
        page = render_template("problem.html", title=title, detail=detail, status=status, request_id=request_id)
        return make_response(page, status)
    body: dict[str, Any] = {
        "type": f"urn:fintech:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "request_id": request_id,
        "trace_id": trace_of_request().trace_id,
    }
    if errors:
        body["errors"] = errors
    return Response(json.dumps(body), status, content_type="application/problem+json")


def _prefers_a_page() -> bool:
    offered = ["application/problem+json", "text/html"]
    return request.accept_mimetypes.best_match(offered, default=offered[0]) == "text/html"
