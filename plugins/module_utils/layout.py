"""Where a component keeps what on a host: every path in one place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """The paths of one component.

    Args:
        name: Component (and unit) name, such as ``prometheus``.
        program: Program whose releases it runs; several components may share one.
        root: Where the host's file system begins; ``/`` except in unit tests.
    """

    name: str
    program: str
    root: Path = Path("/")

    @property
    def etc(self) -> Path:
        """Directory of the component's configuration generations."""
        return self.root / "etc" / self.name

    @property
    def generations(self) -> Path:
        """Directory that holds one directory for each generation kept."""
        return self.etc / "generations"

    @property
    def current(self) -> Path:
        """The link whose one swap changes release, configuration and unit together."""
        return self.etc / "current"

    @property
    def config(self) -> Path:
        """Path under which the running program reads its configuration."""
        return self.current / "config"

    @property
    def data(self) -> Path:
        """The program's own state, kept when a release or configuration changes."""
        return self.root / "var/lib" / self.name

    @property
    def backups(self) -> Path:
        """Copies of that state from before another version changed it; root's own."""
        return self.root / "var/lib/promontory/backups" / self.name

    @property
    def opt(self) -> Path:
        """Directory of the program's releases, one directory a version."""
        return self.root / "opt" / self.program

    @property
    def addons(self) -> Path:
        """Sets of plugins, one directory each; a generation's configuration names the one it uses."""
        return self.root / "opt" / f"{self.program}-plugins"

    @property
    def opt_current(self) -> Path:
        """Convenience link to the release in use, for people and scripts."""
        return self.opt / "current"

    @property
    def journal(self) -> Path:
        """File that tells what is committed and what is under way."""
        return journal_dir(self.root) / f"{self.name}.json"

    @property
    def lock(self) -> Path:
        """Lock file that keeps two runs from working on one component."""
        return self.root / "run/lock" / f"promontory-{self.name}.lock"

    @property
    def scratch(self) -> Path:
        """Where a set is judged; not /tmp, which is often mounted so that programs in it cannot be run."""
        return self.root / "var/tmp"

    @property
    def scratch_prefix(self) -> str:
        """How this component's scratch directories begin; the dots keep ``a`` and ``a_b`` apart."""
        return f"promontory-check.{self.name}."

    @property
    def unit_name(self) -> str:
        """The systemd unit's name."""
        return f"{self.name}.service"

    @property
    def unit_link(self) -> Path:
        """Where systemd finds the unit; a link into the current generation."""
        return self.root / "etc/systemd/system" / self.unit_name

    @property
    def wants_link(self) -> Path:
        """The link that starts the unit at boot."""
        return self.root / "etc/systemd/system/multi-user.target.wants" / self.unit_name

    def generation(self, generation_id: str) -> Path:
        """Directory of one generation."""
        return self.generations / generation_id


def journal_dir(root: Path = Path("/")) -> Path:
    """Directory with one journal file for each component installed on the host."""
    return root / "var/lib/promontory/journal"
