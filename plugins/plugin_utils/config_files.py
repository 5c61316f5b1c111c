"""Files of the controller that become part of a component's configuration tree."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path


class ConfigFileError(ValueError):
    """A name or pattern cannot be turned into files of a configuration tree."""


def tree_of(patterns: Sequence[str], into: str, base: Path | None = None) -> dict[str, dict[str, str]]:
    """Collect files by name or pattern, as the ``config`` of a component wants them.

    Args:
        patterns: File names or shell patterns; ``~`` is expanded, ``**`` descends.
        into: Directory of the tree that the files go to, flat, such as ``rules``; empty for its root.
        base: What relative patterns start from; the working directory when None.
    Returns:
        ``{"rules/host.yml": {"src": "/where/it/is/host.yml"}}``, sorted by path.
    Raises:
        ConfigFileError: A pattern matches no file, or two files would get one name.
    """
    tree: dict[str, dict[str, str]] = {}
    for pattern in patterns:
        whole = str((base or Path.cwd()) / Path(pattern).expanduser())
        matches = [Path(name) for name in sorted(glob.glob(whole, recursive=True)) if Path(name).is_file()]
        if not matches:
            raise ConfigFileError(f"{pattern!r} matches no file on this machine (looked for {whole}).")
        for match in matches:
            path = f"{into}/{match.name}" if into else match.name
            former = tree.get(path, {}).get("src", str(match))
            if former != str(match):
                raise ConfigFileError(f"{former} and {match} would both become {path}; rename one of them.")
            tree[path] = {"src": str(match)}
    return dict(sorted(tree.items()))
