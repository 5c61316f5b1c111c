"""Databases for these tests: SQLite always, and a real PostgreSQL beside it for the modules that ask for both.

A module that says `ENGINES = BOTH_ENGINES` has each of its tests that needs a database run on either.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import URL, make_url

from fintech.database import Database
from fintech.migrations import migrate
from tests.support.postgresql import PostgreSQL

BOTH_ENGINES = ("sqlite", "postgresql")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the tests of a module on each of its ENGINES."""
    engines = getattr(metafunc.module, "ENGINES", ())
    if engines and "engine" in metafunc.fixturenames:
        metafunc.parametrize("engine", engines, indirect=True, scope="function")


def bring_up_to_date(url: URL | str) -> None:
    """Migrate a database; as `python -m fintech migrate` does, without the price of another process."""
    database = Database(make_url(url))
    try:
        migrate(database)
    finally:
        database.close()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """Give a running server; tests that stop it start one of their own."""
    server = PostgreSQL()
    yield server.start()
    server.remove()


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "fintech.db"
    bring_up_to_date(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def _postgresql_template(postgresql: PostgreSQL) -> str:
    url = postgresql.create_database()
    bring_up_to_date(url)
    return str(url.database)


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> str:
    """Name the engine of this test's databases."""
    return getattr(request, "param", "sqlite")


@pytest.fixture
def empty_database_url(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[URL]:
    """Give a database without any table."""
    if engine == "sqlite":
        yield make_url(f"sqlite:///{tmp_path}/empty.db")
        return
    server: PostgreSQL = request.getfixturevalue("postgresql")
    url = server.create_database()
    yield url
    server.drop_database(url)


@pytest.fixture
def database_url(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[URL]:
    """Give a database that is up to date and holds nothing yet: a copy of one that was migrated once."""
    if engine == "sqlite":
        path = tmp_path / "fintech.db"
        shutil.copy(request.getfixturevalue("_sqlite_template"), path)
        yield make_url(f"sqlite:///{path}")
        return
    server: PostgreSQL = request.getfixturevalue("postgresql")
    url = server.create_database(template=request.getfixturevalue("_postgresql_template"))
    yield url
    server.drop_database(url)
