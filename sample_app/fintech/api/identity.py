"""Who is who: registering, logging in and out, and exchanging tokens."""

from __future__ import annotations

from flask import g, request
from flask.typing import ResponseReturnValue

from fintech.api.blueprint import blueprint
from fintech.inputs import json_fields
from fintech.services import services
from fintech.tokens import TokenPair


@blueprint.post("/users")
def register() -> ResponseReturnValue:
    """Make a user from username and password."""
    user = services().registration.register(**json_fields("username", "password"), address=request.remote_addr)
    return {"username": user.username, "role": user.role.value}, 201


@blueprint.post("/tokens")
def log_in() -> ResponseReturnValue:
    """Open a login with username and password, and give its first pair of tokens."""
    login = services().logins.log_in(**json_fields("username", "password"), address=request.remote_addr)
    return _pair(services().tokens.issue(login)), 201


@blueprint.post("/tokens/refresh")
def refresh() -> ResponseReturnValue:
    """Exchange a refresh token for the next pair; one that is shown twice ends its login."""
    return _pair(services().tokens.refresh(**json_fields("refresh_token"))), 201


@blueprint.delete("/tokens/current")
def log_out() -> ResponseReturnValue:
    """End the login that the access token belongs to."""
    services().logins.end(g.login.id)
    return "", 204


@blueprint.delete("/tokens")
def log_out_everywhere() -> ResponseReturnValue:
    """End all logins of the user, in browsers too."""
    services().logins.end_all(g.user.id)
    return "", 204


@blueprint.get("/me")
def me() -> ResponseReturnValue:
    """Tell who asks."""
    return {"username": g.user.username, "role": g.user.role.value}


def _pair(pair: TokenPair) -> dict[str, object]:
    return {
        "access_token": pair.access_token,
        "refresh_token": pair.refresh_token,
        "token_type": "Bearer",
        "expires_in": pair.expires_in_s,
    }
