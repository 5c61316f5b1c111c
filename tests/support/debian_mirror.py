"""A Debian archive read without apt: signed index, package look-up, verified download.

The chain is the archive's own: InRelease (checked with gpgv where the Debian keyring is installed) names the
sha256 of the package index, the index names the sha256 of each package.
"""

from __future__ import annotations

import hashlib
import lzma
import os
import re
import shutil
import subprocess
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError

INDEX_MAX_AGE_S = 7 * 24 * 3600
_TIMEOUT_S = 120
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_PUBLIC_MIRROR = "http://deb.debian.org/debian"


class MirrorError(Exception):
    """The archive has no such package, or sent something other than it promised."""


@dataclass(frozen=True)
class Package:
    """One entry of a package index."""

    name: str
    version: str
    filename: str
    sha256: str

    @property
    def upstream_version(self) -> str:
        """The version without epoch, Debian revision and repacking marks: `2:3.5.3+ds1-6` -> `3.5.3`."""
        return re.sub(r"([+~]ds.*|[+~]dfsg.*)$", "", self.version.split(":", 1)[-1].rsplit("-", 1)[0])


def mirror_url(sources: Path = Path("/etc/apt")) -> str:
    """Tell where this machine gets Debian packages from.

    PROMONTORY_DEBIAN_MIRROR wins; then the first Debian archive in apt's sources, so that a site's own mirror is
    used; else the public one (an Ubuntu machine has no Debian archive configured).
    """
    if chosen := os.environ.get("PROMONTORY_DEBIAN_MIRROR"):
        return chosen.rstrip("/")
    files = [sources / "sources.list", *sorted((sources / "sources.list.d").glob("*.list"))]
    files += sorted((sources / "sources.list.d").glob("*.sources"))
    for file in files:
        text = file.read_text(encoding="utf-8") if file.is_file() else ""
        pattern = r"^URIs:\s*(\S+)" if file.suffix == ".sources" else r"^deb\s+(?:\[[^]]*\]\s+)?(\S+)"
        for url in re.findall(pattern, text, flags=re.MULTILINE):
            if url.rstrip("/").endswith("/debian"):
                return str(url).rstrip("/")
    return _PUBLIC_MIRROR


def download(url: str, target: Path, sha256: str | None = None) -> None:
    """Write what `url` serves to `target`, whole or not at all.

    Raises:
        MirrorError: Its sum is not `sha256`.
        urllib.error.URLError: It cannot be fetched.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.{os.getpid()}.part")
    digest = hashlib.sha256()
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer, partial.open("wb") as file:
            while block := answer.read(1 << 20):
                digest.update(block)
                file.write(block)
        if sha256 and digest.hexdigest() != sha256:
            raise MirrorError(f"{url} has sha256 {digest.hexdigest()}, the index promises {sha256}")
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


class Suite:
    """The main section of one suite (`trixie`, `sid`, …) for one architecture, with its index kept in `cache`."""

    def __init__(self, name: str, architecture: str, cache: Path, mirror: str | None = None) -> None:
        """Look nothing up yet; `mirror` defaults to `mirror_url()`."""
        self.name = name
        self.architecture = architecture
        self._mirror = mirror or mirror_url()
        self._cache = cache
        self._index = cache / "index" / f"{name}-{architecture}.xz"
        self._packages: dict[str, Package] = {}

    def find(self, name: str) -> Package:
        """Look a package up.

        Raises:
            MirrorError: The suite has none of this name.
        """
        self._load()
        if name not in self._packages:
            raise MirrorError(f"{self._mirror} has no package {name} in {self.name} for {self.architecture}")
        return self._packages[name]

    def has(self, name: str) -> bool:
        """Tell whether the suite has a package of this name."""
        self._load()
        return name in self._packages

    def fetch(self, name: str) -> tuple[Package, Path]:
        """Download a package unless the cache has it; return it with the path of its file."""
        package = self.find(name)
        file = self._cache / "pool" / Path(package.filename).name
        if file.is_file():
            return package, file
        try:
            download(f"{self._mirror}/{package.filename}", file, package.sha256)
        except HTTPError as error:
            if error.code != 404:
                raise
            self._refresh()          # the archive has moved on to a newer version since the index was kept
            package = self.find(name)
            file = self._cache / "pool" / Path(package.filename).name
            download(f"{self._mirror}/{package.filename}", file, package.sha256)
        return package, file

    def _load(self) -> None:
        if self._packages:
            return
        if not self._index.is_file() or time.time() - self._index.stat().st_mtime > INDEX_MAX_AGE_S:
            self._refresh()
        else:
            self._parse()

    def _refresh(self) -> None:
        base = f"{self._mirror}/dists/{self.name}"
        section = f"main/binary-{self.architecture}"
        release = self._cache / "index" / f"{self.name}.InRelease"
        download(f"{base}/InRelease", release)
        _check_signature(release)
        promised = re.search(rf"^ ([0-9a-f]{{64}}) +\d+ {section}/Packages\.xz$", release.read_text(), re.MULTILINE)
        if not promised:
            raise MirrorError(f"{base}/InRelease names no {section}/Packages.xz")
        # By its sum, so that an archive updated between the two downloads cannot disagree with itself.
        download(f"{base}/{section}/by-hash/SHA256/{promised[1]}", self._index, promised[1])
        self._parse()

    def _parse(self) -> None:
        with lzma.open(self._index, "rt", encoding="utf-8") as file:
            for entry in file.read().split("\n\n"):
                fields = dict(re.findall(r"^(Package|Version|Filename|SHA256): (.*)$", entry, re.MULTILINE))
                if len(fields) == 4:
                    self._packages[fields["Package"]] = Package(
                        fields["Package"], fields["Version"], fields["Filename"], fields["SHA256"]
                    )


def _check_signature(release: Path) -> None:
    if not (_KEYRING.is_file() and shutil.which("gpgv")):
        return
    done = subprocess.run(["gpgv", "--quiet", "--keyring", str(_KEYRING), str(release)], capture_output=True, text=True)
    if done.returncode != 0:
        raise MirrorError(f"The signature of {release} is not Debian's: {done.stderr.strip()}")
