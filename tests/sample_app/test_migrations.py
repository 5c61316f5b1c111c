"""The way of a database to the newest schema: from nothing, from the first release, at once from many sides, never half."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import Connection, event, inspect, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DatabaseError

from fintech.database import MIGRATIONS_PENDING, SCHEMA_REVISION, Database, metadata
from fintech.errors import SchemaMismatch
from fintech.ledger import audit
from fintech.migrations import migrate
from tests.sample_app.conftest import SAMPLE_APP, SECRET_KEY
from tests.sample_app.databases import BOTH_ENGINES

ENGINES = BOTH_ENGINES

HERE = Path(__file__).parent
FIRST_RELEASE_ROWS = {"users": 2, "accounts": 4, "transactions": 5, "postings": 10, "tokens": 1}


@pytest.fixture
def database(empty_database_url: URL) -> Any:
    database = Database(empty_database_url)
    yield database
    database.close()


@pytest.fixture
def first_release(database: Database, engine: str) -> Database:
    """Give a database as the first release left it, with data."""
    script = (HERE / "first_release" / f"{engine}.sql").read_text(encoding="utf-8")
    with database.write() as connection:
        for statement in script.split("\n-- next\n"):
            connection.exec_driver_sql(statement)
    return database


def rows(connection: Connection, table: str) -> list[tuple[object, ...]]:
    return sorted((tuple(row) for row in connection.execute(text(f"SELECT * FROM {table}"))), key=repr)  # noqa: S608


def revision_of(database: Database) -> str | None:
    with database.read() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def told_to_migrate(url: URL, *options: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(SAMPLE_APP),
        "FINTECH_SECRET_KEY": SECRET_KEY,
        "FINTECH_DATABASE_URL": url.render_as_string(hide_password=False),
        **settings,
    }
    return subprocess.run(
        [sys.executable, "-m", "fintech", "migrate", *options], env=environment, capture_output=True, text=True, check=False
    )


def test_an_empty_database_gets_the_tables_of_the_program(database: Database) -> None:
    """Beside them only `tokens`, which the first release uses while it is being replaced."""
    done = migrate(database)

    assert [step.split(":")[0] for step in done] == [
        "Brought the database to revision 0001", "Brought the database to revision 0002",
    ]  # fmt: skip
    with database.read() as connection:
        options = {"compare_server_default": True, "include_name": lambda name, *_: name != "tokens"}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []


def test_a_second_run_does_nothing(database: Database) -> None:
    migrate(database)
    assert migrate(database) == []


def test_a_database_of_the_first_release_keeps_everything_and_takes_new_bookings(
    first_release: Database, make_app: Callable[..., Flask]
) -> None:
    """People log in with the passwords they had, find their money, and what is booked stays booked."""
    with first_release.read() as connection:
        before = {table: rows(connection, table) for table in FIRST_RELEASE_ROWS}
    assert {table: len(found) for table, found in before.items()} == FIRST_RELEASE_ROWS

    done = migrate(first_release)

    assert done[0] == "The database is one of the first release, which is revision 0001."
    assert revision_of(first_release) == SCHEMA_REVISION
    with first_release.read() as connection:
        for table, found in before.items():
            width = len(found[0])
            assert [row[:width] for row in rows(connection, table)] == found
        assert connection.scalar(text("SELECT count(*) FROM users WHERE role = 'user'")) == 2
        assert audit(connection) == []
    for table in ("transactions", "postings"):
        with pytest.raises(DatabaseError, match="append-only"), first_release.write() as connection:
            connection.execute(text(f"DELETE FROM {table}"))  # noqa: S608

    client = make_app(database_url=first_release.engine.url).test_client()
    login = client.post("/api/v1/tokens", json={"username": "ada", "password": "correct horse battery"})
    assert login.status_code == 201, login.text
    headers = {"Authorization": f"Bearer {login.json['access_token']}"}
    listed = client.get("/api/v1/accounts", headers=headers).json["accounts"]
    assert [account["balance"] for account in listed] == ["70.00", "12.34"]
    booked = client.post(
        "/api/v1/deposits", headers=headers, json={"account": listed[0]["number"], "amount": "1.00"}
    )
    assert booked.status_code == 201, booked.text


def test_what_revision_0001_makes_is_what_the_first_release_made(
    first_release: Database, tmp_path: Path, request: pytest.FixtureRequest, engine: str
) -> None:
    """Or else databases that were stamped would differ for ever from those that were migrated."""
    if engine == "sqlite":
        fresh_url = URL.create("sqlite", database=str(tmp_path / "fresh.db"))
    else:
        fresh_url = request.getfixturevalue("postgresql").create_database()
    fresh = Database(fresh_url)
    migrate(fresh)
    migrate(first_release)
    assert described(first_release) == described(fresh)
    fresh.close()


def described(database: Database) -> str:
    """Write a schema down, the order of its parts left out."""
    inspector = inspect(database.engine)
    schema: dict[str, Any] = {}
    for table in sorted(inspector.get_table_names()):
        schema[table] = {
            "columns": [{**column, "type": str(column["type"])} for column in inspector.get_columns(table)],
            "key": inspector.get_pk_constraint(table),
            "foreign": sorted(inspector.get_foreign_keys(table), key=repr),
            "unique": sorted(inspector.get_unique_constraints(table), key=repr),
            "indexes": sorted(inspector.get_indexes(table), key=repr),
            "checks": sorted(inspector.get_check_constraints(table), key=repr),
        }
    triggers = {
        "sqlite": "SELECT sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name",
        "postgresql": "SELECT pg_get_triggerdef(oid) || pg_get_functiondef(tgfoid) FROM pg_trigger "
        "WHERE NOT tgisinternal ORDER BY tgname",
    }
    with database.read() as connection:
        schema["triggers"] = [row[0] for row in connection.exec_driver_sql(triggers[database.engine.dialect.name])]
    return json.dumps(schema, indent=1, default=str)


def test_the_former_release_writes_into_the_new_schema_what_it_always_did(first_release: Database) -> None:
    """A deployment under way, or rolled back: rows that know nothing of the new columns are taken, and sound."""
    migrate(first_release)
    with first_release.write() as connection:
        for statement in (
            "INSERT INTO users (username, password_hash, created_at) VALUES ('eve', 'x', 1)",
            "INSERT INTO tokens (digest, user_id, expires_at) VALUES ('00', 1, 2)",
            "DELETE FROM tokens WHERE expires_at <= 2",
            "INSERT INTO transactions (id, kind, user_id, created_at) VALUES ('t-1', 'deposit', 1, 1), ('t-2', 'deposit', 1, 1)",
            "INSERT INTO postings (transaction_id, account_id, amount_cents, balance_after_cents) "
            "VALUES ('t-1', 1, -5, NULL), ('t-1', 100000000001, 5, 7005), ('t-2', 1, -5, NULL), ('t-2', 100000000001, 5, 7010)",
            "UPDATE accounts SET balance_cents = balance_cents + 10 WHERE id = 100000000001",
        ):
            connection.exec_driver_sql(statement)
    with first_release.read() as connection:
        assert audit(connection) == []


def test_revisions_only_add(database: Database) -> None:
    """Whatever they take away or change, the program before them may be using at this moment."""
    statements: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda c, cur, sql, *_: statements.append(sql.upper()))
    migrate(database)
    assert any("ADD COLUMN" in statement for statement in statements)
    for word in ("DROP ", "RENAME", "ALTER COLUMN", "SET NOT NULL"):
        assert [statement for statement in statements if word in statement] == []


def test_revisions_are_numbered_on_and_the_program_names_the_last_one() -> None:
    """Readiness compares them as text."""
    config = Config()
    config.set_main_option("script_location", "fintech:migrations")
    scripts = list(ScriptDirectory.from_config(config).walk_revisions())
    numbers = [script.revision for script in reversed(scripts)]
    assert numbers == [f"{number:04}" for number in range(1, len(scripts) + 1)]
    assert numbers[-1] == SCHEMA_REVISION
    assert [hasattr(script.module, "downgrade") for script in scripts] == [False] * len(scripts)


def test_four_at_once_make_one_schema(database: Database) -> None:
    """Replicas that start together, or a job that is carried out twice."""
    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(lambda _: told_to_migrate(database.engine.url), range(4)))
    assert [(run.returncode, run.stderr) for run in runs] == [(0, "")] * 4
    assert sorted("up to date" in run.stdout for run in runs) == [False, True, True, True]
    assert revision_of(database) == SCHEMA_REVISION


def test_four_at_once_on_a_database_of_the_first_release(first_release: Database) -> None:
    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(lambda _: told_to_migrate(first_release.engine.url), range(4)))
    assert [(run.returncode, run.stderr) for run in runs] == [(0, "")] * 4
    with first_release.read() as connection:
        assert {table: len(rows(connection, table)) for table in FIRST_RELEASE_ROWS} == FIRST_RELEASE_ROWS


def test_a_database_of_a_newer_program_is_refused_by_migrate_and_good_enough_to_serve(database: Database) -> None:
    """While a deployment is under way the former program meets the new schema, and goes on."""
    migrate(database)
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    run = told_to_migrate(database.engine.url)

    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == (
        f"fintech: the database is at revision 9999, this program knows revisions up to {SCHEMA_REVISION}. "
        "A newer program made it: run that one, or say --newer-is-fine\n"
    )
    assert told_to_migrate(database.engine.url, "--newer-is-fine").returncode == 0, "as a unit on a host says"
    assert revision_of(database) == "9999"
    assert database.why_not_ready() is None


def test_tables_of_somebody_else_are_refused_and_left_alone(database: Database) -> None:
    with database.write() as connection:
        connection.execute(text("CREATE TABLE users (name TEXT)"))
    with pytest.raises(SchemaMismatch, match="has a table users but no accounts, postings, tokens, transactions"):
        migrate(database)
    assert inspect(database.engine).get_table_names() == ["users"]


def test_a_migration_that_fails_leaves_the_database_as_it_was(first_release: Database) -> None:
    """Whole or not at all: a half-made schema could be neither used nor made whole by another run."""
    with first_release.write() as connection:
        connection.execute(text("CREATE TABLE faults (route TEXT)"))  # the last table of revision 0002
    before = described(first_release)
    with pytest.raises(DatabaseError, match="already exists"):
        migrate(first_release)
    assert described(first_release) == before


@pytest.mark.parametrize(
    "prepare",
    [
        pytest.param(lambda database: None, id="no table"),
        pytest.param(
            lambda database: (migrate(database), set_revision(database, "0001")), id="an older revision"
        ),
        pytest.param(lambda database: (migrate(database), set_revision(database, None)), id="no revision"),
    ],
)
def test_a_database_that_is_not_up_to_date_is_not_ready(
    database: Database, prepare: Callable[[Database], object]
) -> None:
    prepare(database)
    assert database.why_not_ready() == MIGRATIONS_PENDING


def set_revision(database: Database, revision: str | None) -> None:
    with database.write() as connection:
        connection.execute(text("DELETE FROM alembic_version"))
        if revision:
            connection.execute(text("INSERT INTO alembic_version VALUES (:revision)"), {"revision": revision})


def test_the_service_says_that_migrations_are_pending_until_they_are_not(
    database: Database, make_app: Callable[..., Flask]
) -> None:
    client = make_app(database_url=database.engine.url).test_client()
    pending = client.get("/readyz")
    migrate(database)
    assert (pending.status_code, pending.json) == (503, {"status": "not ready", "reason": "migrations pending"})
    assert client.get("/readyz").status_code == 200


@pytest.mark.parametrize(
    ("url", "said"),
    [
        pytest.param(
            "postgresql+psycopg://fintech:hush-hush@127.0.0.1:1/fintech", "connection failed", id="nobody listens"
        ),
        pytest.param("sqlite:////nowhere/at/all.db", "unable to open database file", id="no such directory"),
    ],
)
def test_a_database_that_cannot_be_reached_is_one_line_without_the_password(url: str, said: str) -> None:
    run = told_to_migrate(URL.create("sqlite"), FINTECH_DATABASE_URL=url)
    assert run.returncode == 2
    assert said in run.stderr
    assert run.stderr.startswith("fintech: the database ")
    assert run.stderr.count("\n") == 1
    assert "hush-hush" not in run.stdout + run.stderr
