"""The application factory: puts the parts together; nothing exists before it is called."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask, Response, request
from flask.sessions import SecureCookieSessionInterface
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import Rule

from fintech import admin, api, logs, ops, problems, web
from fintech.bank import Bank
from fintech.config import Settings
from fintech.database import Database
from fintech.faults import FaultCollector, FaultSwitch
from fintech.ledger_audit import LedgerAudit
from fintech.services import Services
from fintech.telemetry import Telemetry
from fintech.users import HASH_METHOD, Users

_BODY_BYTES_MAX = 64 * 1024
_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~-]+)+")

# No script, no foreign content, no framing: the pages need none of it.
_SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


def create_app(settings: Settings, *, clock: Callable[[], float] = time.time, hash_method: str = HASH_METHOD) -> Flask:
    """Make the application and its tables.

    Args:
        settings: See `fintech.config`.
        clock: Seconds since 1970, UTC; for logins and bookings.
        hash_method: How new passwords are hashed, as werkzeug.security names it.
    Raises:
        sqlalchemy.exc.SQLAlchemyError: The database cannot be opened.
    """
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY=settings.secret_key,
        MAX_CONTENT_LENGTH=_BODY_BYTES_MAX,
        SESSION_COOKIE_NAME="fintech_session",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
    )
    app.url_map.merge_slashes = False  # "//x" is not found, rather than redirected to whatever host was asked for
    app.session_interface = _SessionCookies()
    database = Database(settings.database_url)
    database.create_tables(int(clock()))
    telemetry = Telemetry(revision=settings.revision)
    faults = FaultSwitch()
    telemetry.registry.register(FaultCollector(faults))
    ledger_audit = LedgerAudit(database, clock=clock)
    telemetry.registry.register(ledger_audit)
    Services(
        settings=settings,
        database=database,
        telemetry=telemetry,
        bank=Bank(database, clock=clock, on_outcome=telemetry.transaction),
        users=Users(
            database,
            clock=clock,
            token_minutes=settings.token_minutes,
            on_login=telemetry.login,
            hash_method=hash_method,
        ),
        faults=faults,
        ledger_audit=ledger_audit,
    ).init_app(app)
    if settings.trusted_proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            _below_prefix(app.wsgi_app), x_for=settings.trusted_proxies, x_proto=1, x_host=1, x_prefix=1
        )
    # In this order: the route is known first, so that what fails later is still measured and logged by its route.
    for part in (telemetry, logs, problems, admin):
        part.init_app(app)
    for blueprint in (ops.blueprint, admin.blueprint, api.blueprint, web.blueprint):
        app.register_blueprint(blueprint)
    web.init_app(app)
    telemetry.expect((method, rule.rule) for rule in app.url_map.iter_rules() for method in _worked_on(rule))
    app.after_request(_add_security_headers)
    return app


def _worked_on(rule: Rule) -> set[str]:
    """Return the methods that reach a view's own code."""
    return (rule.methods or set()) - {"HEAD", "OPTIONS"}


class _SessionCookies(SecureCookieSessionInterface):
    """Session cookies that fit the way a request came: Secure over HTTPS, and only for our prefix."""

    def get_cookie_secure(self, app: Flask) -> bool:
        """Tell whether the browser speaks HTTPS, the edge in front included."""
        return request.is_secure

    def get_cookie_path(self, app: Flask) -> str:
        """Return the prefix under which the edge serves us."""
        return request.script_root or "/"


def _below_prefix(wsgi_app: WSGIApplication) -> WSGIApplication:
    """Take the prefix that a trusted proxy names, such as /app/, whether or not the proxy removed it from the path.

    A prefix that is no plain path, such as "//elsewhere.example", is not used: links would lead there.
    """

    def below_prefix(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        prefix = environ.get("SCRIPT_NAME", "").rstrip("/")
        environ["SCRIPT_NAME"] = prefix = prefix if _PREFIX.fullmatch(prefix) else ""
        path = environ.get("PATH_INFO", "")
        if prefix and (path == prefix or path.startswith(prefix + "/")):
            environ["PATH_INFO"] = path[len(prefix) :] or "/"
        return wsgi_app(environ, start_response)

    return below_prefix


def _add_security_headers(response: Response) -> Response:
    for name, value in _SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    if request.endpoint != "static":
        response.headers.setdefault("Cache-Control", "no-store")  # balances belong in nobody's cache
    return response
