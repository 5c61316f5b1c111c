"""What is wrong with a dashboard: one sentence with module, line and panel, and the error that carries them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from promontory.errors import UsageError


@dataclass(frozen=True)
class Source:
    """Where a dashboard's author wrote something down."""

    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        """Spell it as editors and terminals do: file:line, the file relative to the current directory."""
        if not self.file:
            return "?"
        path = Path(self.file)
        shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
        return f"{shown}:{self.line}" if self.line else str(shown)


@dataclass(frozen=True)
class Problem:
    """One thing that a build or a check refuses.

    Attributes:
        panel: Title of the panel; empty when the dashboard as a whole is meant.
        text: What is wrong, the value seen, and the way out.
    """

    source: Source
    dashboard: str
    panel: str
    text: str

    def __str__(self) -> str:
        """Write it as one line."""
        where = f"{self.dashboard}, panel {self.panel!r}" if self.panel else self.dashboard
        return f"{self.source}: {where}: {self.text}" if where else f"{self.source}: {self.text}"


class DashboardsRefused(UsageError):
    """Dashboards that are not built; `problems` says why, one by one."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        """Make one message of all problems."""
        self.problems = list(problems)
        count = len(self.problems)
        lines = "\n".join(f"  {problem}" for problem in self.problems)
        super().__init__(
            f"{count} problem{'s' if count != 1 else ''} in dashboards:\n{lines}",
            hint="Nothing was written: the former files stay as they are.",
        )
