"""Release archives on the controller: the cache, the publisher's sums, and what was seen first."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ansible_collections.promontory.stack.plugins.module_utils import fetch
from ansible_collections.promontory.stack.plugins.module_utils.atomic import write_file
from ansible_collections.promontory.stack.plugins.module_utils.checksum import sha256_of
from ansible_collections.promontory.stack.plugins.module_utils.errors import ComponentError

_LOCK_FILE = "artifacts.lock.json"
_UPSTREAM = "https://github.com"
_SHA256 = re.compile(r"^[0-9a-f]{64}$")


@dataclass(frozen=True)
class Archive:
    """One publisher's archive for one architecture.

    Attributes:
        url: Where it is published, or its place on a mirror.
        sums_url: List of SHA-256 sums, in the form of ``sha256sum``, or the archive's sum alone; empty when there is none.
        sha256: Pinned sum, hexadecimal; empty when none is pinned.
    """

    url: str
    sums_url: str
    sha256: str

    @property
    def name(self) -> str:
        """File name, in the cache too."""
        return unquote(Path(urlsplit(self.url).path).name)


def describe(archive: Mapping[str, object], *, version: str, architecture: str, mirror: str) -> Archive:
    """Fill version and architecture into a role's ``archive`` mapping.

    Args:
        archive: ``url``, ``sums_url`` and ``sha256`` (a sum by architecture).
        version: Upstream version.
        architecture: ``amd64`` or ``arm64``.
        mirror: Base URL that replaces ``https://github.com``; empty for none.
    Raises:
        ComponentError: What comes out is no URL.
    """

    def filled(key: str) -> str:
        text = str(archive.get(key) or "").replace("{version}", version).replace("{arch}", architecture)
        return text.replace(_UPSTREAM, mirror.rstrip("/"), 1) if mirror and text.startswith(_UPSTREAM) else text

    sums = archive.get("sha256")
    pinned = sums.get(architecture) if isinstance(sums, Mapping) else sums
    url = filled("url")
    try:
        urlsplit(url)
    except ValueError as error:
        raise ComponentError(
            f"{url} is no URL ({error}).", hint="Correct stack_artifact_mirror or the archive's url."
        ) from error
    return Archive(url=url, sums_url=filled("sums_url"), sha256=str(pinned or ""))


class Cache:
    """Archives kept on the controller, each verified before it is handed out.

    Args:
        directory: Made when missing; a file put there by hand is used as if it had been fetched.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def path(self, archive: Archive) -> Path:
        """Where the archive lies or would lie."""
        return self.directory / archive.name

    def has(self, archive: Archive) -> bool:
        """Tell whether the archive is there; it is verified when it is handed out."""
        return self.path(archive).is_file()

    def ensure(self, archive: Archive) -> Path:
        """Return the archive's verified file, fetching it where it is missing.

        Raises:
            ComponentError: It cannot be fetched or is not what its sum says.
        """
        path, expected = self.path(archive), self.expected_sum(archive)
        if path.is_file():
            found = sha256_of(path)
            if found != expected:
                raise ComponentError(
                    f"{path}: its SHA-256 is {found}, expected {expected}.",
                    hint="Remove the file to have it fetched again, or correct the pinned sum; do not skip the check.",
                )
            return path
        self.directory.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=".fetching-", dir=self.directory)
        os.close(descriptor)
        try:
            fetch.download(archive.url, Path(temporary))
            found = sha256_of(Path(temporary))
            if found != expected:  # what was cut short on the way must not lie in the cache for the next run
                raise ComponentError(
                    f"{archive.url}: what it answers has the SHA-256 {found}, expected {expected}.",
                    hint="Run again if the download was cut short, or correct the pinned sum; do not skip the check.",
                )
            os.replace(temporary, path)
        finally:
            Path(temporary).unlink(missing_ok=True)
        return path

    def expected_sum(self, archive: Archive) -> str:
        """Return the sum an archive must have: pinned, seen before, from the cache's own list, or the publisher's.

        A sum that is not pinned in the repository is recorded on first use and holds from then on.

        Raises:
            ComponentError: No sum is to be had; an archive that cannot be verified is not installed.
        """
        if archive.sha256:
            if not _SHA256.match(archive.sha256):
                raise ComponentError(
                    f"{archive.name}: the pinned sum {archive.sha256!r} is no SHA-256 (64 hexadecimal digits)."
                )
            return archive.sha256
        seen = self._seen()
        if archive.name in seen:
            return seen[archive.name]
        found = _find(self._local_sums(), archive.name) or self._published(archive)
        seen[archive.name] = found
        text = json.dumps(dict(sorted(seen.items())), indent=2) + "\n"
        self.directory.mkdir(parents=True, exist_ok=True)
        write_file(self.directory / _LOCK_FILE, text.encode(), mode=0o644)
        return found

    def _local_sums(self) -> str:
        path = self.directory / "sha256sums.txt"
        return path.read_text(encoding="utf-8") if path.is_file() else ""

    def _published(self, archive: Archive) -> str:
        if not archive.sums_url:
            raise ComponentError(
                f"{archive.name}: no SHA-256 is pinned and its publisher has no list of sums.",
                hint="Pin the sum in roles/common/defaults/main/versions.yml.",
            )
        with tempfile.TemporaryDirectory() as scratch:
            target = Path(scratch) / "sums"
            fetch.download(archive.sums_url, target)
            sums = target.read_text(encoding="utf-8", errors="replace")
            found = sums.strip() if _SHA256.match(sums.strip()) else _find(sums, archive.name)
        if not found:
            raise ComponentError(f"{archive.sums_url} has no sum for {archive.name}.", hint="Check the version.")
        return found

    def _seen(self) -> dict[str, str]:
        path = self.directory / _LOCK_FILE
        if not path.is_file():
            return {}
        try:
            seen: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ComponentError(
                f"{path}: this record of sums cannot be read ({error}).",
                hint="Move it away; the sums are then taken anew from the publishers.",
            ) from error
        return seen


def _find(sums: str, name: str) -> str:
    for line in sums.splitlines():
        words = line.split()
        if len(words) == 2 and words[1].lstrip("*./") == name and _SHA256.match(words[0]):
            return words[0]
    return ""
