"""A set of plugins on the host: one directory that appears whole and is never changed afterwards."""

from __future__ import annotations

import json
import os
import stat
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ansible_collections.promontory.stack.plugins.module_utils.atomic import STAGING, remove_tree, sync_directory
from ansible_collections.promontory.stack.plugins.module_utils.checksum import sha256_of
from ansible_collections.promontory.stack.plugins.module_utils.errors import ComponentError


@dataclass(frozen=True)
class Plugin:
    """One plugin of a set.

    Attributes:
        id: As Grafana calls it.
        version: Exact version.
        sha256: Of its zip file, hexadecimal.
        archive: The zip file on this host; None where only the controller has it.
    """

    id: str
    version: str
    sha256: str
    archive: Path | None = None


def lies_whole(directory: Path, plugins: Sequence[Plugin]) -> bool:
    """Tell whether a set is there with every plugin in its version."""
    return all(_version_in(directory / plugin.id) == plugin.version for plugin in plugins)


def install(directory: Path, plugins: Sequence[Plugin]) -> None:
    """Unpack and judge every plugin, then let the set appear under its name.

    Raises:
        ComponentError: An archive is not what it should be; nothing stays behind.
    """
    directory.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=STAGING, dir=directory.parent))
    try:
        staging.chmod(0o755)
        for plugin in plugins:
            _unpack(plugin, staging)
        remove_tree(directory)
        os.replace(staging, directory)
        sync_directory(directory.parent)
    finally:
        remove_tree(staging)


def _unpack(plugin: Plugin, into: Path) -> None:
    if plugin.archive is None:
        raise AssertionError("the controller brings every archive of a set that is missing")
    found = sha256_of(plugin.archive)
    if found != plugin.sha256:
        raise ComponentError(
            f"grafana_plugins: the archive of {plugin.id} {plugin.version} has the SHA-256 {found}, expected {plugin.sha256}.",
            hint="Correct the sum, or remove the file from the artifact cache.",
        )
    try:
        with zipfile.ZipFile(plugin.archive) as packed:
            for member in packed.infolist():
                _place(packed, member, into, plugin)
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise ComponentError(f"grafana_plugins: the archive of {plugin.id} is no zip file ({error}).") from error
    if _version_in(into / plugin.id) != plugin.version:
        raise ComponentError(
            f"grafana_plugins: the archive of {plugin.id} {plugin.version} holds {_version_in(into / plugin.id) or 'no such plugin'}.",
            hint="Correct id, version or url.",
        )


def _place(packed: zipfile.ZipFile, member: zipfile.ZipInfo, into: Path, plugin: Plugin) -> None:
    name = PurePosixPath(member.filename)
    if name.is_absolute() or ".." in name.parts or not name.parts or name.parts[0] != plugin.id:
        raise ComponentError(
            f"grafana_plugins: the archive of {plugin.id} holds {member.filename!r}, which is outside {plugin.id}/."
        )
    mode = member.external_attr >> 16
    if stat.S_ISLNK(mode):
        raise ComponentError(f"grafana_plugins: the archive of {plugin.id} holds the link {member.filename!r}.")
    target = into / name
    if member.is_dir():
        target.mkdir(mode=0o755, parents=True, exist_ok=True)
        return
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    target.write_bytes(packed.read(member))
    target.chmod(0o755 if mode & 0o111 else 0o644)


def _version_in(directory: Path) -> str:
    for place in (directory / "plugin.json", directory / "dist/plugin.json"):
        try:
            described = json.loads(place.read_text(encoding="utf-8"))
            if described["id"] == directory.name:
                return str(described["info"]["version"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return ""
