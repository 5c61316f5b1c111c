"""What a PostgreSQL server reads about its users and databases: SQL that may run again and again, and pg_hba.conf."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import re
from collections.abc import Mapping, Sequence
from typing import Any

# PostgreSQL cuts names at 63 bytes; these need no quotes anywhere.
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
# The server's own default (scram_iterations), and RFC 7677's least.
_ITERATIONS = 4096
_USER_KEYS = {"name", "password", "salt", "databases", "member_of", "connection_limit", "from"}
_DATABASE_KEYS = {"name", "owner", "extensions"}
_UNLIMITED = -1


class PostgresqlError(ValueError):
    """A user or a database is not described as it must be; the message never holds a password."""


def files(users: Sequence[Mapping[str, Any]], databases: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return texts by file name: ``objects.sql``, ``passwords.sql`` (a secret) and the lines for ``pg_hba.conf``.

    Args:
        users: name, password, salt, databases (names it may connect to), member_of, connection_limit, from (addresses).
        databases: name, owner, extensions.
    Raises:
        PostgresqlError: Something is missing, unknown, twice there or refers to what is not there.
    """
    told = [_user(f"postgresql_users[{number}]", user) for number, user in enumerate(users)]
    of_databases = [_database(f"postgresql_databases[{number}]", item) for number, item in enumerate(databases)]
    for where, names in (("postgresql_users", _names(told)), ("postgresql_databases", _names(of_databases))):
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise PostgresqlError(f"{where}: {twice[0]} is there twice.")
    for number, database in enumerate(of_databases):
        if database["owner"] not in _names(told):
            raise PostgresqlError(
                f"postgresql_databases[{number}] ({database['name']}): its owner {database['owner']!r} is not in postgresql_users."
            )
    for number, user in enumerate(told):
        for name in user["databases"]:
            if name not in [*_names(of_databases), "postgres"]:
                raise PostgresqlError(
                    f"postgresql_users[{number}] ({user['name']}): its database {name!r} is not in postgresql_databases."
                )
    return {
        "objects.sql": _objects(told, of_databases),
        "passwords.sql": "".join(
            f"ALTER ROLE \"{user['name']}\" PASSWORD '{verifier(user['password'], user['salt'].encode())}';\n"
            for user in told
        ),
        "pg_hba.conf": "".join(line for user in told for line in _hba(user)),
    }


def verifier(password: str, salt: bytes) -> str:
    """Return what the server stores of a password, so that the password itself is never sent to it.

    Args:
        password: Any text. It is not normalised (SASLprep), so ASCII is what is meant to be used.
        salt: 1 or more bytes, kept with the password: the same salt gives the same text.
    Source: RFC 5802, section 3, with SHA-256 (RFC 7677), in the form of PostgreSQL's ``pg_authid.rolpassword``.
    """
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _ITERATIONS)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    stored_key = hashlib.sha256(client_key).digest()
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    parts = [base64.b64encode(part).decode() for part in (salt, stored_key, server_key)]
    return f"SCRAM-SHA-256${_ITERATIONS}:{parts[0]}${parts[1]}:{parts[2]}"


def _names(items: Sequence[Mapping[str, Any]]) -> list[str]:
    return [item["name"] for item in items]


def _user(where: str, user: Mapping[str, Any]) -> dict[str, Any]:
    name = _name(where, user, _USER_KEYS)
    where = f"{where} ({name})"
    for key in ("password", "salt"):
        if not isinstance(user.get(key), str) or not user[key]:
            raise PostgresqlError(f"{where}: give it a {key}, kept with the inventory's secrets.")
    limit = user.get("connection_limit", _UNLIMITED)
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < _UNLIMITED:
        raise PostgresqlError(f"{where}: connection_limit is {limit!r}, but must be a whole number; -1 is no limit.")
    return {
        "name": name,
        "password": user["password"],
        "salt": user["salt"],
        "databases": _list_of_names(where, user, "databases"),
        "member_of": _list_of_names(where, user, "member_of"),
        "connection_limit": limit,
        "from": [_network(where, address) for address in user.get("from") or ()],
    }


def _database(where: str, database: Mapping[str, Any]) -> dict[str, Any]:
    name = _name(where, database, _DATABASE_KEYS)
    return {
        "name": name,
        "owner": str(database.get("owner") or ""),
        "extensions": _list_of_names(f"{where} ({name})", database, "extensions"),
    }


def _name(where: str, item: Mapping[str, Any], keys: set[str]) -> str:
    name = item.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise PostgresqlError(
            f"{where}: its name is {name!r}, but must be lower-case letters, digits and _, 63 at most."
        )
    unknown = sorted(set(item) - keys)
    if unknown:
        raise PostgresqlError(f"{where} ({name}): {unknown[0]} is unknown. Known: {', '.join(sorted(keys))}.")
    return name


def _list_of_names(where: str, item: Mapping[str, Any], key: str) -> list[str]:
    told = item.get(key) or []
    if not isinstance(told, (list, tuple)) or not all(isinstance(name, str) and _NAME.fullmatch(name) for name in told):
        raise PostgresqlError(f"{where}: {key} is {told!r}, but must be a list of names.")
    return list(told)


def _network(where: str, address: Any) -> str:
    """Return a network as pg_hba.conf writes it: an address gets its full length; a host name stays."""
    text = str(address).strip("[]")
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.-]*", text) and not re.fullmatch(r"[0-9.]+", text):
            return text
        raise PostgresqlError(f"{where}: {address!r} in from is no address, no network and no host name.") from None


def _objects(users: Sequence[Mapping[str, Any]], databases: Sequence[Mapping[str, Any]]) -> str:
    lines = [
        "-- Managed by Promontory, role postgresql. It runs after every start and reload, and may do so any number of times."
    ]
    for user in users:
        name = user["name"]
        lines += [
            # Names are letters, digits and _ alone: see _NAME.
            f"SELECT 'CREATE ROLE \"{name}\" LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{name}') \\gexec",  # noqa: S608
            f'ALTER ROLE "{name}" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS '
            f"CONNECTION LIMIT {user['connection_limit']};",
            *(f'GRANT "{role}" TO "{name}";' for role in user["member_of"]),
        ]
    for database in databases:
        name = database["name"]
        lines += [
            f'SELECT \'CREATE DATABASE "{name}" OWNER "{database["owner"]}"\' '  # noqa: S608
            f"WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{name}') \\gexec",
            f'ALTER DATABASE "{name}" OWNER TO "{database["owner"]}";',
            f'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC;',
            *(
                f'GRANT CONNECT ON DATABASE "{name}" TO "{user["name"]}";'
                for user in users
                if name in user["databases"]
            ),
        ]
        if database["extensions"]:
            lines.append(f"\\connect {name}")
            lines += [f'CREATE EXTENSION IF NOT EXISTS "{extension}";' for extension in database["extensions"]]
            lines.append("\\connect postgres")
    return "\n".join(lines) + "\n"


def _hba(user: Mapping[str, Any]) -> list[str]:
    if not user["databases"]:
        return []
    return [f"host {','.join(user['databases'])} {user['name']} {network} scram-sha-256\n" for network in user["from"]]
