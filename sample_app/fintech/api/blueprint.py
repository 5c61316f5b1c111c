"""The blueprint that all routes of the API are on, and how it knows who asks."""

from __future__ import annotations

from flask import Blueprint, g, request

from fintech.bearer import bearer_token
from fintech.services import services

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")

# What somebody without an access token asks for.
OPEN_ENDPOINTS = frozenset({"api.register", "api.log_in", "api.refresh"})


@blueprint.before_request
def _know_who_asks() -> None:
    if request.endpoint not in OPEN_ENDPOINTS:
        g.login = services().tokens.login_of(bearer_token())
        g.user = g.login.user
