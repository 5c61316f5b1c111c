"""The schema's versions, and how a database gets to the newest one.

A new revision is a file in `versions/`, numbered on from the last one. It adds; it takes nothing away that the program
before it uses: while a deployment is under way, or after it was rolled back, that program works on the new schema. For
the same reason there is no way down: rolling back the program needs none, and a downgrade could only destroy what has
been written since.
"""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from fintech.database import Database
from fintech.errors import SchemaMismatch

_FIRST_RELEASE = "0001"
_TABLES_OF_FIRST_RELEASE = frozenset({"users", "tokens", "accounts", "transactions", "postings"})


def migrate(database: Database, *, newer_is_fine: bool = False) -> list[str]:
    """Bring a database to the schema of this program, whole or not at all; safe to run by several at once.

    Args:
        database: Which one.
        newer_is_fine: Leave one that a newer program has brought up to date as it is: revisions only add, so that this
            program can work on it.
    Returns:
        What was done, one sentence each; nothing for a database that is up to date.
    Raises:
        SchemaMismatch: It was made by a newer program, or holds tables that are not ours.
        sqlalchemy.exc.SQLAlchemyError: It cannot be reached, or refuses.
    """
    config = Config()
    config.set_main_option("script_location", "fintech:migrations")
    scripts = ScriptDirectory.from_config(config)
    with database.migration() as connection:
        config.attributes["connection"] = connection
        done = []
        revision = _revision(connection)
        if revision is None and _is_of_first_release(connection):
            command.stamp(config, _FIRST_RELEASE)
            revision = _FIRST_RELEASE
            done.append("The database is one of the first release, which is revision 0001.")
        known = {script.revision for script in scripts.walk_revisions()}
        if revision is not None and revision not in known:
            if newer_is_fine:
                return [f"The database is at revision {revision}, of a newer program, and stays as it is."]
            raise SchemaMismatch(
                f"the database is at revision {revision}, this program knows revisions up to "
                f"{scripts.get_current_head()}. A newer program made it: run that one, or say --newer-is-fine"
            )
        command.upgrade(config, "head")
        for script in reversed(list(scripts.iterate_revisions("head", revision or "base"))):
            done.append(f"Brought the database to revision {script.revision}: {script.doc}.")
    return done


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _is_of_first_release(connection: Connection) -> bool:
    found = _TABLES_OF_FIRST_RELEASE.intersection(inspect(connection).get_table_names())
    if found and found != _TABLES_OF_FIRST_RELEASE:
        missing = _TABLES_OF_FIRST_RELEASE - found
        raise SchemaMismatch(
            f"the database has a table {', '.join(sorted(found))} but no {', '.join(sorted(missing))}, so it is somebody "
            "else's. Name an empty one"
        )
    return bool(found)
