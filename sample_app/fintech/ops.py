"""Questions of the machinery: alive, ready, which version."""

from __future__ import annotations

import platform

from flask import Blueprint
from flask.typing import ResponseReturnValue

from fintech import __version__
from fintech.services import services

blueprint = Blueprint("ops", __name__)

# Beginnings of the routes that run the service rather than serve people: no service level counts them, no fault hits them.
MACHINERY = ("/admin/", "/static/", "/healthz", "/readyz", "/version", "/openapi.json")


@blueprint.get("/healthz")
def healthz() -> ResponseReturnValue:
    """Say that the process answers; asks nothing else, so a lost database restarts nobody."""
    return {"status": "ok"}


@blueprint.get("/readyz")
def readyz() -> ResponseReturnValue:
    """Say whether requests should be sent here: the database answers and is up to date, and nobody told the process to stop."""
    if services().draining.is_set():
        return {"status": "draining"}, 503
    reason = services().database.why_not_ready()
    if reason is not None:
        return {"status": "not ready", "reason": reason}, 503
    return {"status": "ready"}


@blueprint.get("/version")
def version() -> ResponseReturnValue:
    """Tell what is running."""
    return {
        "version": __version__,
        "revision": services().settings.revision,
        "python_version": platform.python_version(),
    }
