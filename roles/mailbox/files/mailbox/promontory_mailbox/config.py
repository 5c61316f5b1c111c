"""The settings, read from one JSON file and checked before anything starts."""

from __future__ import annotations

import json
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_KEYS = {
    "listen",
    "smtp_listen",
    "data_dir",
    "hostname",
    "max_messages",
    "max_total_bytes",
    "max_message_bytes",
    "smtp_auth",
    "smtp_tls",
}
_OPTIONAL_KEYS = {"smtp_auth", "smtp_tls"}


class ConfigError(Exception):
    """A setting is missing or wrong; the message names the file, the key and the value."""


@dataclass(frozen=True)
class SmtpAuth:
    """The one user who may send; without it everybody may."""

    username: str
    password: str

    def __repr__(self) -> str:
        """Leave the password out of logs and tracebacks."""
        return f"SmtpAuth(username={self.username!r})"


@dataclass(frozen=True)
class SmtpTls:
    """TLS of the SMTP server.

    Attributes:
        context: Certificate and key, loaded.
        implicit: Whether TLS begins with the first byte (as on port 465); else STARTTLS is offered and demanded.
    """

    context: ssl.SSLContext
    implicit: bool


@dataclass(frozen=True)
class Config:
    """How the mailbox runs.

    Attributes:
        listen: Address and port of the page and the API.
        smtp_listen: Address and port of the SMTP server.
        data_dir: Where messages are kept, one .eml file each.
        hostname: The name in the SMTP greeting and in `Received` headers.
        max_messages: Messages kept, at least 1; the oldest go first.
        max_total_bytes: Bytes of messages kept, at least max_message_bytes; the oldest go first.
        max_message_bytes: Largest message taken, at least 1024; a larger one is refused with 552.
        smtp_auth: Who may send, or None.
        smtp_tls: How senders encrypt, or None.
    """

    listen: tuple[str, int]
    smtp_listen: tuple[str, int]
    data_dir: Path
    hostname: str
    max_messages: int
    max_total_bytes: int
    max_message_bytes: int
    smtp_auth: SmtpAuth | None
    smtp_tls: SmtpTls | None


def load(path: Path) -> Config:
    """Read the settings and the password file that they name.

    Raises:
        ConfigError: The file cannot be read, a key is missing or unknown, or a value is out of its range.
    """
    try:
        loaded = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: {error}") from error
    if not isinstance(loaded, dict):
        raise ConfigError(f"{path}: expected a mapping of settings, found {type(loaded).__name__}")
    if unknown := sorted(set(loaded) - _KEYS):
        raise ConfigError(f"{path}: unknown settings {unknown}; known are {sorted(_KEYS)}")
    if missing := sorted(_KEYS - _OPTIONAL_KEYS - set(loaded)):
        raise ConfigError(f"{path}: missing settings {missing}")
    reader = _Reader(path, loaded)
    max_message_bytes = reader.whole_number("max_message_bytes", at_least=1024)
    return Config(
        listen=reader.endpoint("listen"),
        smtp_listen=reader.endpoint("smtp_listen"),
        data_dir=Path(reader.text("data_dir")),
        hostname=reader.text("hostname"),
        max_messages=reader.whole_number("max_messages", at_least=1),
        max_total_bytes=reader.whole_number("max_total_bytes", at_least=max_message_bytes),
        max_message_bytes=max_message_bytes,
        smtp_auth=reader.smtp_auth(),
        smtp_tls=reader.smtp_tls(),
    )


class _Reader:
    """One loaded file; each method reads one kind of value or says what is wrong with it."""

    def __init__(self, path: Path, loaded: dict[str, Any]) -> None:
        self._path = path
        self._loaded = loaded

    def _wrong(self, key: str, expected: str) -> ConfigError:
        return ConfigError(f"{self._path}: {key} is {self._loaded.get(key)!r}, expected {expected}")

    def text(self, key: str) -> str:
        value = self._loaded[key]
        if not isinstance(value, str) or not value.strip():
            raise self._wrong(key, "a text that is not empty")
        return value

    def whole_number(self, key: str, *, at_least: int) -> int:
        value = self._loaded[key]
        if not isinstance(value, int) or isinstance(value, bool) or value < at_least:
            raise self._wrong(key, f"a whole number of at least {at_least}")
        return value

    def endpoint(self, key: str) -> tuple[str, int]:
        address, _, port = self.text(key).rpartition(":")
        if not address or not port.isdecimal() or not 0 <= int(port) <= 65535:
            raise self._wrong(key, "address:port, such as 127.0.0.1:8025")
        return address.strip("[]"), int(port)

    def smtp_auth(self) -> SmtpAuth | None:
        value = self._loaded.get("smtp_auth")
        if value is None:
            return None
        if not isinstance(value, dict) or set(value) != {"username", "password_file"} or not all(value.values()):
            raise self._wrong("smtp_auth", "null or a mapping of username and password_file")
        try:
            password = Path(value["password_file"]).read_text(encoding="utf-8").rstrip("\n")
        except OSError as error:
            raise ConfigError(f"{self._path}: smtp_auth.password_file: {error}") from error
        if not password:
            raise ConfigError(f"{self._path}: smtp_auth.password_file: {value['password_file']} is empty")
        return SmtpAuth(str(value["username"]), password)

    def smtp_tls(self) -> SmtpTls | None:
        value = self._loaded.get("smtp_tls")
        if value is None:
            return None
        if (
            not isinstance(value, dict)
            or not {"cert_file", "key_file"} <= set(value) <= {"cert_file", "key_file", "implicit"}
            or not isinstance(value.get("implicit", False), bool)
        ):
            raise self._wrong("smtp_tls", "null or a mapping of cert_file, key_file and, true or false, implicit")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(value["cert_file"], value["key_file"])
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(
                f"{self._path}: smtp_tls: {value['cert_file']} and {value['key_file']} are no certificate with its key: {error}"
            ) from error
        return SmtpTls(context, implicit=bool(value.get("implicit", False)))
