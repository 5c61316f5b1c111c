"""Users: who they are, what they may do, and their passwords."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from fintech.database import Database, users
from fintech.errors import Invalid, NotFound, Unauthorized, UsernameTaken
from fintech.passwords import Passwords

PASSWORD_CHARACTERS_MIN = 10
PASSWORD_CHARACTERS_MAX = 128
USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{2,31}")


class Role(StrEnum):
    """What a user may do; `fintech.access` says what that means."""

    USER = "user"
    AUDITOR = "auditor"
    ADMIN = "admin"


@dataclass(frozen=True)
class User:
    """A user and what they are allowed to do at this moment."""

    id: int
    username: str
    role: Role


class Users:
    """All users.

    Args:
        database: Where they are kept.
        clock: Gives seconds since 1970, UTC.
        passwords: Hashes their passwords.
    """

    def __init__(self, database: Database, *, clock: Callable[[], float], passwords: Passwords) -> None:
        self._database = database
        self._clock = clock
        self._passwords = passwords

    def create(self, username: str, password: str, role: Role) -> User:
        """Make a user of a checked name and password; raises UsernameTaken."""
        password_hash = self._passwords.hash(password)
        try:
            with self._database.write() as connection:
                result = connection.execute(
                    insert(users)
                    .values(
                        username=username, password_hash=password_hash, created_at=int(self._clock()), role=role.value
                    )
                    .returning(users.c.id)
                )
                user_id = result.scalar_one()
        except IntegrityError as error:
            raise UsernameTaken(f"The name {username} is taken.") from error
        return User(user_id, username, role)

    def authenticate(self, username: object, password: object) -> User:
        """Check a password; raises Unauthorized, in the same words and time for a wrong name and a wrong password."""
        row = self._row(username)
        expected = None if row is None else str(row.password_hash)
        # What is no text is checked like a password, too: it takes the same time to be refused.
        given = password if isinstance(password, str) else ""
        if not self._passwords.matches(expected, given) or row is None or expected is None:
            raise Unauthorized("The name or the password is wrong.")
        if self._passwords.is_outdated(expected):
            self._replace_hash(row.id, expected, self._passwords.hash(given))
        return user_of_row(row)

    def find(self, username: object) -> User:
        """Return the user of this name; raises NotFound."""
        row = self._row(username)
        if row is None:
            raise NotFound("There is no such user.")
        return user_of_row(row)

    def page(self, *, after: str | None, limit: int) -> list[User]:
        """List at most `limit` users by name, from the first one behind `after`; raises Invalid when that is no name."""
        if after is not None and not USERNAME.fullmatch(after):
            raise Invalid("after", "must be the name of a user")
        with self._database.read() as connection:
            rows = connection.execute(
                select(users).where(users.c.username > (after or "")).order_by(users.c.username).limit(limit)
            ).all()
        return [user_of_row(row) for row in rows]

    def set_role(self, username: object, role: Role) -> User:
        """Change what a user may do, from their next request on; raises NotFound."""
        user = self.find(username)
        with self._database.write() as connection:
            connection.execute(update(users).where(users.c.id == user.id).values(role=role.value))
        return User(user.id, user.username, role)

    def _row(self, username: object) -> Row[tuple[Any, ...]] | None:
        if not isinstance(username, str) or not USERNAME.fullmatch(username):
            return None
        with self._database.read() as connection:
            return connection.execute(select(users).where(users.c.username == username)).one_or_none()

    def _replace_hash(self, user_id: int, old: str, new: str) -> None:
        with self._database.write() as connection:
            # Only if nobody else has replaced it meanwhile.
            connection.execute(
                update(users).where(users.c.id == user_id, users.c.password_hash == old).values(password_hash=new)
            )


def user_of_row(row: Row[tuple[Any, ...]]) -> User:
    """Read a row that has the columns id, username and role of `users`."""
    return User(row.id, row.username, Role(row.role))


def as_role(value: object) -> Role:
    """Read a role as a client or an operator writes it; raises Invalid."""
    if not isinstance(value, str) or value not in list(Role):
        raise Invalid("role", f"must be one of {', '.join(Role)}")
    return Role(value)


def check_username(username: object) -> str:
    """Return the name of a user to be; raises Invalid when it is not 3 to 32 of a-z 0-9 . _ -"""
    if not isinstance(username, str) or not USERNAME.fullmatch(username):
        raise Invalid("username", "must be 3 to 32 characters of a-z, 0-9, dot, hyphen and underscore")
    return username


def check_password(password: object) -> str:
    """Return a password to be; raises Invalid when it is not 10 to 128 characters, none of them a control character."""
    if (
        not isinstance(password, str)
        or not PASSWORD_CHARACTERS_MIN <= len(password) <= PASSWORD_CHARACTERS_MAX
        or any(unicodedata.category(character) in ("Cc", "Cs") for character in password)
    ):
        raise Invalid(
            "password",
            f"must be {PASSWORD_CHARACTERS_MIN} to {PASSWORD_CHARACTERS_MAX} characters without control characters",
        )
    return password
