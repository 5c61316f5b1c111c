"""What can go wrong, as one tree; `fintech.problems` says which HTTP answer each of them becomes.

FintechError
├── ConfigError          the environment is wrong: the program does not start
├── Invalid              a field cannot be what was sent
├── NotFound             there is no such thing, or it belongs to somebody else
├── Unauthorized         who is asking is not known
├── Conflict             the request is well formed, but the present state refuses it
│   ├── InsufficientFunds
│   ├── BalanceLimit
│   └── UsernameTaken
└── InjectedFault        a drill wanted this request to fail
"""

from __future__ import annotations


class FintechError(Exception):
    """Base of all errors that this package raises on purpose; its text may be shown to the client."""


class ConfigError(FintechError):
    """A setting cannot be used.

    Args:
        name: The environment variable, such as "FINTECH_SECRET_KEY".
        problem: What is wrong with it; never contains the value of a secret.
        hint: The way out.
    """

    def __init__(self, name: str, problem: str, hint: str) -> None:
        super().__init__(f"{name}: {problem}. {hint}")
        self.name = name


class Invalid(FintechError):
    """A field of the request cannot be accepted.

    Args:
        field: The field's name as the client sent it.
        message: What is wrong with it, as the end of a sentence that starts with the field's name.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field} {message}")
        self.field = field
        self.message = message


class NotFound(FintechError):
    """Nothing of this name exists for the one who asks. The same for a missing and for a foreign account."""


class Unauthorized(FintechError):
    """No valid credentials came with the request."""


class Conflict(FintechError):
    """The present state refuses the request; sent again later it may succeed."""

    code = "conflict"


class InsufficientFunds(Conflict):
    """The account holds less than the amount asked for."""

    code = "insufficient-funds"


class BalanceLimit(Conflict):
    """The account would hold more than an account may."""

    code = "balance-limit"


class UsernameTaken(Conflict):
    """Another user has this name."""

    code = "username-taken"


class InjectedFault(FintechError):
    """The fault switch made this request fail."""
