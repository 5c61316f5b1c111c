"""Access tokens: JSON Web Tokens (RFC 7519) that only this deployment can make, and that say which login asks."""

from __future__ import annotations

import hashlib
import hmac
import re
import uuid
from dataclasses import dataclass

import jwt

from fintech.errors import Unauthorized
from fintech.logins import Login

_ISSUER = "fintech"
_AUDIENCE = "fintech-api"
_ALGORITHM = "HS256"
_TYPE = "at+jwt"  # RFC 9068: no other kind of token passes for an access token
_CLAIMS = ("iss", "aud", "sub", "sid", "role", "iat", "exp", "jti")
_KEY_LABEL = b"fintech access tokens, HS256, 1"

# Looked at before anything is decoded: what does not have this form costs nothing. Ours have some 270 characters, and
# in 512 no JSON can be nested deeply enough to break its parser.
_FORM = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_CHARACTERS_MAX = 512


@dataclass(frozen=True)
class Claims:
    """What a valid access token says: the number of a login, for `Logins.find` to judge, and of a user, as text."""

    login_id: object
    subject: str


class AccessTokens:
    """Makes and reads access tokens.

    Args:
        secret_key: The deployment's; a key of its own is derived from it.
    """

    def __init__(self, secret_key: str) -> None:
        self._key = hmac.digest(secret_key.encode(), _KEY_LABEL, hashlib.sha256)

    def make(self, login: Login, *, now: int, expires_at: int) -> str:
        """Sign a token for this login; times are seconds since 1970, UTC."""
        claims = {
            "iss": _ISSUER,
            "aud": _AUDIENCE,
            "sub": str(login.user.id),
            "sid": login.id,
            "role": login.user.role.value,  # for the client to read; we ask the database
            "iat": now,
            "exp": expires_at,
            "jti": uuid.uuid4().hex,
        }
        return jwt.encode(claims, self._key, _ALGORITHM, headers={"typ": _TYPE})

    def read(self, token: str, *, now: int) -> Claims:
        """Check form, type, algorithm, signature, claims and expiry.

        Raises:
            Unauthorized: One of them is wrong. Only an expired token is told from the others: its client may refresh.
        """
        if len(token) > _CHARACTERS_MAX or not _FORM.fullmatch(token):
            raise _refused()
        try:
            decoded = jwt.decode_complete(
                token,
                self._key,
                algorithms=[_ALGORITHM],
                issuer=_ISSUER,
                audience=_AUDIENCE,
                # Times are checked below, against the clock that they were made by.
                options={"require": list(_CLAIMS), "strict_aud": True, "verify_exp": False, "verify_iat": False},
            )
        except jwt.PyJWTError as error:
            raise _refused() from error
        claims = decoded["payload"]
        expires_at = claims["exp"]
        if decoded["header"].get("typ") != _TYPE or type(expires_at) is not int:  # a bool is an int to isinstance
            raise _refused()
        if expires_at <= now:
            raise Unauthorized("The access token has expired. Refresh it.")
        return Claims(claims["sid"], claims["sub"])


def _refused() -> Unauthorized:
    return Unauthorized("This is no access token. POST /api/v1/tokens gives one.")
