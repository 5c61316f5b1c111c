"""What the forms of the pages share: a token against forged ones, a key against booking twice, and complaints."""

from __future__ import annotations

import hmac
import re
import secrets
from dataclasses import dataclass

from flask import request, session
from werkzeug.exceptions import BadRequest

from fintech.errors import BalanceLimit, FintechError, InsufficientFunds, Invalid, UsernameTaken
from fintech.idempotency import Idempotency, idempotency

_KEY = re.compile(r"[A-Za-z0-9_-]{22}")
_LABELS = {
    "username": "Name",
    "password": "Password",
    "name": "Name",
    "amount": "Amount",
    "source": "From account",
    "target": "To account",
}


@dataclass(frozen=True)
class Complaint:
    """Why a form comes back to the one who sent it.

    Attributes:
        form: Which form of the page, as its template calls it.
        field: Name of the field it stands beside; None when it is about the form as a whole.
        message: A sentence.
    """

    form: str
    field: str | None
    message: str


def complain(form: str, error: FintechError) -> Complaint:
    """Say beside which field of `form` an error belongs."""
    match error:
        case Invalid():
            return Complaint(form, error.field, f"{_LABELS.get(error.field, error.field)} {error.message}.")
        case InsufficientFunds() | BalanceLimit():
            return Complaint(form, "amount", str(error))
        case UsernameTaken():
            return Complaint(form, "username", str(error))
        case _:
            return Complaint(form, None, str(error))


def field_text(name: str) -> str:
    """Return what stands in a field, without the blanks around it that a paste brings along."""
    return request.form.get(name, "").strip()


def csrf_token() -> str:
    """Return the session's token, which no other site can know; a session without one gets one."""
    if "csrf_token" not in session:
        session["csrf_token"] = secrets.token_urlsafe(32)
    token: str = session["csrf_token"]
    return token


def check_csrf_token() -> None:
    """Refuse a form that does not carry the session's token; raises BadRequest."""
    expected, given = session.get("csrf_token", ""), request.form.get("csrf_token", "")
    if not expected or not hmac.compare_digest(given.encode(), expected.encode()):
        raise BadRequest("This form is too old or came from elsewhere. Go back, reload the page and send it again.")


def form_key() -> str:
    """Return the key of one form on one page: however often that form is sent, it books once."""
    return secrets.token_urlsafe(16)


def once(**fields: str) -> Idempotency:
    """Return the mark of the sent form, by which it is known when it comes again.

    Args:
        fields: What it says.
    Raises:
        BadRequest: It does not carry one of our keys.
    """
    key = request.form.get("idempotency_key", "")
    if not _KEY.fullmatch(key):
        raise BadRequest("This form is not complete. Go back, reload the page and send it again.")
    return idempotency(key, request.method, request.path, fields, field="idempotency_key")
