"""The API for programs, under /api/v1: JSON in, JSON or problem+json out, a bearer token to say who asks."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from flask import Blueprint, g, request
from flask.typing import ResponseReturnValue

from fintech.bank import Account, Entry, Receipt
from fintech.errors import Invalid, Unauthorized
from fintech.money import format_cents
from fintech.services import json_fields, services

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")

_OPEN_ENDPOINTS = frozenset({"api.register", "api.log_in"})
_WHOLE = re.compile(r"[0-9]{1,18}")


@blueprint.before_request
def _know_who_asks() -> None:
    if request.endpoint in _OPEN_ENDPOINTS:
        return
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthorized("Send the header Authorization: Bearer TOKEN; POST /api/v1/tokens gives one.")
    g.token = token.strip()
    g.user = services().users.user_of(g.token)


@blueprint.post("/users")
def register() -> ResponseReturnValue:
    """Make a user from username and password."""
    user = services().users.register(**json_fields("username", "password"))
    return {"username": user.username}, 201


@blueprint.post("/tokens")
def log_in() -> ResponseReturnValue:
    """Exchange username and password for a bearer token."""
    login = services().users.log_in(**json_fields("username", "password"))
    body = {"access_token": login.token, "token_type": "Bearer", "expires_in": login.expires_in_s}
    return body, 201


@blueprint.delete("/tokens/current")
def log_out() -> ResponseReturnValue:
    """End the login this request came with."""
    services().users.log_out(g.token)
    return "", 204


@blueprint.get("/me")
def me() -> ResponseReturnValue:
    """Tell who asks."""
    return {"username": g.user.username}


@blueprint.get("/accounts")
def list_accounts() -> ResponseReturnValue:
    """List the user's accounts."""
    return {"accounts": [_account(account) for account in services().bank.accounts_of(g.user.id)]}


@blueprint.post("/accounts")
def open_account() -> ResponseReturnValue:
    """Open an account of a given name."""
    return _account(services().bank.open_account(g.user.id, **json_fields("name"))), 201


@blueprint.get("/accounts/<number>")
def show_account(number: str) -> ResponseReturnValue:
    """Show one of the user's accounts."""
    return _account(services().bank.account(g.user.id, number))


@blueprint.get("/accounts/<number>/entries")
def list_entries(number: str) -> ResponseReturnValue:
    """List an account's entries, newest first; `before` and `limit` page through them."""
    limit = _query_number("limit")
    entries = services().bank.entries(
        g.user.id, number, before=_query_number("before"), limit=50 if limit is None else limit
    )
    return {"entries": [_entry(entry) for entry in entries]}


@blueprint.post("/deposits")
def deposit() -> ResponseReturnValue:
    """Bring money in."""
    return _receipt(services().bank.deposit(g.user.id, **json_fields("account", "amount"))), 201


@blueprint.post("/withdrawals")
def withdraw() -> ResponseReturnValue:
    """Take money out."""
    return _receipt(services().bank.withdraw(g.user.id, **json_fields("account", "amount"))), 201


@blueprint.post("/transfers")
def transfer() -> ResponseReturnValue:
    """Move money from an own account, `source`, to any other, `target`."""
    return _receipt(services().bank.transfer(g.user.id, **json_fields("source", "target", "amount"))), 201


def iso_time(seconds: int) -> str:
    """Write seconds since 1970 as text, UTC: "2026-01-31T12:00:00Z"."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _query_number(name: str) -> int | None:
    text = request.args.get(name)
    if text is None:
        return None
    if not _WHOLE.fullmatch(text):
        raise Invalid(name, "must be a whole number")
    return int(text)


def _account(account: Account) -> dict[str, object]:
    return {
        "number": account.number,
        "name": account.name,
        "balance": format_cents(account.balance_cents),
        "opened_at": iso_time(account.opened_at),
    }


def _entry(entry: Entry) -> dict[str, object]:
    return {
        "id": entry.id,
        "transaction": entry.transaction_id,
        "kind": entry.kind.value,
        "amount": format_cents(entry.amount_cents),
        "balance_after": format_cents(entry.balance_after_cents),
        "booked_at": iso_time(entry.booked_at),
    }


def _receipt(receipt: Receipt) -> dict[str, object]:
    return {
        "transaction": receipt.transaction_id,
        "kind": receipt.kind.value,
        "amount": format_cents(receipt.amount_cents),
        "account": receipt.account,
        "balance_after": format_cents(receipt.balance_after_cents),
    }
