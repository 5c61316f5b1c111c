"""The settings, read from one JSON file and checked before anything starts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_KEYS = {"listen", "log_socket", "status_url", "sites", "worker_connections"}


class ConfigError(Exception):
    """A setting is missing or wrong; the message names the file, the key and the value."""


@dataclass(frozen=True)
class Config:
    """How the exporter runs.

    Attributes:
        listen: Address and port of its metrics.
        log_socket: Datagram socket that nginx sends its log to; made here.
        status_url: nginx' status page.
        sites: Names of sites that the log may have.
        worker_connections: Connections that one worker process of nginx can hold.
    """

    listen: tuple[str, int]
    log_socket: Path
    status_url: str
    sites: tuple[str, ...]
    worker_connections: int


def load(path: Path) -> Config:
    """Read the settings.

    Raises:
        ConfigError: The file cannot be read, a key is missing or unknown, or a value is not as it must be.
    """
    try:
        loaded = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: {error}") from error
    if not isinstance(loaded, dict) or set(loaded) != _KEYS:
        found = sorted(loaded) if isinstance(loaded, dict) else type(loaded).__name__
        raise ConfigError(f"{path}: expected the settings {sorted(_KEYS)}, found {found}")
    sites, limit, status_url = loaded["sites"], loaded["worker_connections"], loaded["status_url"]
    if not isinstance(status_url, str) or not status_url.startswith("http://"):
        raise _wrong(path, loaded, "status_url", "an http:// URL of this host")
    if not isinstance(sites, list) or not all(isinstance(site, str) and site for site in sites):
        raise _wrong(path, loaded, "sites", "a list of names")
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
        raise _wrong(path, loaded, "worker_connections", "a whole number above 0")
    return Config(
        listen=_endpoint(path, loaded, "listen"),
        log_socket=_socket(path, loaded, "log_socket"),
        status_url=status_url,
        sites=tuple(sites),
        worker_connections=limit,
    )


def _wrong(path: Path, loaded: dict[str, Any], key: str, expected: str) -> ConfigError:
    return ConfigError(f"{path}: {key} is {loaded[key]!r}, expected {expected}")


def _endpoint(path: Path, loaded: dict[str, Any], key: str) -> tuple[str, int]:
    address, _, port = str(loaded[key]).rpartition(":")
    if not address or not port.isdecimal() or not 0 <= int(port) <= 65535:
        raise _wrong(path, loaded, key, "address:port, such as 127.0.0.1:9180")
    return address.strip("[]"), int(port)


def _socket(path: Path, loaded: dict[str, Any], key: str) -> Path:
    # 108 bytes, the last one 0: unix(7).
    if not isinstance(loaded[key], str) or not loaded[key].startswith("/") or len(loaded[key].encode()) > 107:
        raise _wrong(path, loaded, key, "an absolute path of at most 107 bytes")
    return Path(loaded[key])
