"""TLS to the database as the role and the manifests ask for it: encrypted, and to that server only."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL

from tests.sample_app.conftest import SAMPLE_APP, SECRET_KEY
from tests.support.postgresql import PostgreSQL


def make_certificate(directory: Path, name: str) -> tuple[Path, Path]:
    """Make a certificate that vouches for itself, for an address or a host name."""
    certificate, key = directory / "cert.pem", directory / "key.pem"
    kind = "IP" if name.replace(".", "").isdigit() else "DNS"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1",
            "-subj", "/CN=database", "-addext", f"subjectAltName={kind}:{name}", "-out", certificate, "-keyout", key,
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    return certificate, key


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificate(tmp_path_factory.mktemp("server"), "127.0.0.1")


@pytest.fixture(scope="module")
def server(certificate: tuple[Path, Path]) -> Iterator[PostgreSQL]:
    server = PostgreSQL(tls=certificate)
    yield server.start()
    server.remove()


def told_to_migrate(url: URL, **environment: str) -> subprocess.CompletedProcess[str]:
    settings = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(SAMPLE_APP),
        "FINTECH_SECRET_KEY": SECRET_KEY,
        "FINTECH_DATABASE_URL": url.render_as_string(hide_password=False),
    }
    command = [sys.executable, "-m", "fintech", "migrate"]
    return subprocess.run(command, env=settings | environment, capture_output=True, text=True, check=False)


def verified_by(authority: Path) -> dict[str, str]:
    """What the role writes into the unit for sample_app_database_ca_file."""
    return {"PGSSLMODE": "verify-full", "PGSSLROOTCERT": str(authority)}


def test_the_server_with_the_right_certificate_is_talked_to(
    server: PostgreSQL, certificate: tuple[Path, Path]
) -> None:
    run = told_to_migrate(server.create_database(), **verified_by(certificate[0]))
    assert (run.returncode, run.stderr) == (0, "")


def test_the_url_can_ask_for_it_too(server: PostgreSQL, certificate: tuple[Path, Path]) -> None:
    url = server.create_database().update_query_dict({"sslmode": "verify-full", "sslrootcert": str(certificate[0])})
    assert told_to_migrate(url).returncode == 0
    engine = create_engine(url)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")) is True
    engine.dispose()


def test_a_server_that_another_authority_vouches_for_gets_no_password(server: PostgreSQL, tmp_path: Path) -> None:
    other, _ = make_certificate(tmp_path, "127.0.0.1")
    run = told_to_migrate(server.create_database(), **verified_by(other))
    assert run.returncode == 2
    assert "certificate verify failed" in run.stderr


def test_a_server_of_another_name_gets_no_password(server: PostgreSQL, certificate: tuple[Path, Path]) -> None:
    """Every database of a cloud has a certificate of the same authority."""
    run = told_to_migrate(server.create_database().set(host="localhost"), **verified_by(certificate[0]))
    assert run.returncode == 2
    assert 'does not match host name "localhost"' in run.stderr


def test_a_server_without_tls_is_refused(postgresql: PostgreSQL, certificate: tuple[Path, Path]) -> None:
    run = told_to_migrate(postgresql.create_database(), **verified_by(certificate[0]))
    assert run.returncode == 2
    assert "server does not support SSL" in run.stderr
