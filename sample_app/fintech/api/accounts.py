"""Accounts and their entries. A user sees their own; an auditor and an admin see everybody's."""

from __future__ import annotations

from flask import g, request
from flask.typing import ResponseReturnValue

from fintech.access import may_move_money, whose_accounts
from fintech.api.blueprint import blueprint
from fintech.bank import Account, Entry
from fintech.inputs import json_fields, page_limit, query_number
from fintech.money import format_cents
from fintech.services import services
from fintech.times import iso_time


@blueprint.get("/accounts")
def list_accounts() -> ResponseReturnValue:
    """List the accounts that the user may see, oldest first; `after`, an account's number, and `limit` page through."""
    accounts = services().bank.accounts_of(whose_accounts(g.user), after=request.args.get("after"), limit=page_limit())
    return {"accounts": [_account(account) for account in accounts]}


@blueprint.post("/accounts")
def open_account() -> ResponseReturnValue:
    """Open an account of a given name."""
    may_move_money(g.user)
    services().rate_limits.spend_write(g.user.id)
    return _account(services().bank.open_account(g.user.id, **json_fields("name"))), 201


@blueprint.get("/accounts/<number>")
def show_account(number: str) -> ResponseReturnValue:
    """Show an account."""
    return _account(services().bank.account(whose_accounts(g.user), number))


@blueprint.get("/accounts/<number>/entries")
def list_entries(number: str) -> ResponseReturnValue:
    """List an account's entries, newest first; `before` and `limit` page through them."""
    entries = services().bank.entries(
        whose_accounts(g.user),
        number,
        before=query_number("before"),
        limit=page_limit(),
    )
    return {"entries": [_entry(entry) for entry in entries]}


def _account(account: Account) -> dict[str, object]:
    return {
        "number": account.number,
        "owner": account.owner,
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
