"""One thing that is wrong with manifests."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """What is wrong, and where.

    Attributes:
        rule: Short name of what was broken, such as `no-such-port`; stable, for programs.
        where: The object, as `Kind/name`.
        message: What is there, and the way out.
    """

    rule: str
    where: str
    message: str

    def __str__(self) -> str:
        """One line for people."""
        return f"{self.where}: {self.message} [{self.rule}]"
