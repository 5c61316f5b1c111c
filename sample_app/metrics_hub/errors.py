"""What can go wrong, as one tree.

HubError
├── OptionError   the command line, or a file that it names, cannot be used: the hub does not start
├── NotNow        a file that was good at the start is not any more: the request is refused, the hub stays
└── ScrapeError   a pod did not answer, or not with metrics: it counts as down, the others are not affected
"""

from __future__ import annotations


class HubError(Exception):
    """Base of all errors that this package raises on purpose."""


class OptionError(HubError):
    """An option cannot be used.

    Args:
        option: As on the command line, such as "--token-file".
        problem: What is wrong with it; never contains a secret.
        hint: The way out.
    """

    def __init__(self, option: str, problem: str, hint: str) -> None:
        super().__init__(f"{option}: {problem}. {hint}.")


class NotNow(HubError):
    """A token or certificate file has become unusable; the text names the file."""


class ScrapeError(HubError):
    """Nothing usable came from a pod; the text says why and is safe to log."""
