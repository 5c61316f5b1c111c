"""Moving money. The header Idempotency-Key lets a client send a request again whose answer it has lost."""

from __future__ import annotations

from collections.abc import Callable

from flask import g
from flask.typing import ResponseReturnValue

from fintech.access import may_move_money
from fintech.api.blueprint import blueprint
from fintech.bank import Receipt
from fintech.inputs import idempotency_of, json_fields
from fintech.money import format_cents
from fintech.services import services


@blueprint.post("/deposits")
def deposit() -> ResponseReturnValue:
    """Bring money in."""
    return _book(services().bank.deposit, "account", "amount")


@blueprint.post("/withdrawals")
def withdraw() -> ResponseReturnValue:
    """Take money out."""
    return _book(services().bank.withdraw, "account", "amount")


@blueprint.post("/transfers")
def transfer() -> ResponseReturnValue:
    """Move money from an own account, `source`, to any other, `target`."""
    return _book(services().bank.transfer, "source", "target", "amount")


def _book(book: Callable[..., Receipt], *known: str) -> ResponseReturnValue:
    may_move_money(g.user)
    services().rate_limits.spend_write(g.user.id)
    fields = json_fields(*known)
    receipt = book(g.user.id, **fields, idempotency=idempotency_of(fields))
    body = {
        "transaction": receipt.transaction_id,
        "kind": receipt.kind.value,
        "amount": format_cents(receipt.amount_cents),
        "account": receipt.account,
        "balance_after": format_cents(receipt.balance_after_cents),
    }
    return body, 201, {"Idempotent-Replayed": "true"} if receipt.replayed else {}
