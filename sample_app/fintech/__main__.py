"""`python -m fintech COMMAND`: everything about the service that is not serving."""

from __future__ import annotations

import argparse
import importlib
import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fintech import __version__

# Libraries are imported late, by the commands that use them: --version works with none installed.
if TYPE_CHECKING:
    from sqlalchemy.exc import SQLAlchemyError

    from fintech.config import Settings
    from fintech.database import Database


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code: 0 fine, 2 a setting or the database is wrong."""
    options = _parser().parse_args(arguments)
    from sqlalchemy.exc import SQLAlchemyError

    from fintech.config import Settings
    from fintech.errors import FintechError

    try:
        settings = Settings.from_environ(os.environ | (_read(options.env_file) if options.env_file else {}))
        options.run(settings, options)
    except (FintechError, OSError, ValueError) as error:
        sys.stderr.write(f"fintech: {error}\n")
        return 2
    except SQLAlchemyError as error:
        sys.stderr.write(f"fintech: the database {settings.database_url!r} refuses: {_in_one_line(error)}\n")
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="fintech", description="The sample service; gunicorn runs it.")
    parser.add_argument("--version", action="version", version=f"fintech {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--env-file", type=Path, help='take settings from this file of NAME="value" lines as well')

    check = commands.add_parser("check", parents=[shared], help="check the settings and that all libraries load")
    check.set_defaults(run=_check)
    migrate = commands.add_parser(
        "migrate", parents=[shared], help="bring the database up to date; repeatable, also by several at once"
    )
    migrate.add_argument(
        "--newer-is-fine", action="store_true", help="let a database of a newer program be, rather than refuse it"
    )
    migrate.set_defaults(run=_migrate)
    drill = commands.add_parser(
        "ledger-drill", parents=[shared], help="make the ledger not add up, to nobody's harm, and good again"
    )
    drill.add_argument("state", choices=("on", "off"))
    drill.set_defaults(run=_ledger_drill)
    user = commands.add_parser(
        "user", parents=[shared], help="make a user, password on standard input, or change the role of one"
    )
    user.add_argument("name")
    user.add_argument("--role", required=True, help="user, auditor or admin")
    user.set_defaults(run=_user)
    return parser


def _check(settings: Settings, _options: argparse.Namespace) -> None:
    importlib.import_module("fintech.app")
    importlib.import_module("fintech.serving")
    sys.stdout.write(f"The settings are fine; the database is {settings.database_url!r}.\n")


def _migrate(settings: Settings, options: argparse.Namespace) -> None:
    from fintech.migrations import migrate

    with _database(settings) as database:
        done = migrate(database, newer_is_fine=options.newer_is_fine)
    sys.stdout.writelines(f"{step}\n" for step in done or ["The database is up to date."])


def _ledger_drill(settings: Settings, options: argparse.Namespace) -> None:
    from fintech import ledger_drill

    with _database(settings) as database:
        if options.state == "on":
            ledger_drill.switch_on(database)
            sys.stdout.write("The ledger is off by a cent that is nobody's; ledger-drill off takes it away.\n")
        else:
            ledger_drill.switch_off(database)
            sys.stdout.write("No drill is under way in the ledger.\n")


def _user(settings: Settings, options: argparse.Namespace) -> None:
    from fintech.user_command import put_user

    with _database(settings) as database:
        done = put_user(database, options.name, options.role)
    sys.stdout.write(f"{done}\n")


@contextmanager
def _database(settings: Settings) -> Iterator[Database]:
    from fintech.database import Database

    os.umask(0o077)  # a file that SQLite makes holds password hashes
    database = Database(settings.database_url, connections=1)
    try:
        yield database
    finally:
        database.close()


def _in_one_line(error: SQLAlchemyError) -> str:
    """Return what the database itself said; SQLAlchemy's own text goes on with the statement and a link."""
    return " ".join(str(getattr(error, "orig", None) or error).split())


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
