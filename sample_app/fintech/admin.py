"""The fault switch over HTTP, under /admin, for whoever holds the admin token or the role admin.

Without an admin token set it is not there: a service that is never drilled has no switch to break it.
"""

from __future__ import annotations

import hmac
import logging

from flask import Blueprint, current_app, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from fintech.access import ADMINS, require
from fintech.bearer import bearer_token
from fintech.errors import Invalid
from fintech.fault_effects import affected_routes
from fintech.faults import AUDIT_JOB, Fault, FaultKind
from fintech.inputs import json_fields
from fintech.services import services
from fintech.times import iso_time

_LOG = logging.getLogger(__name__)

blueprint = Blueprint("admin", __name__, url_prefix="/admin")


@blueprint.before_request
def _check_who_asks() -> None:
    expected = services().settings.admin_token
    if expected is None:
        raise NotFound
    given = bearer_token()
    # The fixed token first: it opens this door while the database is away.
    if not hmac.compare_digest(given.encode(), expected.encode()):
        require(services().tokens.login_of(given).user, ADMINS)


@blueprint.post("/faults")
def set_fault() -> ResponseReturnValue:
    """Switch a fault on: route, kind, percent, latency_s, expires_s."""
    fields = json_fields("route", "kind", "percent", "latency_s", "expires_s")
    switch = services().faults
    fault = Fault.from_mapping(fields, affected_routes(current_app), now=switch.now())
    shared = switch.set(fault)
    _LOG.warning("fault switched on%s: %s", "" if shared else ", in this process only until the database is back", fault)
    return {**_fault(fault, fault.expires_at - switch.now()), "shared": shared}, 201


@blueprint.get("/faults")
def list_faults() -> ResponseReturnValue:
    """List the faults that are on and the routes that there are."""
    return {
        "faults": [_fault(fault, left_s) for fault, left_s in services().faults.active()],
        "routes": [*sorted(affected_routes(current_app)), AUDIT_JOB],
    }


@blueprint.delete("/faults")
def clear_faults() -> ResponseReturnValue:
    """Switch all faults off, or those of the given route and kind."""
    kind = request.args.get("kind")
    if kind is not None and kind not in list(FaultKind):
        raise Invalid("kind", f"must be one of {', '.join(FaultKind)}")
    count = services().faults.clear(request.args.get("route"), None if kind is None else FaultKind(kind))
    _LOG.warning("faults switched off: %d", count)
    return {"cleared": count}


def _fault(fault: Fault, left_s: float) -> dict[str, object]:
    return {
        "route": fault.route,
        "kind": fault.kind.value,
        "percent": fault.percent,
        "latency_s": fault.latency_s,
        "expires_at": iso_time(fault.expires_at),
        "left_s": round(left_s, 1),
    }
