"""Parameters in paths, query strings and headers."""

from __future__ import annotations

from fintech.bank import PAGE_MAX
from fintech.faults import FaultKind
from fintech.idempotency import KEY
from fintech.inputs import PAGE, WHOLE_MAX
from fintech.openapi.schemas import NAME, NUMBER, Json, one_of, text


def _query(name: str, description: str, schema: Json) -> Json:
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _path(name: str, schema: Json) -> Json:
    return {"name": name, "in": "path", "required": True, "schema": schema}


PARAMETERS: dict[str, Json] = {
    "limit": _query(
        "limit",
        "How many at most.",
        {"type": "integer", "minimum": 1, "maximum": PAGE_MAX, "default": PAGE},
    ),
    "before": _query(
        "before",
        "Only entries with a smaller id: the last one of the page before.",
        {"type": "integer", "minimum": 0, "maximum": WHOLE_MAX},
    ),
    "after account": _query("after", "The last account of the page before.", NUMBER),
    "after user": _query("after", "The last name of the page before.", NAME),
    "route": _query("route", "Only faults of this route.", text("/api/v1/deposits")),
    "kind": _query("kind", "Only faults of this kind.", one_of(FaultKind)),
    "Idempotency-Key": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "A name for this request, which the same user gives no other. Sent again with it, the request "
        "is answered as the first time, with the header Idempotent-Replayed, and books nothing.",
        "schema": text("5e0b1a3c-deposit-1", KEY),
    },
}

# By the name that the route's template has them under.
PATH_PARAMETERS: dict[str, Json] = {"number": _path("number", NUMBER), "username": _path("username", NAME)}
