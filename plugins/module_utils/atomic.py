"""Writes that are whole or absent: files, links and directories changed by one rename."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

STAGING = ".staging-"


def write_file(path: Path, content: bytes, *, mode: int, owner: tuple[int, int] | None = None) -> None:
    """Write a file and make it durable before anybody can see it under its name.

    Args:
        path: The file; its directory exists.
        content: The whole content.
        mode: Permission bits.
        owner: ``(uid, gid)``, or None to keep the caller's.
    Raises:
        OSError: The disk is full or the directory may not be written; the old file is untouched.
    """
    descriptor, temporary = tempfile.mkstemp(prefix=f"{STAGING}{path.name}-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(content)
            handle.flush()
            os.fchmod(handle.fileno(), mode)
            if owner is not None:
                os.fchown(handle.fileno(), *owner)
            os.fsync(handle.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def point_link(link: Path, target: str) -> None:
    """Make ``link`` point at ``target``, replacing what it pointed at in one step."""
    if read_link(link) == target:
        return
    temporary = link.with_name(f"{STAGING}link-{link.name}")
    temporary.unlink(missing_ok=True)
    os.symlink(target, temporary)
    os.replace(temporary, link)
    sync_directory(link.parent)


def read_link(link: Path) -> str | None:
    """Return what a link points at, or None where there is no link."""
    try:
        return os.readlink(link)
    except OSError:
        return None


def remove_tree(path: Path) -> None:
    """Remove a file, link or directory; absent is fine.

    A directory leaves its name first: one that is half removed when the process is killed is a leftover and
    never looks like what it was.
    """
    if path.is_symlink() or path.is_file():
        path.unlink(missing_ok=True)
    elif path.exists():
        doomed = path
        if not path.name.startswith(STAGING):
            doomed = path.with_name(f"{STAGING}removed-{path.name}")
            if doomed.exists():
                shutil.rmtree(doomed)
            os.replace(path, doomed)
        shutil.rmtree(doomed)


def leftovers(directory: Path, name: str = "") -> list[Path]:
    """Return what an earlier, killed run had begun to stage or to remove in ``directory``.

    Args:
        directory: Where to look; absent is fine.
        name: Only what was to become a file of this name, for a directory that several components share.
    """
    if not directory.is_dir():
        return []
    return [entry for entry in directory.iterdir() if entry.name.startswith(f"{STAGING}{name}")]


def sync_directory(path: Path) -> None:
    """Make renames inside a directory survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
