"""Grafana's database: its section of grafana.ini, its secrets, and how it is backed up before an upgrade."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import GrafanaError

_PORTS = {"postgres": 5432, "mysql": 3306}
_PASSWORD_FILE = "database_password"  # noqa: S105 - a file name


@dataclass(frozen=True)
class Database:
    """What a database adds to the component.

    Attributes:
        ini: Section ``[database]``.
        secrets: ``{file name below secrets/: content}``.
        backup: The component's ``data_backup``; empty for none.
    """

    ini: dict[str, Any]
    secrets: dict[str, str] = field(default_factory=dict)
    backup: dict[str, Any] = field(default_factory=dict)


def describe(told: Mapping[str, Any], *, backup: bool, keep: int) -> Database:
    """Describe a database.

    Args:
        told: ``grafana_database``: ``type`` and, for a server, ``host``, ``name``, ``user``, ``password``, ``ssl_mode``,
            ``ca_file`` and ``max_open_connections``.
        backup: Whether it is backed up before another version runs on it.
        keep: How many backups stay.
    Raises:
        GrafanaError: The type is unknown, or a server has no host.
    """
    kind = str(told.get("type") or "")
    if kind == "sqlite3":
        ini = {"type": kind, "path": "{data}/grafana.db", "wal": True}
        return Database(ini, backup={"files": ["{data}/grafana.db"], "keep": keep} if backup else {})
    if kind not in _PORTS:
        raise GrafanaError(f"grafana_database.type is {kind!r}, but must be one of sqlite3, {', '.join(_PORTS)}.")
    address = str(told.get("host") or "")
    if not address:
        raise GrafanaError(
            f"grafana_database of type {kind} has no host. Write its address, such as db1:{_PORTS[kind]}."
        )
    host, port = _split(address, _PORTS[kind])
    name, user, password = (
        str(told.get(key) or default) for key, default in (("name", "grafana"), ("user", "grafana"), ("password", ""))
    )
    ini = {
        "type": kind,
        "host": address,
        "name": name,
        "user": user,
        "password": f"$__file{{{{config}}/secrets/{_PASSWORD_FILE}}}" if password else None,
        "ssl_mode": told.get("ssl_mode") or ("disable" if kind == "postgres" else "false"),
        "ca_cert_path": told.get("ca_file"),
        "max_open_conn": told.get("max_open_connections"),
    }
    secrets = {_PASSWORD_FILE: password} if password else {}
    if not backup:
        return Database(ini, secrets)
    if kind == "postgres":
        secrets["pgpass"] = f"*:*:*:*:{_pgpass(password)}\n"
        command = ["pg_dump", "--format=custom", "--no-password", "--file={backup}", f"--host={host}", f"--port={port}",
                   f"--username={user}", name]  # fmt: skip
        environment = {"PGPASSFILE": "{config}/secrets/pgpass", "PGSSLMODE": str(ini["ssl_mode"])}
        return Database(ini, secrets, {"command": command, "environment": environment, "keep": keep})
    secrets["my.cnf"] = f'[client]\npassword="{_mycnf(password)}"\n'
    command = ["mysqldump", "--defaults-extra-file={config}/secrets/my.cnf", "--single-transaction", "--result-file={backup}",
               f"--host={host}", f"--port={port}", f"--user={user}", name]  # fmt: skip
    return Database(ini, secrets, {"command": command, "keep": keep})


def _split(address: str, default: int) -> tuple[str, int]:
    """Part an address from its port; IPv6 addresses with a port stand in brackets."""
    host, _, port = address.rpartition(":")
    if host and port.isdigit() and (":" not in host or host.startswith("[")):
        return host.strip("[]"), int(port)
    return address.strip("[]"), default


def _pgpass(password: str) -> str:
    """Write a password as the last field of a line of .pgpass (PostgreSQL: The Password File)."""
    return password.replace("\\", "\\\\").replace(":", "\\:")


def _mycnf(password: str) -> str:
    """Write a password between double quotes in an option file (MySQL: Using Option Files)."""
    return password.replace("\\", "\\\\").replace('"', '\\"')
