"""A real PostgreSQL for the tests: unpacked, not installed; as an unprivileged user, on a free port, in a place of its own.

It may be killed at any time and has lost nothing; only a machine that loses power would take something with it, unless
the server is asked to be durable.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL

from tests.support import debs
from tests.support.processes import free_port

_SUITE = "bookworm"
_START_LIMIT_S = 30.0
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_SETTINGS = {
    "unix_socket_directories": "",
    "listen_addresses": "127.0.0.1",
    "timezone": "GMT",                  # known without the system's tables of time zones
    "log_timezone": "GMT",
    "jit": "off",
    "max_connections": "200",
    "max_wal_senders": "0",
    "wal_level": "minimal",
}
_NOT_DURABLE = {"fsync": "off", "full_page_writes": "off"}


class PostgreSQL:
    """One server with a cluster of its own, and as many databases as asked for.

    Args:
        tls: Files of a certificate and its key, PEM; without them it speaks no TLS.
        durable: Whether writes are forced to the disk, as they are where the data matter.
    """

    def __init__(self, *, tls: tuple[Path, Path] | None = None, durable: bool = False) -> None:
        self._place = Path(tempfile.mkdtemp(prefix="promontory-postgresql-"))
        self._place.chmod(0o755)
        self._settings = _SETTINGS | {"ssl": "on" if tls else "off"} | ({} if durable else _NOT_DURABLE)
        self._password = secrets.token_urlsafe(16)
        # It refuses to run as root, and a CI's root is all there is there.
        self._user = "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        self._bin, self._libraries = self._unpacked()
        self._data = self._place / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self._initialise()
        for file, name in zip(tls or (), ("server.crt", "server.key"), strict=False):  # where it looks by default
            self._hand_over(Path(shutil.copy(file, self._data / name)))

    def start(self) -> PostgreSQL:
        """Start the server and wait until it answers."""
        deadline = time.monotonic() + _START_LIMIT_S
        while not self._answers():
            if self._process is None or self._process.poll() is not None:
                self._process = self._launch()  # again too: what a killed one left behind may still be ending
            assert time.monotonic() < deadline, self.log
            time.sleep(0.05)
        return self

    def stop(self) -> None:
        """Stop it the fast way: clients are cut off, nothing is lost."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """End it without any warning, as the kernel does when memory runs out."""
        self._end(signal.SIGKILL)

    def remove(self) -> None:
        """Stop it and delete everything."""
        self.stop()
        shutil.rmtree(self._place)

    def create_database(self, *, template: str = "template1") -> URL:
        """Make a database like another one, to which nobody may be connected; return its SQLAlchemy URL."""
        name = f"test_{secrets.token_hex(6)}"
        self._ask(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))
        return self.url(name)

    def drop_database(self, url: URL) -> None:
        """Remove a database, with whoever is connected to it."""
        self._ask(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(str(url.database))))

    def url(self, database: str = "postgres") -> URL:
        """Return the SQLAlchemy URL of a database."""
        return URL.create("postgresql+psycopg", "postgres", self._password, "127.0.0.1", self.port, database)

    @property
    def log(self) -> str:
        """What the server has said so far."""
        path = self._place / "log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def _unpacked(self) -> tuple[Path, Path]:
        release = _release()
        if os.geteuid() == 0:
            # The cache is in root's home, where nobody else comes in.
            own = self._place / "release"
            shutil.copytree(release, own, symlinks=True, ignore=shutil.ignore_patterns("bitcode", "llvmjit*"))
            release = own
        return release / "lib/postgresql/15/bin", release / "shared"

    def _initialise(self) -> None:
        password_file = self._place / "password"
        password_file.write_text(self._password, encoding="utf-8")
        self._data.mkdir(mode=0o700)
        self._hand_over(self._data)
        self._hand_over(password_file)
        subprocess.run(
            [
                self._bin / "initdb", "--pgdata", self._data, "--username=postgres", f"--pwfile={password_file}",
                "--auth=password", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions",
            ],
            check=True, capture_output=True, user=self._user, env=self._environment(), cwd="/",
        )  # fmt: skip
        password_file.unlink()

    def _hand_over(self, path: Path) -> None:
        shutil.chown(path, self._user)
        path.chmod(0o700 if path.is_dir() else 0o600)

    def _launch(self) -> subprocess.Popen[bytes]:
        options = [f"-c{name}={value}" for name, value in self._settings.items()]
        with (self._place / "log").open("ab") as log:
            return subprocess.Popen(
                [self._bin / "postgres", "-D", self._data, "-p", str(self.port), *options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, user=self._user, env=self._environment(), cwd="/",
                start_new_session=True,  # Ctrl-C is for the tests, which then end it themselves
                preexec_fn=_end_with_its_parent,
            )  # fmt: skip

    def _environment(self) -> dict[str, str]:
        return {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "GMT", "LD_LIBRARY_PATH": str(self._libraries)}

    def _end(self, signum: int) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signum)
            self._process.wait(timeout=30)
            self._process = None

    def _answers(self) -> bool:
        try:
            psycopg.connect(self._conninfo(), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def _ask(self, statement: sql.Composed) -> None:
        with psycopg.connect(self._conninfo(), autocommit=True) as connection:
            connection.execute(statement)

    def _conninfo(self) -> str:
        return self.url().set(drivername="postgresql").render_as_string(hide_password=False)


def _end_with_its_parent() -> None:
    """Ask the kernel to stop this process when the tests are killed and cannot."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)


@functools.cache
def _release() -> Path:
    return debs.release("postgresql", _SUITE).directory  # reading a suite's index takes seconds
