"""What the views work with, made once per application and reached from any request."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from flask import Flask, current_app

from fintech.bank import Bank
from fintech.config import Settings
from fintech.database import Database
from fintech.fault_switch import FaultSwitch
from fintech.ledger_audit import LedgerAudit
from fintech.logins import Logins
from fintech.rate_limits import RateLimits
from fintech.registration import Registration
from fintech.tokens import Tokens
from fintech.users import Users
from flask_telemetry import Telemetry

_EXTENSION = "fintech"


@dataclass(frozen=True)
class Services:
    """The parts of one application. `draining` is set once the process has been told to stop."""

    settings: Settings
    database: Database
    telemetry: Telemetry
    bank: Bank
    rate_limits: RateLimits
    users: Users
    registration: Registration
    logins: Logins
    tokens: Tokens
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
