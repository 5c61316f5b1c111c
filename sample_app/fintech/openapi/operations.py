"""What each route is for programs, one line per route, keyed by its endpoint in the application."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from fintech.errors import BalanceLimit, Conflict, IdempotencyKeyReused, InsufficientFunds, UsernameTaken


class Who(Enum):
    """Who may ask; the value says it to a reader."""

    ANYBODY = "anybody"
    USER = "whoever is logged in"
    MOVER = "users, not auditors and admins"
    READER = "auditors and admins"
    ADMIN = "admins"
    DRILLER = "whoever holds the admin token, and admins"


@dataclass(frozen=True)
class Operation:
    """One route and method.

    Attributes:
        tag: The subject it is listed under.
        who: Who may ask.
        answer: Schema of the answer when all went well; None for an empty one.
        status: Its status.
        body: Schema of the request's JSON; None when there is none.
        parameters: Names of query and header parameters, see `parameters.PARAMETERS`.
        conflicts: What the present state may refuse it for.
        may_miss: Whether what it is about may not be there, or not for the one who asks.
        is_limited: Whether a client may only ask so often.
        needs_database: Whether the database may be the reason for a 503.
    """

    tag: str
    who: Who
    answer: str | None
    status: int = 200
    body: str | None = None
    parameters: tuple[str, ...] = ()
    conflicts: tuple[type[Conflict], ...] = ()
    may_miss: bool = False
    is_limited: bool = False
    needs_database: bool = True


def _money(body: str, *conflicts: type[Conflict]) -> Operation:
    return Operation(
        "money",
        Who.MOVER,
        "Receipt",
        201,
        body,
        ("Idempotency-Key",),
        (*conflicts, IdempotencyKeyReused),
        may_miss=True,
        is_limited=True,
    )


def _drills(answer: str, status: int = 200, body: str | None = None, parameters: tuple[str, ...] = ()) -> Operation:
    return Operation("drills", Who.DRILLER, answer, status, body, parameters, may_miss=True)


def _machinery(answer: str, *, needs_database: bool = False) -> Operation:
    return Operation("machinery", Who.ANYBODY, answer, needs_database=needs_database)


OPERATIONS: dict[str, Operation] = {
    "api.register": Operation(
        "identity", Who.ANYBODY, "User", 201, "Credentials", conflicts=(UsernameTaken,), is_limited=True
    ),
    "api.log_in": Operation("identity", Who.ANYBODY, "TokenPair", 201, "Credentials", is_limited=True),
    "api.refresh": Operation("identity", Who.ANYBODY, "TokenPair", 201, "RefreshToken"),
    "api.log_out": Operation("identity", Who.USER, None, 204),
    "api.log_out_everywhere": Operation("identity", Who.USER, None, 204),
    "api.me": Operation("identity", Who.USER, "User"),
    "api.list_accounts": Operation("accounts", Who.USER, "Accounts", parameters=("after account", "limit")),
    "api.open_account": Operation("accounts", Who.MOVER, "Account", 201, "NewAccount", is_limited=True),
    "api.show_account": Operation("accounts", Who.USER, "Account", may_miss=True),
    "api.list_entries": Operation("accounts", Who.USER, "Entries", parameters=("before", "limit"), may_miss=True),
    "api.deposit": _money("Movement", BalanceLimit),
    "api.withdraw": _money("Movement", InsufficientFunds),
    "api.transfer": _money("Transfer", InsufficientFunds, BalanceLimit),
    "api.show_audit": Operation("oversight", Who.READER, "Audit"),
    "api.list_users": Operation("oversight", Who.ADMIN, "Users", parameters=("after user", "limit")),
    "api.set_role": Operation("oversight", Who.ADMIN, "User", body="RoleChange", may_miss=True),
    "admin.list_faults": _drills("Faults"),
    "admin.set_fault": _drills("SetFault", 201, "NewFault"),
    "admin.clear_faults": _drills("Cleared", parameters=("route", "kind")),
    "ops.healthz": _machinery("Status"),
    "ops.readyz": _machinery("Status", needs_database=True),
    "ops.version": _machinery("Version"),
    "openapi.show_document": _machinery("Document"),
}
