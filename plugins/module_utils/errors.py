"""The one error of a component's transaction: what went wrong and what to do about it."""

from __future__ import annotations


class ComponentError(Exception):
    """A transaction that was refused or put back.

    Args:
        message: One sentence with the component, host path or value at fault.
        hint: The way out, one sentence; empty when the message says it all.
        detail: Output of the program that complained, unchanged; may be long.
    """

    def __init__(self, message: str, hint: str = "", detail: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.detail = detail.strip()

    def __str__(self) -> str:
        parts = [self.message]
        if self.detail:
            parts.append(self.detail)
        if self.hint:
            parts.append(self.hint)
        return "\n".join(parts)
