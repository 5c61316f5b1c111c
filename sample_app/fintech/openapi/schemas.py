"""What the JSON of requests and answers looks like, as JSON Schema; ranges are those that the code checks with."""

from __future__ import annotations

import re
from enum import StrEnum

from fintech.bank import ACCOUNT_NUMBER, NAME_CHARACTERS_MAX
from fintech.faults import EXPIRES_S_DEFAULT, EXPIRES_S_MAX, LATENCY_S_MAX, FaultKind
from fintech.ledger import Kind
from fintech.money import AMOUNT, MAX_AMOUNT_CENTS, format_cents
from fintech.users import PASSWORD_CHARACTERS_MAX, PASSWORD_CHARACTERS_MIN, USERNAME, Role

Json = dict[str, object]

# AMOUNT without zero and without what is above the largest one, which is a power of ten.
_LARGEST = str(MAX_AMOUNT_CENTS // 100)
SENT_AMOUNT = re.compile(
    rf"0\.(?:0[1-9]|[1-9][0-9]?)|[1-9][0-9]{{0,{len(_LARGEST) - 2}}}(?:\.[0-9]{{1,2}})?|{_LARGEST}(?:\.0{{1,2}})?"
)
_SIGNED_AMOUNT = re.compile(rf"-?(?:{AMOUNT.pattern})")
_NO_CONTROL_CHARACTERS = re.compile(r"[^\x00-\x1f\x7f-\x9f]*")
_BALANCE = re.compile(r"(?:0|[1-9][0-9]{0,13})\.[0-9]{2}")


def pattern(expression: re.Pattern[str]) -> str:
    """Write a Python expression that is used with fullmatch as JSON Schema has it: anchored, groups without names."""
    return f"^(?:{re.sub(r'[?]P<[a-z]+>', '?:', expression.pattern)})$"


def text(example: str, expression: re.Pattern[str] | None = None, **more: object) -> Json:
    """Describe a text, of a given pattern or not."""
    return {
        "type": "string",
        **({} if expression is None else {"pattern": pattern(expression)}),
        **more,
        "examples": [example],
    }


def one_of(values: type[StrEnum]) -> Json:
    """Describe a text out of an enumeration."""
    return {"type": "string", "enum": [value.value for value in values]}


def ref(name: str) -> Json:
    """Point at a schema below."""
    return {"$ref": f"#/components/schemas/{name}"}


def _list(of: Json) -> Json:
    return {"type": "array", "items": of}


def _object(**properties: Json) -> Json:
    return {"type": "object", "required": list(properties), "properties": properties}


def _request(optional: Json | None = None, /, **properties: Json) -> Json:
    """Describe a request's object, which may have no other fields."""
    described = _object(**properties)
    return described | {"properties": {**properties, **(optional or {})}, "additionalProperties": False}


def _share(most: float, default: float | None = None, **more: object) -> Json:
    """Describe a number above 0; null means as much as leaving it out."""
    return {
        "type": ["number", "null"],
        "exclusiveMinimum": 0,
        "maximum": most,
        **({} if default is None else {"default": default}),
        **more,
    }


NUMBER = text("482915730164", ACCOUNT_NUMBER)
NAME = text("ada", USERNAME)
_TIME = text("2026-01-31T12:00:00Z", format="date-time")
_ID = text("0b6f3f0e-6f0f-4f0c-9a53-3f1d8f1f5a11", format="uuid")
_MONEY = text(
    "12.34",
    SENT_AMOUNT,
    description=f"Digits with at most two decimals, 0.01 to {format_cents(MAX_AMOUNT_CENTS)}; no sign, no exponent.",
)
_BALANCE_OF = text("1234.50", _BALANCE)
_PASSWORD = text(
    "correct horse battery",
    _NO_CONTROL_CHARACTERS,
    minLength=PASSWORD_CHARACTERS_MIN,
    maxLength=PASSWORD_CHARACTERS_MAX,
    format="password",
    description="Without control characters.",
)
_NAME_OF_ACCOUNT = text(
    "Everyday", minLength=1, maxLength=NAME_CHARACTERS_MAX, description="Printable, not only blanks."
)

SCHEMAS: dict[str, Json] = {
    "Credentials": _request(username=NAME, password=_PASSWORD),
    "RefreshToken": _request(refresh_token=text("q1w2…", description="The latest one of this login.")),
    "TokenPair": _object(
        access_token=text("eyJhbGciOiJIUzI1NiIs…"),
        refresh_token=text("q1w2…"),
        token_type={"const": "Bearer"},
        expires_in={"type": "integer", "minimum": 1, "description": "Life of the access token, seconds."},
    ),
    "User": _object(username=NAME, role=one_of(Role)),
    "Users": _object(users=_list(ref("User"))),
    "RoleChange": _request(role=one_of(Role)),
    "NewAccount": _request(name=_NAME_OF_ACCOUNT),
    "Account": _object(
        number=NUMBER,
        owner=NAME,
        name=_NAME_OF_ACCOUNT,
        balance=_BALANCE_OF,
        opened_at=_TIME,
    ),
    "Accounts": _object(accounts=_list(ref("Account"))),
    "Entry": _object(
        id={"type": "integer", "minimum": 1, "description": "Rises with time."},
        transaction=_ID,
        kind=one_of(Kind),
        amount=text("-12.34", _SIGNED_AMOUNT),
        balance_after=_BALANCE_OF,
        booked_at=_TIME,
    ),
    "Entries": _object(entries=_list(ref("Entry"))),
    "Movement": _request(account=NUMBER, amount=_MONEY),
    "Transfer": _request(source=NUMBER, target=NUMBER, amount=_MONEY),
    "Receipt": _object(
        transaction=_ID,
        kind=one_of(Kind),
        amount=text("12.34", AMOUNT),
        account=NUMBER,
        balance_after=_BALANCE_OF,
    ),
    "Audit": _object(
        sound={"type": "boolean"},
        count={"type": "integer", "minimum": 0, "description": "How many problems there are."},
        problems=_list(text("transaction 0b6f3f0e-… is off by 0.01")),
    ),
    "NewFault": _request(
        {
            "percent": _share(100, 100, description="Share of the requests that suffer."),
            "latency_s": _share(
                LATENCY_S_MAX, description="Seconds waited; for the kinds that wait, and only for them."
            ),
            "expires_s": _share(EXPIRES_S_MAX, EXPIRES_S_DEFAULT, description="Seconds until it switches itself off."),
        },
        route=text("/api/v1/deposits", description="A template that GET lists, or * for every route."),
        kind=one_of(FaultKind),
    ),
    "Fault": _object(
        route=text("/api/v1/deposits"),
        kind=one_of(FaultKind),
        percent={"type": "number"},
        latency_s={"type": "number"},
        expires_at=_TIME,
        left_s={"type": "number", "description": "Seconds until it switches itself off."},
    ),
    "SetFault": {
        "allOf": [
            ref("Fault"),
            _object(shared={"type": "boolean", "description": "False: in this process only, for want of a database."}),
        ]
    },
    "Faults": _object(faults=_list(ref("Fault")), routes=_list(text("/api/v1/deposits"))),
    "Cleared": _object(cleared={"type": "integer", "minimum": 0}),
    "Status": _object(status=text("ok")),
    "NotReady": _object(status=text("not ready")) | {"description": "May have a `reason`."},
    "Version": _object(version=text("0.1.0"), revision=text("unknown"), python_version=text("3.11.2")),
    "Document": {"type": "object", "required": ["openapi", "info", "paths"]},
    "Problem": {
        "description": "What went wrong, as RFC 9457 has it.",
        **_object(
            type=text("urn:fintech:problem:invalid-field", re.compile(r"urn:fintech:problem:[a-z-]+")),
            title=text("A field cannot be accepted"),
            status={"type": "integer", "minimum": 400, "maximum": 599},
            detail=text("amount must be at least 0.01"),
            request_id=text("7d1f…", minLength=1),
            trace_id=text("4bf92f3577b34da6a3ce929d0e0e4736", re.compile(r"[0-9a-f]{32}")),
        ),
    },
    "FieldProblem": {
        "allOf": [
            ref("Problem"),
            _object(
                errors=_list(_object(field=text("amount"), message=text("must be at least 0.01"))) | {"minItems": 1}
            ),
        ]
    },
}
