"""The settings, read from the environment once at start; everything wrong with them is one clear message.

| variable | meaning | default |
|---|---|---|
| FINTECH_SECRET_KEY (or _FILE) | signs session cookies; 32 characters or more | none: it must be set |
| FINTECH_ADMIN_TOKEN (or _FILE) | bearer token of /admin; without it /admin does not exist | none |
| FINTECH_DATABASE_URL (or _FILE) | SQLAlchemy URL of the database | sqlite:///fintech.db |
| FINTECH_METRICS_LISTEN | address:port of the metrics listener | 127.0.0.1:9464 |
| FINTECH_METRICS_TLS_CERT, FINTECH_METRICS_TLS_KEY | PEM files; with both, that listener speaks TLS | none |
| FINTECH_TRUSTED_PROXIES | reverse proxies in front whose X-Forwarded-* headers are believed, 0 to 5 | 0 |
| FINTECH_PATH_PREFIX | path below which they serve us, such as /app, said in X-Forwarded-Prefix | none |
| FINTECH_DATABASE_CONNECTIONS | pooled connections of one worker, 1 to 100 | 8 |
| FINTECH_TOKEN_MINUTES | life of an access token, minutes, 1 to 1440 | 15 |
| FINTECH_LOGIN_DAYS | life of a login: its browser session, and its refresh tokens in a row, days, 1 to 90 | 14 |
| FINTECH_LOGIN_LIMIT | failed logins per client address, as the library `limits` writes it | 30/minute |
| FINTECH_REGISTRATION_LIMIT | new users per client address, the same | 60/minute |
| FINTECH_WRITE_LIMIT | requests that move money or open accounts, per user, the same | 100/second |
| FINTECH_DRAIN_S | seconds to answer on, not ready, after SIGTERM, 0 to 300 | 0 |
| FINTECH_LOG_LEVEL | debug, info, warning or error | info |
| FINTECH_REVISION | source revision shown in fintech_build_info | unknown |
"""

from __future__ import annotations

import difflib
import logging
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from limits import RateLimitItem
from limits import parse as parse_limit
from limits import parse_many as parse_limits
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from fintech.errors import ConfigError

_PREFIX = "FINTECH_"
_MAY_BE_FILES = ("SECRET_KEY", "ADMIN_TOKEN", "DATABASE_URL")
_PLAIN = (
    "METRICS_LISTEN", "METRICS_TLS_CERT", "METRICS_TLS_KEY", "TRUSTED_PROXIES", "PATH_PREFIX",
    "DATABASE_CONNECTIONS", "TOKEN_MINUTES", "LOGIN_DAYS", "LOGIN_LIMIT", "REGISTRATION_LIMIT", "WRITE_LIMIT", "DRAIN_S", "LOG_LEVEL",
    "REVISION",
)  # fmt: skip
_KNOWN = frozenset(_PREFIX + name for name in (*_MAY_BE_FILES, *_PLAIN, *(f"{name}_FILE" for name in _MAY_BE_FILES)))
_MIN_SECRET_CHARACTERS = 32
_PATH = re.compile(r"(?:/[A-Za-z0-9._~-]+)+")
_LIMITS = {"LOGIN_LIMIT": "30/minute", "REGISTRATION_LIMIT": "60/minute", "WRITE_LIMIT": "100/second"}
_LIMIT_PARTS_MAX = 10**6  # of requests, and of units of time
_LOG_LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True)
class Settings:
    """All settings of one process; see the table at the top of this module for units and ranges."""

    secret_key: str = field(repr=False)
    database_url: URL
    admin_token: str | None = field(default=None, repr=False)
    metrics_host: str = "127.0.0.1"
    metrics_port: int = 9464
    metrics_tls: ssl.SSLContext | None = None
    trusted_proxies: int = 0
    path_prefix: str | None = None
    database_connections: int = 8
    token_minutes: int = 15
    login_days: int = 14
    login_limit: RateLimitItem = field(default_factory=lambda: parse_limit(_LIMITS["LOGIN_LIMIT"]))
    registration_limit: RateLimitItem = field(default_factory=lambda: parse_limit(_LIMITS["REGISTRATION_LIMIT"]))
    write_limit: RateLimitItem = field(default_factory=lambda: parse_limit(_LIMITS["WRITE_LIMIT"]))
    drain_s: int = 0
    log_level: int = logging.INFO
    revision: str = "unknown"

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """Read and check the settings.

        Raises:
            ConfigError: A variable is missing, unknown or cannot be used; the message names it.
        """
        _refuse_unknown(environ)
        host, port = _listen(environ, "METRICS_LISTEN", "127.0.0.1:9464")
        return cls(
            secret_key=_secret_key(environ),
            database_url=_database_url(environ),
            admin_token=_admin_token(environ),
            metrics_host=host,
            metrics_port=port,
            metrics_tls=_metrics_tls(environ),
            trusted_proxies=_whole(environ, "TRUSTED_PROXIES", 0, least=0, most=5),
            path_prefix=_path_prefix(environ),
            database_connections=_whole(environ, "DATABASE_CONNECTIONS", 8, least=1, most=100),
            token_minutes=_whole(environ, "TOKEN_MINUTES", 15, least=1, most=1440),
            login_days=_whole(environ, "LOGIN_DAYS", 14, least=1, most=90),
            login_limit=_limit(environ, "LOGIN_LIMIT"),
            registration_limit=_limit(environ, "REGISTRATION_LIMIT"),
            write_limit=_limit(environ, "WRITE_LIMIT"),
            drain_s=_whole(environ, "DRAIN_S", 0, least=0, most=300),
            log_level=_log_level(environ),
            revision=environ.get(_PREFIX + "REVISION") or "unknown",
        )


def _refuse_unknown(environ: Mapping[str, str]) -> None:
    for name in sorted(environ):
        if name.startswith(_PREFIX) and name not in _KNOWN:
            close = difflib.get_close_matches(name, _KNOWN, n=1)
            meant = f"Did you mean {close[0]}?" if close else f"Known are {', '.join(sorted(_KNOWN))}."
            raise ConfigError(name, "there is no such setting", meant)


def _value_or_file(environ: Mapping[str, str], short: str) -> str | None:
    """Return the value of FINTECH_<short>, or the content of the file that FINTECH_<short>_FILE names."""
    name, file_name = _PREFIX + short, f"{_PREFIX}{short}_FILE"
    if environ.get(name) and environ.get(file_name):
        raise ConfigError(name, f"both {name} and {file_name} are set", "Remove one of them.")
    path = environ.get(file_name)
    if not path:
        return environ.get(name) or None
    try:
        content = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(file_name, f"cannot read {path}: {reason}", "Name a readable text file.") from error
    if not content:
        raise ConfigError(file_name, f"{path} is empty", "Put the value into it.")
    return content


def _secret_key(environ: Mapping[str, str]) -> str:
    key = _value_or_file(environ, "SECRET_KEY")
    if key is None:
        raise ConfigError(
            "FINTECH_SECRET_KEY",
            "it is not set, and without it session cookies could be forged",
            "Set it, or FINTECH_SECRET_KEY_FILE, to a random text of 32 characters or more "
            "(python3 -c 'import secrets; print(secrets.token_urlsafe(48))').",
        )
    return _usable_secret("FINTECH_SECRET_KEY", key)


def _admin_token(environ: Mapping[str, str]) -> str | None:
    token = _value_or_file(environ, "ADMIN_TOKEN")
    return None if token is None else _usable_secret("FINTECH_ADMIN_TOKEN", token)


def _usable_secret(name: str, secret: str) -> str:
    # Other characters do not survive a header, or a file in another encoding; the message never holds the secret.
    if not secret.isascii() or not secret.isprintable():
        raise ConfigError(
            name, "it has other characters than visible ASCII", "Make a random one of letters and digits."
        )
    if len(secret) < _MIN_SECRET_CHARACTERS:
        raise ConfigError(
            name,
            f"it has {len(secret)} characters, at least {_MIN_SECRET_CHARACTERS} are needed",
            "Make a longer random one.",
        )
    return secret


def _database_url(environ: Mapping[str, str]) -> URL:
    name = "FINTECH_DATABASE_URL"
    try:
        url = make_url(_value_or_file(environ, "DATABASE_URL") or "sqlite:///fintech.db")
    except ArgumentError as error:
        # The text is not repeated: it may hold a password.
        raise ConfigError(name, "it is not a database URL", "Write one such as sqlite:////var/lib/x/x.db.") from error
    if url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:"):
        raise ConfigError(name, "an in-memory SQLite is a different one for each thread", "Name a file.")
    return url


def _listen(environ: Mapping[str, str], short: str, default: str) -> tuple[str, int]:
    text = environ.get(_PREFIX + short) or default
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdigit() or not 0 <= int(port) <= 65535:
        raise ConfigError(_PREFIX + short, f"it is {text!r}", 'Write address:port, such as "127.0.0.1:9464".')
    return host.removeprefix("[").removesuffix("]"), int(port)


def _metrics_tls(environ: Mapping[str, str]) -> ssl.SSLContext | None:
    cert_name, key_name = "FINTECH_METRICS_TLS_CERT", "FINTECH_METRICS_TLS_KEY"
    cert, key = environ.get(cert_name), environ.get(key_name)
    if not cert and not key:
        return None
    if not cert or not key:
        raise ConfigError(
            key_name if cert else cert_name, "it is not set, but the other half is", "Set both or neither."
        )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(cert, key)
    except OSError as error:  # ssl.SSLError is one
        reason = error.strerror or str(error)
        raise ConfigError(
            cert_name, f"cannot use {cert} with {key}: {reason}", "Name a PEM certificate and its own, readable key."
        ) from error
    return context


def _path_prefix(environ: Mapping[str, str]) -> str | None:
    name = _PREFIX + "PATH_PREFIX"
    text = environ.get(name)
    if text and not _PATH.fullmatch(text):
        raise ConfigError(name, f"it is {text!r}", "Write a path such as /app, without a slash at its end.")
    return text or None


def _whole(environ: Mapping[str, str], short: str, default: int, *, least: int, most: int) -> int:
    text = environ.get(_PREFIX + short) or str(default)
    if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
        raise ConfigError(_PREFIX + short, f"it is {text!r}", f"Write a whole number from {least} to {most}.")
    return int(text)


def _limit(environ: Mapping[str, str], short: str) -> RateLimitItem:
    text = environ.get(_PREFIX + short) or _LIMITS[short]
    try:
        limits = parse_limits(text)
    except ValueError:
        limits = []
    # The library also takes several at once, and none at all.
    if len(limits) != 1 or not (1 <= limits[0].amount <= _LIMIT_PARTS_MAX and limits[0].multiples <= _LIMIT_PARTS_MAX):
        raise ConfigError(_PREFIX + short, f"it is {text!r}", 'Write one limit, such as "30/minute" or "10/5 minutes".')
    return limits[0]


def _log_level(environ: Mapping[str, str]) -> int:
    text = environ.get(_PREFIX + "LOG_LEVEL") or "info"
    if text.lower() not in _LOG_LEVELS:
        raise ConfigError(_PREFIX + "LOG_LEVEL", f"it is {text!r}", f"Choose one of {', '.join(_LOG_LEVELS)}.")
    return int(logging.getLevelNamesMapping()[text.upper()])
