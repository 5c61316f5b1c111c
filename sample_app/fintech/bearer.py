"""The Authorization header of a request."""

from __future__ import annotations

from flask import request

from fintech.errors import Unauthorized


def bearer_token() -> str:
    """Return the token that the request came with; raises Unauthorized when there is none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthorized("Send the header Authorization: Bearer TOKEN; POST /api/v1/tokens gives one.")
    return token.strip()
