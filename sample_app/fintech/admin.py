"""The fault switch over HTTP, under /admin, for whoever holds the admin token; without a token set, it is not there."""

from __future__ import annotations

import hmac
import logging
import time

from flask import Blueprint, Flask, current_app, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from fintech.errors import InjectedFault, Unauthorized
from fintech.faults import Fault, FaultKind
from fintech.services import json_fields, services
from fintech.telemetry import route_of_request

_LOG = logging.getLogger(__name__)

blueprint = Blueprint("admin", __name__, url_prefix="/admin")

# A drill must stay observable and can always be ended.
_NEVER_AFFECTED = ("/admin/", "/static/", "/healthz", "/readyz", "/version")


def init_app(app: Flask) -> None:
    """Let the switched-on faults act on the application's requests."""
    app.before_request(_suffer_faults)


def affected_routes(app: Flask) -> frozenset[str]:
    """Return the route templates that faults can be switched on for."""
    return frozenset(rule.rule for rule in app.url_map.iter_rules() if not rule.rule.startswith(_NEVER_AFFECTED))


def _suffer_faults() -> None:
    if request.url_rule is None or request.url_rule.rule.startswith(_NEVER_AFFECTED):
        return
    for fault in services().faults.hits(route_of_request()):
        if fault.kind is FaultKind.LATENCY:
            time.sleep(fault.latency_s)
        else:
            raise InjectedFault("The fault switch is on for this route.")


@blueprint.before_request
def _check_token() -> None:
    expected = services().settings.admin_token
    if expected is None:
        raise NotFound
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), expected.encode()):
        raise Unauthorized("Send the header Authorization: Bearer ADMIN_TOKEN.")


@blueprint.post("/faults")
def set_fault() -> ResponseReturnValue:
    """Switch a fault on: route, kind, percent, latency_s, expires_s."""
    fields = json_fields("route", "kind", "percent", "latency_s", "expires_s")
    fault = Fault.from_mapping(fields, affected_routes(current_app))
    services().faults.set(fault)
    _LOG.warning("fault switched on: %s", fault)
    return _fault(fault, fault.expires_s), 201


@blueprint.get("/faults")
def list_faults() -> ResponseReturnValue:
    """List the faults that are on and the routes that there are."""
    return {
        "faults": [_fault(fault, left_s) for fault, left_s in services().faults.active()],
        "routes": sorted(affected_routes(current_app)),
    }


@blueprint.delete("/faults")
def clear_faults() -> ResponseReturnValue:
    """Switch all faults off."""
    count = services().faults.clear()
    _LOG.warning("faults switched off: %d", count)
    return {"cleared": count}


def _fault(fault: Fault, left_s: float) -> dict[str, object]:
    return {
        "route": fault.route,
        "kind": fault.kind.value,
        "percent": fault.percent,
        "latency_s": fault.latency_s,
        "expires_s": fault.expires_s,
        "left_s": round(left_s, 1),
    }
