"""The application factory: puts the parts together; nothing exists before it is called."""

from __future__ import annotations

import time
from collections.abc import Callable

from flask import Flask

from fintech import __version__, admin, api, edge, openapi, ops, problems, web
from fintech.access_tokens import AccessTokens
from fintech.bank import Bank
from fintech.config import Settings
from fintech.database import Database
from fintech.fault_effects import FaultEffects
from fintech.fault_switch import FaultSwitch
from fintech.ledger_audit import LedgerAudit
from fintech.logins import Logins
from fintech.metrics import Metrics
from fintech.passwords import ARGON2_COST, HashCost, Passwords
from fintech.rate_limits import RateLimits
from fintech.registration import Registration
from fintech.services import Services
from fintech.tokens import Tokens
from fintech.users import Users
from flask_telemetry import Telemetry


def create_app(
    settings: Settings, *, clock: Callable[[], float] = time.time, hash_cost: HashCost = ARGON2_COST
) -> Flask:
    """Make the application; its database is brought up to date by `python -m fintech migrate`.

    Args:
        settings: See `fintech.config`.
        clock: Seconds since 1970, UTC; for logins, limits and bookings.
        hash_cost: What the hash of a new password costs.
    """
    app = Flask(__name__)
    app.config.update(SECRET_KEY=settings.secret_key)
    database = Database(settings.database_url, connections=settings.database_connections)
    telemetry = Telemetry(
        app, service="fintech", version=__version__, revision=settings.revision, machinery=ops.MACHINERY
    )
    telemetry.watch_engine(database.engine, "fintech")
    metrics = Metrics(telemetry.registry)
    # A connection of its own: a drill that takes all the others must still be ended.
    faults = FaultSwitch(Database(settings.database_url, connections=1), clock=clock, on_change=metrics.show_faults)
    effects = FaultEffects(faults, on_injected=metrics.fault_injected)
    effects.init_database(database)
    ledger_audit = LedgerAudit(database, clock=clock, on_result=metrics.show_audit, is_to_fail=effects.audit_fails)
    rate_limits = RateLimits(
        login=settings.login_limit,
        registration=settings.registration_limit,
        write=settings.write_limit,
        clock=clock,
        on_limited=metrics.rate_limited,
    )
    users = Users(database, clock=clock, passwords=Passwords(cost=hash_cost, hashing=metrics.hashing))
    registration = Registration(users, rate_limits=rate_limits, on_registration=metrics.registration)
    logins = Logins(
        database,
        clock=clock,
        users=users,
        rate_limits=rate_limits,
        days=settings.login_days,
        on_login=metrics.login,
    )
    tokens = Tokens(
        database,
        clock=clock,
        logins=logins,
        access_tokens=AccessTokens(settings.secret_key),
        minutes=settings.token_minutes,
        on_refresh=metrics.refresh,
    )
    Services(
        settings=settings,
        database=database,
        telemetry=telemetry,
        bank=Bank(database, clock=clock, on_outcome=metrics.transaction, on_account_opened=metrics.account_opened),
        rate_limits=rate_limits,
        users=users,
        registration=registration,
        logins=logins,
        tokens=tokens,
        faults=faults,
        ledger_audit=ledger_audit,
    ).init_app(app)
    for part in (problems, effects):
        part.init_app(app)
    for blueprint in (ops.blueprint, openapi.blueprint, admin.blueprint, api.blueprint, web.blueprint):
        app.register_blueprint(blueprint)
    web.init_app(app)
    telemetry.expect_failures()
    edge.init_app(app, trusted_proxies=settings.trusted_proxies, path_prefix=settings.path_prefix)
    return app
