"""Writes docs/reference, one page for each role, the table of sandbox settings in docs/security.md, and what follows from rules/.

    python -m promontory.reference            writes what differs
    python -m promontory.reference --check    only tells, and exits with 1 when something differs

The same roles always give the same bytes, so a test can compare; nobody edits these texts by hand.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from promontory.reference import alerts, routing
from promontory.reference.pages import pages
from promontory.reference.sandbox import in_security, sandbox_table


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or compare the pages; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m promontory.reference", description="Writes docs/reference.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 when a page is out of date")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[2], help="the project")
    options = parser.parse_args(arguments)
    docs: Path = options.root / "docs"
    # First, because the pages are about the roles, and these are part of one.
    first = [
        path for path, text in alerts.texts(options.root) if _settle(path, text, options.root, write=not options.check)
    ]
    wanted = {docs / "reference" / path: text for path, text in pages(options.root / "roles").items()}
    wanted.update({docs / path: text for path, text in routing.texts(options.root).items()})
    if (security := docs / "security.md").is_file():
        wanted[security] = in_security(_read(security), sandbox_table(options.root))
    stale = [path for path in sorted((docs / "reference/roles").glob("*.md")) if path not in wanted]
    differing = [path for path, text in wanted.items() if _read(path) != text]
    for path in differing:
        _settle(path, wanted[path], options.root, write=not options.check)
    for path in stale:
        sys.stdout.write(f"{path.relative_to(options.root)} (no such role)\n")
        if not options.check:
            path.unlink()
    return 1 if options.check and (first or differing or stale) else 0


def _settle(path: Path, text: str, root: Path, *, write: bool) -> bool:
    """Tell, and print, whether a file differs; have it written where it may be."""
    if _read(path) == text:
        return False
    sys.stdout.write(f"{path.relative_to(root)}\n")
    if write:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return True


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


if __name__ == "__main__":
    raise SystemExit(main())
