"""What can go wrong, as one tree; the command line turns each into an exit code.

StackError                1
├── UsageError            2   the input, the project or the machine is not as it must be
├── RunFailed             1   a playbook ended with failed or unreachable hosts
├── VerificationFailed    3   everything is provisioned, but the running stack is not as declared
├── Drifted               3   something that runs was changed by hand; it was not overwritten
├── DrillFailed           4   the injected fault or its mail did not go the whole way
├── ServiceUnreachable    1   a part of the running stack does not answer the command line
└── Interrupted         130   Ctrl-C or a termination signal
"""

from __future__ import annotations


class StackError(Exception):
    """Base of all errors a user can meet.

    Attributes:
        exit_code: What the process ends with.
        hint: The next step in one or two lines; empty when there is none worth printing.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        """Keep `message` (what, where, why) and `hint` (what to do) apart, so that each can be shown its way."""
        super().__init__(message)
        self.hint = hint


class UsageError(StackError):
    """The input, the project or the machine is not as it must be; nothing was changed."""

    exit_code = 2


class RunFailed(StackError):
    """A playbook ended with failed or unreachable hosts."""


class VerificationFailed(StackError):
    """The hosts are provisioned, but the running stack is not as declared."""

    exit_code = 3


class Drifted(StackError):
    """Something that runs was changed by hand, and is not what the project makes; it was not overwritten."""

    exit_code = 3


class DrillFailed(StackError):
    """The injected fault or its mail did not go the whole way."""

    exit_code = 4


class ServiceUnreachable(StackError):
    """A part of the running stack does not answer the command line, or refuses it."""


class Interrupted(StackError):
    """The user or the system asked to stop; the running playbook has been ended."""

    exit_code = 130
