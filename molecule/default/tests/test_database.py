"""The sample app's data in PostgreSQL: who may read what, and what survives."""

from __future__ import annotations

import shlex
import socket
import uuid

import pytest

from tests.support.asking import Door, StackHost, wait_until

_PSQL = (
    "cd / && release=$(dirname $(dirname $(dirname $(dirname $(readlink /proc/{pid}/exe))))) && "
    "LD_LIBRARY_PATH=$release/../shared {as_user} $(dirname $(readlink /proc/{pid}/exe))/psql --no-psqlrc -At {where} -c {sql}"
)


def psql(host: StackHost, sql: str, *, user: str = "postgres", password: str = "", server: str = "") -> tuple[int, str]:
    """Ask the server over its socket as the superuser, or over TCP as somebody; return exit code and words."""
    pid = host.unit("postgresql", "MainPID")
    where = (
        f"-h {server or '127.0.0.1'} -U {user} -d fintech"
        if password or server
        else "-h /run/postgresql -U postgres -d fintech"
    )
    as_user = (
        f"env PGPASSWORD={password}"
        if password or server
        else "runuser -u postgresql -- env LD_LIBRARY_PATH=$release/../shared"
    )
    done = host.shell.run(_PSQL.format(pid=pid, as_user=as_user, where=where, sql=shlex.quote(sql)))
    return int(done.rc), f"{done.stdout}{done.stderr}".strip()


@pytest.fixture(scope="session")
def monitoring_password(host: StackHost) -> str:
    """What postgres_exporter signs in with, from its own file on the host."""
    return str(host.shell.file("/etc/postgres_exporter/current/config/secrets/password").content_string).strip()


def test_what_people_do_in_the_app_lies_in_the_database(host: StackHost, door: Door) -> None:
    name = f"ada{uuid.uuid4().hex[:8]}"

    answer = host.text(
        "http://127.0.0.1:8000/api/v1/users", f'{{"username": "{name}", "password": "correct horse battery"}}'
    )

    assert name in answer
    assert psql(host, f"SELECT count(*) FROM users WHERE username = '{name}'") == (0, "1")  # noqa: S608 - our own name
    assert door.get("/app/", signed_in=False).status_code == 200


def test_what_was_booked_stays_booked(host: StackHost) -> None:
    code, words = psql(host, "DELETE FROM postings")

    assert code != 0
    assert "postings is append-only" in words


def test_the_server_is_not_there_for_others(host: StackHost) -> None:
    with socket.socket() as knock:
        knock.settimeout(5)
        assert knock.connect_ex((host.address, 5432)) != 0


@pytest.mark.parametrize("user", ["fintech", "postgres_exporter", "postgres", "nobody"])
def test_nobody_comes_in_with_a_wrong_password(host: StackHost, user: str) -> None:
    code, words = psql(host, "SELECT 1", user=user, password="wrong")

    assert code != 0
    assert "password authentication failed" in words or "no pg_hba.conf entry" in words


def test_the_monitoring_user_sees_statistics_and_no_data(host: StackHost, monitoring_password: str) -> None:
    def ask(sql: str) -> tuple[int, str]:
        return psql(host, sql, user="postgres_exporter", password=monitoring_password)

    assert ask("SELECT count(*) > 0 FROM pg_stat_user_tables") == (0, "t")
    for refused in ("SELECT * FROM users", "DELETE FROM accounts", "CREATE TABLE mine (x int)", "CREATE ROLE more"):
        code, words = ask(refused)
        assert code != 0, refused
        assert "permission denied" in words


def test_the_app_user_is_no_superuser_and_owns_one_database(host: StackHost) -> None:
    facts = "SELECT rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls FROM pg_roles WHERE rolname = 'fintech'"
    owned = "SELECT string_agg(datname, ',') FROM pg_database WHERE pg_get_userbyid(datdba) = 'fintech'"

    assert psql(host, facts) == (0, "f|f|f|f|f")
    assert psql(host, owned) == (0, "fintech")


def test_passwords_are_kept_as_verifiers(host: StackHost) -> None:
    stored = "SELECT count(*) FROM pg_authid WHERE rolpassword IS NOT NULL AND rolpassword NOT LIKE 'SCRAM-SHA-256$%'"

    assert psql(host, stored) == (0, "0")


def test_every_collector_works_and_tables_have_statistics(host: StackHost) -> None:
    assert host.value("pg_up") == 1
    assert host.value("pg_exporter_last_scrape_error") == 0
    assert host.query("pg_scrape_collector_success == 0") == []
    assert host.query('pg_stat_user_tables_n_live_tup{relname="accounts"}') != []


def test_a_restart_of_the_server_is_survived_by_the_app_without_one(host: StackHost) -> None:
    app = host.unit("sample_app", "InvocationID")
    before = psql(host, "SELECT count(*) FROM users")

    host.shell.check_output("systemctl restart postgresql")

    wait_until(lambda: host.shell.run("python3 -c %s", _READY).rc == 0, "the app is ready again")
    assert psql(host, "SELECT count(*) FROM users") == before
    assert host.unit("sample_app", "InvocationID") == app


_READY = "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/readyz', timeout=5)"
