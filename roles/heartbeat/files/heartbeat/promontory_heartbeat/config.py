"""The settings, read from one JSON file and checked before anything starts."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_KEYS = {"listen", "token_file", "state_file", "watches", "silence_s", "repeat_s", "alertmanager_url", "runbook_url", "smtp"}
_SMTP_KEYS = {"smarthost", "tls", "from", "to", "hello", "username", "password_file"}
_TLS = ("none", "starttls", "implicit")


class ConfigError(Exception):
    """A setting is missing or wrong; the message names the file, the key and the value."""


@dataclass(frozen=True)
class Smtp:
    """The way of its mails.

    Attributes:
        tls: ``none``, ``starttls`` (required, not merely tried) or ``implicit``.
        recipients: Addresses, one or more.
        hello: Name in the greeting; "" is the host's own.
        username: "" sends without authentication.
    """

    host: str
    port: int
    tls: str
    sender: str
    recipients: tuple[str, ...]
    hello: str = ""
    username: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True)
class Config:
    """How the heartbeat watcher runs.

    Attributes:
        listen: Address and port of the page and of the beats.
        token: Last part of the URL that beats go to; who does not know it cannot feign a beat.
        state_file: What people were told already, for the next start.
        watches: Environments (label `environment` of the Watchdog) that must give signs of life.
        silence_s: Seconds without a beat after which people are told, at least 5.
        repeat_s: Seconds after which they are told again, at least silence_s.
        alertmanager_url: Where the mail sends people first; "" leaves the link out.
        runbook_url: Link of the mail; "" leaves it out.
    """

    listen: tuple[str, int]
    token: str = field(repr=False)
    state_file: Path
    watches: tuple[str, ...]
    silence_s: int
    repeat_s: int
    alertmanager_url: str
    runbook_url: str
    smtp: Smtp


def load(path: Path) -> Config:
    """Read the settings and the files of secrets that they name.

    Raises:
        ConfigError: The file cannot be read, a key is missing or unknown, or a value is out of its range.
    """
    try:
        loaded = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: {error}") from error
    reader = _Reader(path, "", loaded, _KEYS)
    silence_s = reader.whole_number("silence_s", at_least=5)
    return Config(
        listen=reader.endpoint("listen"),
        token=reader.secret("token_file"),
        state_file=Path(reader.text("state_file")),
        watches=reader.texts("watches"),
        silence_s=silence_s,
        repeat_s=reader.whole_number("repeat_s", at_least=silence_s),
        alertmanager_url=reader.text("alertmanager_url", may_be_empty=True),
        runbook_url=reader.text("runbook_url", may_be_empty=True),
        smtp=_smtp(_Reader(path, "smtp.", loaded["smtp"], _SMTP_KEYS)),
    )


def _smtp(reader: _Reader) -> Smtp:
    host, port = reader.endpoint("smarthost")
    username = reader.text("username", may_be_empty=True)
    return Smtp(
        host=host,
        port=port,
        tls=reader.choice("tls", _TLS),
        sender=reader.text("from"),
        recipients=reader.texts("to"),
        hello=reader.text("hello", may_be_empty=True),
        username=username,
        password=reader.secret("password_file") if username else "",
    )


class _Reader:
    """One mapping of the file; each method reads one kind of value or says what is wrong with it."""

    def __init__(self, path: Path, prefix: str, loaded: Any, keys: set[str]) -> None:
        self._path, self._prefix, self._loaded = path, prefix, loaded
        if not isinstance(loaded, dict):
            raise ConfigError(f"{path}: {prefix.rstrip('.') or 'it'} is {type(loaded).__name__}, expected a mapping")
        if unknown := sorted(set(loaded) - keys):
            raise ConfigError(f"{path}: unknown settings {[prefix + key for key in unknown]}")
        if missing := sorted(keys - set(loaded)):
            raise ConfigError(f"{path}: missing settings {[prefix + key for key in missing]}")

    def _wrong(self, key: str, expected: str) -> ConfigError:
        return ConfigError(f"{self._path}: {self._prefix}{key} is {self._loaded[key]!r}, expected {expected}")

    def text(self, key: str, *, may_be_empty: bool = False) -> str:
        value = self._loaded[key]
        if not isinstance(value, str) or not (value.strip() or may_be_empty):
            raise self._wrong(key, "a text" if may_be_empty else "a text that is not empty")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        value = self._loaded[key]
        if not isinstance(value, list) or not value or not all(isinstance(item, str) and item.strip() for item in value):
            raise self._wrong(key, "a list of texts, one or more")
        return tuple(value)

    def choice(self, key: str, choices: tuple[str, ...]) -> str:
        value = self._loaded[key]
        if value not in choices:
            raise self._wrong(key, f"one of {', '.join(choices)}")
        return str(value)

    def whole_number(self, key: str, *, at_least: int) -> int:
        value = self._loaded[key]
        if not isinstance(value, int) or isinstance(value, bool) or value < at_least:
            raise self._wrong(key, f"a whole number of at least {at_least}")
        return value

    def endpoint(self, key: str) -> tuple[str, int]:
        address, _, port = self.text(key).rpartition(":")
        if not address or not port.isdecimal() or not 0 <= int(port) <= 65535:
            raise self._wrong(key, "address:port, such as 127.0.0.1:9095")
        return address.strip("[]"), int(port)

    def secret(self, key: str) -> str:
        path = Path(self.text(key))
        try:
            secret = path.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigError(f"{self._path}: {self._prefix}{key}: {error}") from error
        if not secret:
            raise ConfigError(f"{self._path}: {self._prefix}{key}: {path} is empty")
        return secret
