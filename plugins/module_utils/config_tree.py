"""A component's configuration tree: written whole, compared with the former one, shown as a diff."""

from __future__ import annotations

import fnmatch
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ansible_collections.promontory.stack.plugins.module_utils.atomic import write_file
from ansible_collections.promontory.stack.plugins.module_utils.errors import ComponentError
from ansible_collections.promontory.stack.plugins.module_utils.release import fill

SECRETS = "secrets"
_HIDDEN = "(secret, not shown)\n"


@dataclass(frozen=True)
class Tree:
    """Rendered files of one component; paths are relative and use ``/``.

    Attributes:
        files: ``{path: text}``, readable by the service's group.
        secrets: ``{name: text}``, written to ``secrets/<name>``, readable by the service alone.
    """

    files: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)

    def all_texts(self) -> dict[str, str]:
        """Every file with its content, secrets under ``secrets/``."""
        return {**self.files, **{f"{SECRETS}/{name}": text for name, text in self.secrets.items()}}


def require_safe_paths(component: str, tree: Tree) -> None:
    """Refuse paths that lead out of the tree or into each other.

    Raises:
        ComponentError: It names the path.
    """
    paths = tree.all_texts()
    for path in paths:
        pure = PurePosixPath(path)
        if not pure.parts or pure.is_absolute() or ".." in pure.parts or str(pure) != path or not path.isprintable():
            raise ComponentError(f"{component}: config path {path!r} is not a plain relative file name.")
        for parent in map(str, pure.parents):
            if parent in paths:
                raise ComponentError(f"{component}: config path {parent!r} is a file, so {path!r} cannot lie below it.")
    for path in tree.files:
        if PurePosixPath(path).parts[0] == SECRETS:
            raise ComponentError(f"{component}: config path {path!r}: put secrets under `secrets`, not under `config`.")


def digest(release: str, tree: Tree, unit_text: str) -> str:
    """Return the SHA-256 of a whole declared set."""
    document = json.dumps([release, dict(tree.files), dict(tree.secrets), unit_text], sort_keys=True)
    return hashlib.sha256(document.encode()).hexdigest()


def write(directory: Path, tree: Tree, *, owner: tuple[int, int] | None, places: Mapping[str, str]) -> None:
    """Write a tree below ``directory``, which must not exist yet.

    Args:
        directory: Becomes the root of the tree, mode 0750.
        tree: What to write.
        owner: ``(uid, gid)`` of the service; files are root's and readable by that group, secrets are
            the service's own with mode 0600. None keeps the caller's (unit tests and scratch trees).
        places: What the placeholders in the texts stand for.
    """
    shared = None if owner is None else (0, owner[1])
    _make_directory(directory, 0o750, shared)
    for path, text in sorted(tree.files.items()):
        target = directory / path
        for parent in reversed(target.relative_to(directory).parents[:-1]):
            _make_directory(directory / parent, 0o750, shared)
        write_file(target, fill(text, places).encode(), mode=0o640, owner=shared)
    if tree.secrets:
        _make_directory(directory / SECRETS, 0o750, shared)
    for name, text in sorted(tree.secrets.items()):
        write_file(directory / SECRETS / name, text.encode(), mode=0o600, owner=owner)


def _make_directory(path: Path, mode: int, owner: tuple[int, int] | None) -> None:
    if path.is_dir():
        return
    path.mkdir(parents=True, mode=mode)
    path.chmod(mode)
    if owner is not None:
        os.chown(path, *owner)


def read(directory: Path) -> dict[str, str]:
    """Read a tree back; an absent directory is an empty tree."""
    if not directory.is_dir():
        return {}
    return {
        str(path.relative_to(directory)): path.read_bytes().decode("utf-8", "replace")
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def secrets_are_private(directory: Path) -> bool:
    """Tell whether nobody but the service can read the secrets of a tree."""
    secrets = directory / SECRETS
    return not secrets.is_dir() or all(path.stat().st_mode & 0o077 == 0 for path in secrets.iterdir())


def changed_paths(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Return the paths that were added, removed or changed, sorted."""
    return sorted(path for path in {*before, *after} if before.get(path) != after.get(path))


def diffs(before: Mapping[str, str], after: Mapping[str, str], where: str) -> list[dict[str, str]]:
    """Return Ansible's diff entries for the changed files; secrets show that they changed, not how.

    Args:
        before: ``{path: text}`` on the host.
        after: ``{path: text}`` as declared.
        where: Directory to show in front of the paths.
    """
    entries = []
    for path in changed_paths(before, after):
        old, new = before.get(path, ""), after.get(path, "")
        if PurePosixPath(path).parts[0] == SECRETS:
            old, new = ("(former secret, not shown)\n" if path in before else ""), (_HIDDEN if path in after else "")
        entries.append(
            {
                "before_header": f"{where}/{path}" if path in before else f"{where}/{path} (absent)",
                "after_header": f"{where}/{path}" if path in after else f"{where}/{path} (absent)",
                "before": old,
                "after": new,
            }
        )
    return entries


def only_in(paths: Sequence[str], patterns: Sequence[str]) -> bool:
    """Tell whether every path matches one of the shell patterns."""
    return all(any(fnmatch.fnmatch(path, pattern) for pattern in patterns) for path in paths)
