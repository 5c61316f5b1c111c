"""What is committed and what is under way: one small file for each component."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from ansible_collections.promontory.stack.plugins.module_utils.atomic import write_file
from ansible_collections.promontory.stack.plugins.module_utils.errors import ComponentError
from ansible_collections.promontory.stack.plugins.module_utils.layout import journal_dir

_FORMAT = 1


@dataclass(frozen=True)
class Generation:
    """A whole declared set: release, configuration tree and unit.

    Attributes:
        id: Directory name under ``generations/``: running number and digest.
        digest: SHA-256 over everything declared (hexadecimal).
        release: Directory name of the release under ``/opt/<program>/``.
        version: Upstream version, such as ``3.5.3``.
        source: ``archive``, ``package`` or ``python``.
        request: Digest of what was asked for; tells whether a release must be chosen anew.
        at: Time of the commit, seconds since the epoch; 0 while under way.
    """

    id: str
    digest: str
    release: str
    version: str
    source: str
    request: str
    at: float = 0.0


@dataclass(frozen=True)
class Journal:
    """The state of one component on one host.

    Attributes:
        component: Its name.
        program: Program under ``/opt``.
        user: Account it runs as.
        committed: The set known to serve; None before the first commit.
        former: The set before that, for a rollback.
        under_way: The set a run was activating; not None only after a run was killed.
    """

    component: str
    program: str
    user: str = ""
    committed: Generation | None = None
    former: Generation | None = None
    under_way: Generation | None = None

    @property
    def next_number(self) -> int:
        """Running number for the next generation, one above all that were."""
        seen = [g for g in (self.committed, self.former, self.under_way) if g is not None]
        return 1 + max((int(g.id.split("-")[0]) for g in seen), default=0)


def load(path: Path, *, component: str, program: str) -> Journal:
    """Read a component's journal; an absent file means that nothing is installed.

    Raises:
        ComponentError: The file is no journal; it names the file and how to go on.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return Journal(component=component, program=program)
    try:
        raw = json.loads(content)
        if raw.get("format") != _FORMAT:
            raise ValueError(f"format {raw.get('format')!r}, expected {_FORMAT}")
        generations = {
            key: Generation(**raw[key]) if raw.get(key) else None for key in ("committed", "former", "under_way")
        }
        return Journal(component=raw["component"], program=raw["program"], user=raw.get("user", ""), **generations)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ComponentError(
            f"{path}: this journal cannot be read ({error}).",
            hint=f"Move the file away; the next run goes on from the set that /etc/{component}/current points at.",
        ) from error


def save(path: Path, journal: Journal) -> None:
    """Write a journal so that a power cut leaves the former or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    document = {"format": _FORMAT, **asdict(journal)}
    write_file(path, (json.dumps(document, indent=2, sort_keys=True) + "\n").encode(), mode=0o600)


def installed(root: Path = Path("/")) -> dict[str, Journal]:
    """All components with a journal on this host, by name."""
    directory = journal_dir(root)
    if not directory.is_dir():
        return {}
    return {file.stem: load(file, component=file.stem, program=file.stem) for file in sorted(directory.glob("*.json"))}


@contextlib.contextmanager
def lock(path: Path, *, wait_s: float) -> Iterator[None]:
    """Hold the component's lock; the kernel lets go of it when the process dies.

    Args:
        path: Lock file; made when absent and left in place (removing it would be a race).
        wait_s: How long another run may finish first, seconds.
    Raises:
        ComponentError: Another run still works on the component after that time.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + wait_s
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as error:
                if error.errno not in (errno.EAGAIN, errno.EACCES):
                    raise
                if time.monotonic() >= deadline:
                    raise ComponentError(
                        f"{path}: another run has been working on this component for over {wait_s:.0f} s.",
                        hint="Wait for it to end, then run again.",
                    ) from error
                time.sleep(0.1)
        yield
    finally:
        os.close(descriptor)
