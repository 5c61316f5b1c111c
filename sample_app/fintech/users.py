"""Users, passwords and logins.

One kind of login serves browser and API: a random token, of which the database keeps only the digest. A browser
carries it inside its signed session cookie, an API client in its Authorization header; logging out ends either.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TypeGuard

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError
from werkzeug.security import check_password_hash, generate_password_hash

from fintech.database import Database, tokens, users
from fintech.errors import Invalid, Unauthorized, UsernameTaken

PASSWORD_CHARACTERS_MIN = 10
_PASSWORD_CHARACTERS_MAX = 128
_USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{2,31}")

# scrypt with N=2^14, r=8, p=5: one of the settings of the OWASP Password Storage Cheat Sheet, and the one that needs
# the least memory (16 MiB). At most two at a time: a burst of logins may not starve the rest of a small host.
HASH_METHOD = "scrypt:16384:8:5"
_hashing = threading.BoundedSemaphore(2)


class LoginOutcome(StrEnum):
    """The label `outcome` of fintech_logins_total."""

    OK = "ok"
    BAD_CREDENTIALS = "bad_credentials"
    ERROR = "error"


@dataclass(frozen=True)
class User:
    """A user who is known to be the one who asks."""

    id: int
    username: str


@dataclass(frozen=True)
class Login:
    """A fresh login. `token` is the only copy there is; `expires_in_s` counts from now."""

    user: User
    token: str
    expires_in_s: int


class Users:
    """Registration and logins.

    Args:
        database: Where they are kept.
        clock: Gives seconds since 1970, UTC.
        token_minutes: Life of a login, minutes.
        on_login: Told the outcome of each attempt, once, after it is certain.
        hash_method: How new passwords are hashed, as werkzeug.security names it.
    """

    def __init__(
        self,
        database: Database,
        *,
        clock: Callable[[], float],
        token_minutes: int,
        on_login: Callable[[LoginOutcome], None],
        hash_method: str = HASH_METHOD,
    ) -> None:
        self._database = database
        self._clock = clock
        self._token_s = token_minutes * 60
        self._on_login = on_login
        self._hash_method = hash_method

    def register(self, username: object, password: object) -> User:
        """Make a user.

        Raises:
            Invalid: A name other than 3 to 32 of a-z 0-9 . _ - or a password other than 10 to 128 characters.
            UsernameTaken: Another user has this name.
        """
        if not isinstance(username, str) or not _USERNAME.fullmatch(username):
            raise Invalid("username", "must be 3 to 32 characters of a-z, 0-9, dot, hyphen and underscore")
        if not _can_be_password(password):
            raise Invalid("password", f"must be {PASSWORD_CHARACTERS_MIN} to {_PASSWORD_CHARACTERS_MAX} characters")
        with _hashing:
            password_hash = generate_password_hash(password, method=self._hash_method)
        try:
            with self._database.write() as connection:
                result = connection.execute(
                    insert(users)
                    .values(username=username, password_hash=password_hash, created_at=int(self._clock()))
                    .returning(users.c.id)
                )
                user_id = result.scalar_one()
        except IntegrityError as error:
            raise UsernameTaken(f"The name {username} is taken.") from error
        return User(user_id, username)

    def log_in(self, username: object, password: object) -> Login:
        """Check a password and open a login; raises Unauthorized, the same for a wrong name and a wrong password."""
        outcome = LoginOutcome.ERROR
        try:
            user = self._authenticate(username, password)
            token = secrets.token_urlsafe(32)
            now = int(self._clock())
            with self._database.write() as connection:
                connection.execute(delete(tokens).where(tokens.c.expires_at <= now))
                connection.execute(
                    insert(tokens).values(digest=_digest(token), user_id=user.id, expires_at=now + self._token_s)
                )
            outcome = LoginOutcome.OK
        except Unauthorized:
            outcome = LoginOutcome.BAD_CREDENTIALS
            raise
        finally:
            self._on_login(outcome)
        return Login(user, token, self._token_s)

    def user_of(self, token: str) -> User:
        """Tell whose login this is; raises Unauthorized when it is unknown, ended or expired."""
        with self._database.read() as connection:
            row = connection.execute(
                select(users.c.id, users.c.username)
                .join(tokens)
                .where(tokens.c.digest == _digest(token), tokens.c.expires_at > int(self._clock()))
            ).one_or_none()
        if row is None:
            raise Unauthorized("The login has expired or never was.")
        return User(row.id, row.username)

    def log_out(self, token: str) -> None:
        """End a login; one that is unknown is already ended."""
        with self._database.write() as connection:
            connection.execute(delete(tokens).where(tokens.c.digest == _digest(token)))

    def _authenticate(self, username: object, password: object) -> User:
        row = None
        if isinstance(username, str) and _USERNAME.fullmatch(username):
            with self._database.read() as connection:
                row = connection.execute(select(users).where(users.c.username == username)).one_or_none()
        # An unknown name costs as much time as a known one: the clock is no oracle either.
        expected = row.password_hash if row else _hash_of_nobody(self._hash_method)
        given = password if _can_be_password(password) else ""
        with _hashing:
            matches = check_password_hash(expected, given)
        if row is None or not matches:
            raise Unauthorized("The name or the password is wrong.")
        return User(row.id, row.username)


def _can_be_password(password: object) -> TypeGuard[str]:
    """Tell whether this may be a password: text of the right length without lone surrogates, which JSON can carry."""
    return (
        isinstance(password, str)
        and PASSWORD_CHARACTERS_MIN <= len(password) <= _PASSWORD_CHARACTERS_MAX
        and not any("\ud800" <= character <= "\udfff" for character in password)
    )


@cache
def _hash_of_nobody(method: str) -> str:
    return generate_password_hash(secrets.token_urlsafe(32), method=method)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
