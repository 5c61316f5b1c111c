"""Registration: how somebody unknown becomes a user."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from fintech.errors import Invalid, RateLimited, UsernameTaken
from fintech.rate_limits import RateLimits
from fintech.users import Role, User, Users, check_password, check_username


class RegistrationOutcome(StrEnum):
    """The label `outcome` of fintech_registrations_total. REFUSED: the client's mistake. ERROR: ours."""

    OK = "ok"
    REFUSED = "refused"
    RATE_LIMITED = "rate_limited"
    ERROR = "error"


class Registration:
    """The open door.

    Args:
        users: Where the new ones go.
        rate_limits: Tells when an address has registered enough.
        on_registration: Told the outcome of each attempt, once, after it is certain.
    """

    def __init__(
        self, users: Users, *, rate_limits: RateLimits, on_registration: Callable[[RegistrationOutcome], None]
    ) -> None:
        self._users = users
        self._rate_limits = rate_limits
        self._on_registration = on_registration

    def register(self, username: object, password: object, *, address: str | None) -> User:
        """Make a user of role USER.

        Args:
            username: As it was sent, whatever it is.
            password: The same.
            address: Where the request came from.
        Raises:
            Invalid: A name or a password that cannot be one; this is not counted against the address.
            UsernameTaken: Another user has this name; this is, or names could be tried out without end.
            RateLimited: Too many new users from this address.
        """
        outcome = RegistrationOutcome.ERROR
        try:
            username, password = check_username(username), check_password(password)
            self._rate_limits.spend_registration(address)
            user = self._users.create(username, password, Role.USER)
            outcome = RegistrationOutcome.OK
        except RateLimited:
            outcome = RegistrationOutcome.RATE_LIMITED
            raise
        except (Invalid, UsernameTaken):
            outcome = RegistrationOutcome.REFUSED
            raise
        finally:
            self._on_registration(outcome)
        return user
