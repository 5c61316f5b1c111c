"""systemd's view of a component: asked and told through ``systemctl``."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.promontory.stack.plugins.module_utils import commands
from ansible_collections.promontory.stack.plugins.module_utils.errors import ComponentError

_PROPERTIES = ("LoadState", "ActiveState", "SubState", "MainPID", "InvocationID", "NeedDaemonReload", "Result")


@dataclass(frozen=True)
class Status:
    """A unit at one moment.

    Attributes:
        active: It runs and is not on its way down or waiting for the next try.
        stale: systemd has an older unit file in memory than the one on disk.
        invocation: Changes at every start, also at those that ``Restart=`` makes.
        state: ``active/running`` and the like, for messages.
    """

    active: bool
    stale: bool
    invocation: str
    state: str


class Systemd:
    """One unit of the running systemd."""

    def __init__(self, unit: str) -> None:
        self.unit = unit

    def status(self) -> Status:
        """Ask systemd for the unit's state; an unknown unit is inactive."""
        result = commands.run(["systemctl", "show", self.unit, "--property", ",".join(_PROPERTIES)])
        values = dict(line.split("=", 1) for line in result.stdout.splitlines() if "=" in line)
        active, sub = values.get("ActiveState", "unknown"), values.get("SubState", "")
        return Status(
            active=active in ("active", "reloading") and sub != "auto-restart",
            stale=values.get("NeedDaemonReload") == "yes",
            invocation=values.get("InvocationID", ""),
            state=f"{active}/{sub}"
            + (f" ({values['Result']})" if values.get("Result") not in (None, "", "success") else ""),
        )

    def daemon_reload(self) -> None:
        """Make systemd read the unit files again."""
        self._systemctl("daemon-reload")

    def restart(self) -> None:
        """Start the unit, stopping it first where it runs."""
        self._systemctl("restart", self.unit)

    def reload(self) -> None:
        """Send the unit its reload signal."""
        self._systemctl("reload", self.unit)

    def stop(self) -> None:
        """Stop the unit and forget that it failed; an unknown unit is stopped already."""
        if self.status().state.startswith(("inactive", "unknown")):
            return
        self._systemctl("stop", self.unit)
        commands.run(["systemctl", "reset-failed", self.unit])

    def last_words(self, *, lines: int = 15) -> str:
        """Return the unit's last log lines of its present or last run."""
        invocation = self.status().invocation
        match = [f"_SYSTEMD_INVOCATION_ID={invocation}"] if invocation else ["--unit", self.unit]
        result = commands.run(["journalctl", "--no-pager", "--quiet", "--output", "cat", "--lines", str(lines), *match])
        return result.stdout.strip()

    def _systemctl(self, *arguments: str) -> None:
        result = commands.run(["systemctl", *arguments], timeout_s=180)
        if result.returncode != 0:
            raise ComponentError(
                f"systemctl {' '.join(arguments)} failed.",
                detail="\n".join(text for text in (commands.output(result), self.last_words()) if text),
            )
