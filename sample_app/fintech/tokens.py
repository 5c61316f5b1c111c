"""Tokens of the API: a short-lived access token, and a refresh token that is exchanged for the next pair, once.

A refresh token that comes a second time was copied: its thief and its owner cannot be told apart, so the whole login
ends, and with it the tokens of both. A client must therefore refresh one at a time; and one that sent a refresh token
and lost the answer must log in with its password, not send the token again.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy import Connection, insert, select, update

from fintech.access_tokens import AccessTokens
from fintech.database import Database, logins, refresh_tokens
from fintech.errors import Unauthorized
from fintech.logins import Login, Logins, live_login

_LOG = logging.getLogger(__name__)
_CHARACTERS_MAX = 128


class RefreshOutcome(StrEnum):
    """The label `outcome` of fintech_token_refreshes_total. REUSED: shown a second time. INVALID: none of ours."""

    OK = "ok"
    EXPIRED = "expired"
    REUSED = "reused"
    INVALID = "invalid"
    ERROR = "error"


@dataclass(frozen=True)
class TokenPair:
    """Two fresh tokens; these are the only copies. `expires_in_s` is the access token's life from now."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in_s: int


class Tokens:
    """Makes, exchanges and reads tokens.

    Args:
        database: Where the digests of refresh tokens are kept.
        clock: Gives seconds since 1970, UTC.
        logins: The logins that the tokens stand for.
        access_tokens: Signs and reads.
        minutes: Life of an access token, minutes; a refresh token lives as long as its login.
        on_refresh: Told the outcome of each attempted exchange, once, after it is certain.
    """

    def __init__(
        self,
        database: Database,
        *,
        clock: Callable[[], float],
        logins: Logins,
        access_tokens: AccessTokens,
        minutes: int,
        on_refresh: Callable[[RefreshOutcome], None],
    ) -> None:
        self._database = database
        self._clock = clock
        self._logins = logins
        self._access_tokens = access_tokens
        self._life_s = minutes * 60
        self._on_refresh = on_refresh

    def issue(self, login: Login) -> TokenPair:
        """Make the first pair of a login."""
        with self._database.write() as connection:
            return self._pair(connection, login, int(self._clock()))

    def refresh(self, refresh_token: object) -> TokenPair:
        """Exchange a refresh token for a new pair.

        Raises:
            Unauthorized: It is none, has expired, belongs to a login that has ended, or was exchanged before; in the
                last case its login has ended now.
        """
        outcome = RefreshOutcome.ERROR
        try:
            now = int(self._clock())
            with self._database.write() as connection:  # committed also when it is refused: the login may end here
                login, refused = self._use_up(connection, refresh_token, now)
                pair = None if login is None else self._pair(connection, login, now)
            outcome = refused or RefreshOutcome.OK
        finally:
            self._on_refresh(outcome)
        if pair is None:
            raise Unauthorized(_REFUSALS[outcome])
        return pair

    def login_of(self, access_token: str) -> Login:
        """Return the login that an access token stands for; raises Unauthorized when either is not, or no more, valid."""
        claims = self._access_tokens.read(access_token, now=int(self._clock()))
        login = self._logins.find(claims.login_id)
        if str(login.user.id) != claims.subject:
            raise Unauthorized("This login has ended. Log in again.")
        return login

    def _use_up(
        self, connection: Connection, refresh_token: object, now: int
    ) -> tuple[Login, None] | tuple[None, RefreshOutcome]:
        if not isinstance(refresh_token, str) or not refresh_token.isascii() or len(refresh_token) > _CHARACTERS_MAX:
            return None, RefreshOutcome.INVALID
        digest = _digest(refresh_token)
        # One statement decides who exchanges it: of several at the same time, all but one find it used.
        login_id = connection.scalar(
            update(refresh_tokens)
            .where(
                refresh_tokens.c.digest == digest,
                refresh_tokens.c.used_at.is_(None),
                refresh_tokens.c.expires_at > now,
            )
            .values(used_at=now)
            .returning(refresh_tokens.c.login_id)
        )
        if login_id is not None:
            login = live_login(connection, login_id, now)
            return (None, RefreshOutcome.INVALID) if login is None else (login, None)
        row = connection.execute(
            select(refresh_tokens, logins.c.user_id).join(logins).where(refresh_tokens.c.digest == digest)
        ).one_or_none()
        if row is None:
            return None, RefreshOutcome.INVALID
        if row.expires_at <= now:
            return None, RefreshOutcome.EXPIRED
        connection.execute(
            update(logins).where(logins.c.id == row.login_id, logins.c.revoked_at.is_(None)).values(revoked_at=now)
        )
        _LOG.warning(
            "a refresh token was shown a second time; its login has ended",
            extra={"fields": {"user_id": row.user_id, "login_id": row.login_id}},
        )
        return None, RefreshOutcome.REUSED

    def _pair(self, connection: Connection, login: Login, now: int) -> TokenPair:
        refresh_token = secrets.token_urlsafe(32)
        connection.execute(
            insert(refresh_tokens).values(digest=_digest(refresh_token), login_id=login.id, expires_at=login.expires_at)
        )
        expires_at = min(now + self._life_s, login.expires_at)
        return TokenPair(
            self._access_tokens.make(login, now=now, expires_at=expires_at), refresh_token, expires_at - now
        )


_REFUSALS = {
    RefreshOutcome.INVALID: "This is no refresh token of a login that is open. Log in again.",
    RefreshOutcome.EXPIRED: "The refresh token has expired. Log in again.",
    RefreshOutcome.REUSED: "This refresh token was used before, so its login has ended. Log in again.",
}


def _digest(refresh_token: str) -> str:
    return hashlib.sha256(refresh_token.encode()).hexdigest()
