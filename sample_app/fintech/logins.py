"""Logins: what a correct password opens and logging out ends, for a browser and for a program alike.

A login is a row in the database. A browser carries its number inside the signed session cookie; a program carries it
inside its access token (`fintech.tokens`). Either is worth nothing once the row is revoked or expired.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, delete, insert, select, update

from fintech.database import Database, logins, users
from fintech.errors import RateLimited, Unauthorized
from fintech.rate_limits import RateLimits
from fintech.users import User, Users, user_of_row

_DAY_S = 24 * 3600
_ID_MAX = 2**63 - 1


class LoginOutcome(StrEnum):
    """The label `outcome` of fintech_logins_total."""

    OK = "ok"
    BAD_CREDENTIALS = "bad_credentials"
    RATE_LIMITED = "rate_limited"
    ERROR = "error"


@dataclass(frozen=True)
class Login:
    """A login that is neither revoked nor expired, and its user as of now. Times are seconds since 1970, UTC."""

    id: int
    user: User
    created_at: int
    expires_at: int


class Logins:
    """All logins.

    Args:
        database: Where they are kept.
        clock: Gives seconds since 1970, UTC.
        users: Checks the passwords.
        rate_limits: Tells when there were too many wrong ones.
        days: Life of a login, days.
        on_login: Told the outcome of each attempt, once, after it is certain.
    """

    def __init__(
        self,
        database: Database,
        *,
        clock: Callable[[], float],
        users: Users,
        rate_limits: RateLimits,
        days: int,
        on_login: Callable[[LoginOutcome], None],
    ) -> None:
        self._database = database
        self._clock = clock
        self._users = users
        self._rate_limits = rate_limits
        self._life_s = days * _DAY_S
        self._on_login = on_login

    def log_in(self, username: object, password: object, *, address: str | None) -> Login:
        """Check a password and open a login.

        Args:
            username: As it was sent, whatever it is.
            password: The same.
            address: Where the request came from.
        Raises:
            Unauthorized: The same for a wrong name and a wrong password.
            RateLimited: Too many were wrong before, so that this one was not looked at, right or wrong.
        """
        outcome = LoginOutcome.ERROR
        try:
            self._rate_limits.check_login(address, username)
            login = self._open(self._users.authenticate(username, password))
            outcome = LoginOutcome.OK
        except RateLimited:
            outcome = LoginOutcome.RATE_LIMITED
            raise
        except Unauthorized:
            outcome = LoginOutcome.BAD_CREDENTIALS
            self._rate_limits.count_failed_login(address, username)
            raise
        finally:
            self._on_login(outcome)
        return login

    def find(self, login_id: object) -> Login:
        """Return a login and its user, asked for anew each time, so that a change of role or a revocation counts at once.

        Args:
            login_id: From a session cookie or an access token; whatever is no number of a login is refused.
        Raises:
            Unauthorized: It was ended, has expired, or never was.
        """
        login = None
        if type(login_id) is int and 0 < login_id <= _ID_MAX:  # a bool is an int to isinstance
            with self._database.read() as connection:
                login = live_login(connection, login_id, int(self._clock()))
        if login is None:
            raise Unauthorized("This login has ended. Log in again.")
        return login

    def of(self, user_id: int) -> list[Login]:
        """List the user's logins, newest first."""
        with self._database.read() as connection:
            rows = connection.execute(
                _live(int(self._clock())).where(logins.c.user_id == user_id).order_by(logins.c.id.desc())
            ).all()
        return [_login(row) for row in rows]

    def end(self, login_id: int) -> None:
        """End a login; one that has ended stays so."""
        self._revoke(logins.c.id == login_id)

    def end_all(self, user_id: int) -> None:
        """End all logins of a user."""
        self._revoke(logins.c.user_id == user_id)

    def _open(self, user: User) -> Login:
        now = int(self._clock())
        with self._database.write() as connection:
            # Nobody can use these any more; their refresh tokens go with them.
            connection.execute(delete(logins).where(logins.c.user_id == user.id, logins.c.expires_at <= now))
            result = connection.execute(
                insert(logins)
                .values(user_id=user.id, created_at=now, expires_at=now + self._life_s)
                .returning(logins.c.id)
            )
            login_id = result.scalar_one()
        return Login(login_id, user, now, now + self._life_s)

    def _revoke(self, condition: ColumnElement[bool]) -> None:
        with self._database.write() as connection:
            connection.execute(
                update(logins).where(condition, logins.c.revoked_at.is_(None)).values(revoked_at=int(self._clock()))
            )


def live_login(connection: Connection, login_id: int, now: int) -> Login | None:
    """Return a login and its user, or None when it was ended, has expired, or never was."""
    row = connection.execute(_live(now).where(logins.c.id == login_id)).one_or_none()
    return None if row is None else _login(row)


def _live(now: int) -> Select[tuple[Any, ...]]:
    return (
        select(
            logins.c.id.label("login_id"), logins.c.created_at, logins.c.expires_at,
            users.c.id, users.c.username, users.c.role,
        )
        .join_from(logins, users)
        .where(logins.c.revoked_at.is_(None), logins.c.expires_at > now)
    )  # fmt: skip


def _login(row: Row[tuple[Any, ...]]) -> Login:
    return Login(row.login_id, user_of_row(row), row.created_at, row.expires_at)
