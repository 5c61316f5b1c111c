"""What the views work with, made once per application and reached from any request."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from flask import Flask, current_app, request
from werkzeug.exceptions import BadRequest

from fintech.bank import Bank
from fintech.config import Settings
from fintech.database import Database
from fintech.errors import Invalid
from fintech.faults import FaultSwitch
from fintech.ledger_audit import LedgerAudit
from fintech.telemetry import Telemetry
from fintech.users import Users

_EXTENSION = "fintech"


@dataclass(frozen=True)
class Services:
    """The parts of one application. `draining` is set once the process has been told to stop."""

    settings: Settings
    database: Database
    telemetry: Telemetry
    bank: Bank
    users: Users
    faults: FaultSwitch
    ledger_audit: LedgerAudit
    draining: threading.Event = field(default_factory=threading.Event)

    def init_app(self, app: Flask) -> None:
        """Put these parts within the application's reach."""
        app.extensions[_EXTENSION] = self


def services(app: Flask | None = None) -> Services:
    """Return the parts of `app`, or of the application that handles the current request."""
    found: Services = (app or current_app).extensions[_EXTENSION]
    return found


def json_fields(*known: str) -> dict[str, object]:
    """Read the request's JSON object.

    Args:
        known: The fields it may have; a missing one is None, for the domain to judge.
    Raises:
        Invalid: It has another field.
        BadRequest: It is no JSON or no object. UnsupportedMediaType: it is not declared as JSON.
    """
    try:
        body = request.get_json()
    except RecursionError as error:
        raise BadRequest("The JSON is nested too deeply.") from error
    if not isinstance(body, dict):
        raise BadRequest("The body must be a JSON object.")
    for name in body:
        if name not in known:
            raise Invalid(name, f"is not a field of this request; there are {', '.join(known)}")
    return {name: body.get(name) for name in known}
