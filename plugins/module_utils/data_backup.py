"""A program's data kept before another version of it may change them for good, and put back when it does not serve."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.promontory.stack.plugins.module_utils import commands
from ansible_collections.promontory.stack.plugins.module_utils.atomic import remove_tree
from ansible_collections.promontory.stack.plugins.module_utils.errors import ComponentError
from ansible_collections.promontory.stack.plugins.module_utils.layout import Layout
from ansible_collections.promontory.stack.plugins.module_utils.release import expand, fill

_KEYS = {"files", "command", "environment", "keep"}
_COMMAND_TIMEOUT_S = 3600.0
# SQLite keeps what is not yet in the database in files beside it.
_COMPANIONS = ("", "-wal", "-shm", "-journal")


@dataclass(frozen=True)
class Spec:
    """What is kept, and where.

    Attributes:
        into: Directory of the backups on the host, one directory each; root's, so that the service cannot meddle.
        files: Files that are copied while the service is stopped, each with SQLite's companions; missing ones are skipped.
        command: Program that writes a dump to ``{backup}``; for a database that other servers may use too. Such a
            backup is not put back by itself.
        environment: Variables of that command.
        keep: How many backups stay.
    """

    into: Path
    files: tuple[Path, ...] = ()
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] | None = None
    keep: int = 3


@dataclass(frozen=True)
class Backup:
    """One backup.

    Attributes:
        directory: Where it lies.
        copies: ``{file of the program: its copy}``; what was not there has no copy, and is removed when they are put back.
    """

    directory: Path
    copies: Mapping[Path, Path | None]

    @property
    def can_be_put_back(self) -> bool:
        """Tell whether it consists of copied files."""
        return bool(self.copies)


def from_mapping(layout: Layout, options: Mapping[str, Any], places: Mapping[str, str]) -> Spec:
    """Make a spec from a role's ``data_backup`` mapping.

    Args:
        layout: The component's paths.
        options: ``files``, ``command``, ``environment`` and ``keep``.
        places: What the placeholders stand for.
    Raises:
        ComponentError: A key is unknown, or there is nothing to keep.
    """
    unknown = sorted(set(options) - _KEYS)
    if unknown:
        raise ComponentError(
            f"{layout.name}: data_backup.{unknown[0]} is unknown.", hint=f"Known: {', '.join(sorted(_KEYS))}."
        )
    if not options.get("files") and not options.get("command"):
        raise ComponentError(f"{layout.name}: data_backup needs files or a command.")
    return Spec(
        into=layout.backups,
        files=tuple(layout.root / fill(str(path), places).lstrip("/") for path in options.get("files") or []),
        command=tuple(expand([str(word) for word in options.get("command") or []], places)),
        environment={str(key): fill(str(value), places) for key, value in (options.get("environment") or {}).items()},
        keep=int(options.get("keep") or Spec.keep),
    )


def is_needed(spec: Spec) -> bool:
    """Tell whether there is something to keep: the files that the program has made, or what a command fetches."""
    return bool(spec.command) or any(path.exists() for path in spec.files)


def require_room(spec: Spec) -> None:
    """Refuse before anything is stopped when the copies would not fit.

    Raises:
        ComponentError: It names the directory, what is free and what is needed, in MiB.
    """
    needed = sum(path.stat().st_size for path in _present(spec))
    spec.into.mkdir(mode=0o700, parents=True, exist_ok=True)
    free = shutil.disk_usage(spec.into).free
    if free < needed * 2:  # the migration that follows needs room too
        raise ComponentError(
            f"{spec.into}: {free // 2**20} MiB free, {needed * 2 // 2**20 + 1} MiB needed to back up the data before the upgrade.",
            hint="Free some space on this host and run again; nothing was changed.",
        )


def take(spec: Spec, *, version: str, now: float | None = None) -> Backup:
    """Keep the data; the service must be stopped where files are copied.

    Args:
        spec: What and where.
        version: The version that has written the data; it names the backup.
        now: Time for its name, seconds since the epoch; the present when left out.
    Raises:
        ComponentError: The command failed or wrote nothing.
        OSError: A file cannot be copied.
    """
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now if now is not None else time.time()))
    directory = spec.into / f"{version}-{stamp}"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        copies: dict[Path, Path | None] = {}
        for path in spec.files:
            for companion in _COMPANIONS:
                original = path.with_name(path.name + companion)
                copies[original] = _copied(original, directory) if original.exists() else None
        if spec.command:
            _dump(spec, directory)
    except (ComponentError, OSError):
        remove_tree(directory)
        raise
    _remove_old(spec)
    return Backup(directory=directory, copies=copies)


def put_back(backup: Backup) -> None:
    """Make the copied files what they were; the service must be stopped."""
    for original, copy in backup.copies.items():
        if copy is None:
            original.unlink(missing_ok=True)
            continue
        status = copy.stat()
        # A name that nobody can foresee: the directory is the service's own.
        descriptor, draft = tempfile.mkstemp(prefix=".restoring-", dir=original.parent)
        with os.fdopen(descriptor, "wb") as target, copy.open("rb") as source:
            shutil.copyfileobj(source, target, 1 << 20)
            os.fchmod(target.fileno(), stat.S_IMODE(status.st_mode))
            os.fchown(target.fileno(), status.st_uid, status.st_gid)
            os.fsync(target.fileno())
        os.replace(draft, original)


def _present(spec: Spec) -> Sequence[Path]:
    beside = [path.with_name(path.name + companion) for path in spec.files for companion in _COMPANIONS]
    return [path for path in beside if path.exists()]


def _copied(original: Path, directory: Path) -> Path:
    copy = directory / original.name
    status = original.stat()
    shutil.copy2(original, copy)
    os.chown(copy, status.st_uid, status.st_gid)
    with copy.open("rb") as handle:
        os.fsync(handle.fileno())
    return copy


def _dump(spec: Spec, directory: Path) -> None:
    target = directory / "dump"
    argv = expand(spec.command, {"backup": str(target)})
    result = commands.run(argv, timeout_s=_COMMAND_TIMEOUT_S, environment=spec.environment or {})
    if result.returncode != 0 or not target.exists() or target.stat().st_size == 0:
        raise ComponentError(
            f"`{Path(argv[0]).name}` has made no backup of the data before the upgrade.",
            detail=commands.output(result),
            hint="Have that program installed on this host and the database reachable; nothing was changed.",
        )
    target.chmod(0o600)


def _remove_old(spec: Spec) -> None:
    kept = sorted(
        (path for path in spec.into.iterdir() if path.is_dir()), key=lambda path: path.stat().st_mtime, reverse=True
    )
    for directory in kept[max(spec.keep, 1) :]:
        remove_tree(directory)
