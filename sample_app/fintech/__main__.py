"""`python -m fintech`: say the version, or check the settings without starting anything."""

from __future__ import annotations

import argparse
import importlib
import os
import shlex
import sys
from pathlib import Path

from fintech import __version__


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code: 0 fine, 2 a setting is wrong."""
    parser = argparse.ArgumentParser(prog="fintech", description="The sample service; gunicorn runs it.")
    parser.add_argument("--version", action="version", version=f"fintech {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("check", help="check the settings and that all libraries load")
    check.add_argument("--env-file", type=Path, help='take settings from this file of NAME="value" lines as well')
    options = parser.parse_args(arguments)
    return _check(options.env_file)


def _check(env_file: Path | None) -> int:
    # Imported late: --version works with no library installed, and this one proves that all of them load.
    importlib.import_module("fintech.app")
    importlib.import_module("fintech.serving")
    from fintech.config import Settings
    from fintech.errors import ConfigError

    try:
        settings = Settings.from_environ(os.environ | (_read(env_file) if env_file else {}))
    except (ConfigError, OSError, ValueError) as error:
        sys.stderr.write(f"fintech: {error}\n")
        return 2
    sys.stdout.write(f"The settings are fine; the database is {settings.database_url!r}.\n")
    return 0


def _read(env_file: Path) -> dict[str, str]:
    """Read what systemd would from an EnvironmentFile of quoted values; raises ValueError for another line."""
    found = {}
    for number, line in enumerate(env_file.read_text(encoding="utf-8").splitlines(), 1):
        words = shlex.split(line, comments=True)
        if not words:
            continue
        name, equals, value = words[0].partition("=")
        if len(words) > 1 or not equals:
            raise ValueError(f'{env_file}, line {number}: write NAME="value"')
        found[name] = value
    return found


if __name__ == "__main__":
    sys.exit(main())
