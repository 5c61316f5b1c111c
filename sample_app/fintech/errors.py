"""What can go wrong, as one tree; `fintech.problems` says which HTTP answer each of them becomes.

FintechError
├── ConfigError          the environment is wrong: the program does not start
├── SchemaMismatch       the database's tables are not of a kind that this program can bring up to date
├── Invalid              a field cannot be what was sent
├── NotFound             there is no such thing, or it belongs to somebody else
├── Unauthorized         who is asking is not known
├── Forbidden            who is asking is known, and may not
├── RateLimited          too many requests of this sort, for now
├── Conflict             the request is well formed, but the present state refuses it
│   ├── InsufficientFunds
│   ├── BalanceLimit
│   ├── IdempotencyKeyReused
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


class SchemaMismatch(FintechError):
    """The tables of the database were made by a newer program, or by somebody else's."""


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


class Forbidden(FintechError):
    """The credentials are valid, but their role may not do this."""


class RateLimited(FintechError):
    """There were too many requests of this sort.

    Args:
        what: What there were too many of, as the start of a sentence.
        retry_after_s: Whole seconds, 1 or more, after which one will pass again.
    """

    def __init__(self, what: str, retry_after_s: int) -> None:
        super().__init__(f"{what}; the next one is possible in {retry_after_s} s.")
        self.retry_after_s = retry_after_s


class Conflict(FintechError):
    """The present state refuses the request; sent again later it may succeed."""

    code = "conflict"


class InsufficientFunds(Conflict):
    """The account holds less than the amount asked for."""

    code = "insufficient-funds"


class BalanceLimit(Conflict):
    """The account would hold more than an account may."""

    code = "balance-limit"


class IdempotencyKeyReused(Conflict):
    """This user sent the same Idempotency-Key with another request before."""

    code = "idempotency-key-reused"


class UsernameTaken(Conflict):
    """Another user has this name."""

    code = "username-taken"


class InjectedFault(FintechError):
    """The fault switch made this request fail."""
