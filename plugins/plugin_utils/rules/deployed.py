"""Rule files as entries of Prometheus' configuration tree."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from . import book
from .book import Book
from .compose import Wanted, compose, text

_NO_RULES = frozenset({book.FILES, book.THRESHOLDS})


def tree(
    given: Mapping[str, Mapping[str, str]], directory: Path, rules: Book, wanted: Wanted
) -> dict[str, dict[str, str]]:
    """Replace the stack's own files by what this environment makes of them.

    Args:
        given: Files as ``config_files.tree_of`` found them.
        directory: Folder with the stack's own files.
        rules: The same, read.
        wanted: What the environment wants.
    Returns:
        A tree without the files that this environment has no use for; files from elsewhere are as they were.
    Raises:
        RulesError: See ``compose``.
    """
    composed = compose(rules, wanted)
    home = directory.resolve()
    found: dict[str, dict[str, str]] = {}
    for path, entry in given.items():
        source = Path(entry["src"])
        if source.resolve().parent != home or source.stem not in rules.needs:
            if source.resolve().parent != home or source.name not in _NO_RULES:
                found[path] = dict(entry)
        elif source.stem in composed:
            found[path] = {"content": text(composed[source.stem], source.stem)}
    return found
