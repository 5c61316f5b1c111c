"""Debian packages as a source of programs: asked of apt, unpacked without being installed."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.promontory.stack.plugins.module_utils import commands
from ansible_collections.promontory.stack.plugins.module_utils.errors import ComponentError

UPDATE_TIMEOUT_S = 300.0


@dataclass
class Apt:
    """The host's apt.

    Attributes:
        scratch: Directory for package lists of our own; None uses the host's. Check mode sets it, so that
            looking up a package leaves the host's lists as they are.
    """

    scratch: Path | None = None

    def __post_init__(self) -> None:
        self._updated = False
        self._name = "this host's apt sources"
        self._way_out = "Check the host's network and /etc/apt/sources.list.d, then run again."

    def candidate(self, package: str) -> str:
        """Return the version apt would install.

        Raises:
            ComponentError: The host has no apt, or its sources do not offer the package.
        """
        if shutil.which("apt-get") is None:
            raise ComponentError(
                f"The package {package} cannot be had: this host has no apt.",
                hint="Set install_from to archive (stack_install_from, or the component's own variable).",
            )
        version = self._policy(package)
        if not version:
            self.update()
            version = self._policy(package)
        if not version:
            raise ComponentError(
                f"The package {package} is not offered by this host's apt sources.",
                hint="Set install_from to archive (stack_install_from, or the component's own variable), or add a source.",
            )
        return version

    def download(self, packages: Sequence[str], version: str, directory: Path) -> list[Path]:
        """Fetch packages' files in one go, verified by apt against the signed lists.

        Args:
            packages: Their names.
            version: Full version of the first one; the others come as their candidates.
            directory: Where the files go, below a directory of their own.
        """
        wanted = [f"{packages[0]}={version}", *packages[1:]]
        target = directory / "packages"
        target.mkdir()
        # The sandbox user could not write into a directory of root's; the lists' signatures protect us.
        argv = ["apt-get", *self._options(), "-o", "APT::Sandbox::User=root", "download", *wanted]
        result = commands.run(argv, timeout_s=UPDATE_TIMEOUT_S, cwd=target)
        if result.returncode != 0 and not self._updated:
            self.update()  # the mirror may have dropped what our older lists still name
            result = commands.run(argv, timeout_s=UPDATE_TIMEOUT_S, cwd=target)
        files = sorted(target.glob("*.deb"))
        if result.returncode != 0 or len(files) < len(packages):
            raise ComponentError(
                f"The package {' '.join(wanted)} cannot be downloaded from {self._name}.",
                detail=commands.output(result),
                hint=self._way_out,
            )
        return files

    def offered(self, packages: Sequence[str]) -> list[str]:
        """Return those of the packages that the host's sources have, in their order."""
        return [package for package in packages if self._policy(package)]

    def update(self) -> None:
        """Fetch the package lists anew."""
        result = commands.run(["apt-get", *self._options(), "-qq", "update"], timeout_s=UPDATE_TIMEOUT_S)
        self._updated = True
        if result.returncode != 0:
            raise ComponentError(
                "apt-get update fails on this host.",
                detail=commands.output(result),
                hint=self._way_out,
            )

    def _policy(self, package: str) -> str:
        result = commands.run(["apt-cache", *self._options(), "policy", package])
        match = re.search(r"^\s*Candidate:\s*(\S+)", result.stdout, re.MULTILINE)
        return match.group(1) if match and match.group(1) != "(none)" else ""

    def _options(self) -> list[str]:
        if self.scratch is None:
            return []
        (self.scratch / "lists/partial").mkdir(parents=True, exist_ok=True)
        (self.scratch / "cache/archives/partial").mkdir(parents=True, exist_ok=True)
        return ["-o", f"Dir::State::lists={self.scratch}/lists", "-o", f"Dir::Cache={self.scratch}/cache"]


def unpack(package: Path, directory: Path) -> None:
    """Unpack a package's files without running its scripts."""
    result = commands.run(["dpkg-deb", "--extract", str(package), str(directory)])
    if result.returncode != 0:
        raise ComponentError(f"{package.name} cannot be unpacked.", detail=commands.output(result))
