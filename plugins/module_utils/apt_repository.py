"""A publisher's own repository, asked with lists and a key of our own: the host's apt is left as it is."""

from __future__ import annotations

import base64
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.promontory.stack.plugins.module_utils import commands, debian, versions
from ansible_collections.promontory.stack.plugins.module_utils.errors import ComponentError

# What apt, gpgv and sqv say where a signature is missing or not by the key that is allowed.
_DISTRUST = re.compile(r"NO_PUBKEY|BADSIG|EXPKEYSIG|REVKEYSIG|ERRSIG|not signed|[Ss]ignature|[Mm]issing key", re.MULTILINE)


class Unavailable(ComponentError):
    """The repository or the version cannot be had, as opposed to a repository that must not be trusted."""


@dataclass
class RepositoryApt(debian.Apt):
    """apt with one source, below a directory of ours.

    Attributes:
        scratch: That directory, which the caller removes; it holds the list, the key, the indexes and the cache.
        source: ``uri``, ``suite``, ``sections`` and ``key`` (binary, in base64; its fingerprint was compared).
    """

    source: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.scratch is None or self.source is None:
            raise AssertionError("a repository needs a directory and a source")
        self._directory, self._uri = self.scratch, str(self.source["uri"])
        self._name = self._uri
        self._way_out = "Check the host's network, or name a mirror in the component's apt_source, and run again."
        self._directory.mkdir(parents=True, exist_ok=True)
        for name in ("none", "lists/partial", "cache/archives/partial"):
            (self._directory / name).mkdir(parents=True, exist_ok=True)
        key = self._directory / "key.gpg"
        key.write_bytes(base64.b64decode(self.source["key"]))
        words = [f"deb [signed-by={key}]", self._uri, str(self.source["suite"]), *self.source["sections"]]
        (self._directory / "sources.list").write_text(" ".join(words) + "\n", encoding="utf-8")

    def version_of(self, package: str, wanted: str) -> str:
        """Return the full version of a package whose upstream version is the wanted one, the newest when that is empty.

        Raises:
            Unavailable: The repository cannot be reached or does not have it, or the host has no apt.
            ComponentError: The repository is not signed by the pinned key.
        """
        if shutil.which("apt-get") is None:
            raise Unavailable(
                f"{self._uri} cannot be used: this host has no apt.",
                hint="Set install_from to archive (stack_install_from, or the component's own variable).",
            )
        self.update()
        result = commands.run(["apt-cache", *self._options(), "madison", package])
        # Newest first, as apt sorts them: "grafana | 13.2.3 | https://apt.grafana.com stable/main amd64 Packages"
        offered = [line.split("|")[1].strip() for line in result.stdout.splitlines() if line.count("|") >= 2]
        for full in offered:
            if not wanted or versions.key(versions.of_package(full)) == versions.key(wanted):
                return full
        said = f"it has {', '.join(offered[:5])}" if offered else f"it has no {package} for this host"
        raise Unavailable(
            f"{self._uri} does not offer {package}{' ' if wanted else ''}{wanted}: {said}.",
            hint="Correct the component's version or its apt_source.",
        )

    def update(self) -> None:
        """Fetch the repository's indexes.

        Raises:
            Unavailable: It cannot be reached.
            ComponentError: It is not signed by the pinned key.
        """
        result = commands.run(["apt-get", *self._options(), "-qq", "update"], timeout_s=debian.UPDATE_TIMEOUT_S)
        self._updated = True
        if result.returncode == 0:
            return
        said = commands.output(result)
        if _DISTRUST.search(said):
            raise ComponentError(
                f"{self._uri} is not signed by the pinned key; nothing is taken from it.",
                detail=said,
                hint="Ask the publisher which key is right and correct the component's apt_source; do not skip the check. "
                "Nothing was changed.",
            )
        raise Unavailable(f"{self._uri} cannot be read from this host.", detail=said, hint=self._way_out)

    def _options(self) -> list[str]:
        directory = self._directory
        settings = {
            "Dir::Etc::sourcelist": directory / "sources.list",
            "Dir::Etc::sourceparts": directory / "none",
            "Dir::Etc::preferences": "/dev/null",  # a pin of the host's is about its own sources
            "Dir::Etc::preferencesparts": directory / "none",
            "Dir::State::lists": directory / "lists",
            "Dir::State::status": "/dev/null",  # what dpkg has installed is no offer
            "Dir::Cache": directory / "cache",
            # The directory is root's alone, the sandbox user could not read the key.
            "APT::Sandbox::User": "root",
            "APT::Update::Error-Mode": "any",  # else a repository that does not answer is only a warning
            "Acquire::Languages": "none",
            # Whatever the host's own configuration permits: here only what the pinned key has signed.
            "Acquire::AllowInsecureRepositories": "false",
            "Acquire::AllowWeakRepositories": "false",
            "APT::Get::AllowUnauthenticated": "false",
        }
        return [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
