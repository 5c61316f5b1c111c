"""What a request brings along, read strictly: JSON without surprises, numbers in their range."""

from __future__ import annotations

import json
import re

from flask import request
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from fintech.bank import PAGE_MAX
from fintech.errors import Invalid
from fintech.idempotency import Idempotency, idempotency

# How many entries a list gives, unless told otherwise; PAGE_MAX at most.
PAGE = 50

_WHOLE = re.compile(r"[0-9]{1,18}")
WHOLE_MAX = 10**18 - 1
_NAME_CHARACTERS_MAX = 40  # of an unknown field that is told back


def json_fields(*known: str) -> dict[str, object]:
    """Read the request's JSON object, which is flat: text, numbers, true, false and null.

    Args:
        known: The fields it may have; a missing one is None, for the domain to judge.
    Raises:
        Invalid: It has another field, or one whose value is a list or an object.
        BadRequest: It is no JSON as RFC 8259 has it, no object, or has a field twice.
        UnsupportedMediaType: It is not declared as JSON.
    """
    if not request.is_json:
        raise UnsupportedMediaType("Send JSON, with the header Content-Type: application/json.")
    body = _parsed(request.get_data())
    if not isinstance(body, dict):
        raise BadRequest("The body must be a JSON object.")
    for name, value in body.items():
        if name not in known:
            raise Invalid(name[:_NAME_CHARACTERS_MAX], f"is not a field of this request; there are {', '.join(known)}")
        if isinstance(value, dict | list):
            raise Invalid(name, "must not be a list or an object")
    return {name: body.get(name) for name in known}


def page_limit() -> int:
    """Read how many entries of a list the client wants, 1 to PAGE_MAX; raises Invalid."""
    limit = query_number("limit", least=1, most=PAGE_MAX)
    return PAGE if limit is None else limit


def query_number(name: str, *, least: int = 0, most: int = WHOLE_MAX) -> int | None:
    """Read a whole number from the query string; None when it is not there, Invalid when it is something else."""
    text = request.args.get(name)
    if text is None:
        return None
    if not _WHOLE.fullmatch(text) or not least <= int(text) <= most:
        raise Invalid(name, f"must be a whole number from {least} to {most}")
    return int(text)


def idempotency_of(fields: dict[str, object]) -> Idempotency | None:
    """Return the mark of the current request, or None without the header Idempotency-Key; raises Invalid."""
    key = request.headers.get("Idempotency-Key")
    if key is None or request.url_rule is None:
        return None
    return idempotency(key, request.method, request.url_rule.rule, fields, field="Idempotency-Key")


def _parsed(content: bytes) -> object:
    try:
        return json.loads(content.decode(), object_pairs_hook=_each_name_once, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise BadRequest("The JSON is nested too deeply.") from error
    except ValueError as error:  # no UTF-8, no JSON, or a number of thousands of digits
        raise BadRequest("The body is no JSON.") from error


def _each_name_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    # Whoever checked this request before us may have looked at the other one.
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise BadRequest("A field is there twice.")
    return fields


def _refuse_constant(name: str) -> object:
    raise BadRequest(f"{name} is no JSON.")
