"""``remote_write`` of Prometheus from typed data: credentials leave the configuration and become files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit


class RemoteWriteError(ValueError):
    """An entry of ``prometheus_remote_write`` makes no sense; the message names it."""


@dataclass(frozen=True)
class RemoteWrite:
    """What goes into prometheus.yml, and the secrets it names.

    Attributes:
        config: The list under ``remote_write``.
        secrets: ``{file name below secrets/: content}``.
    """

    config: list[dict[str, Any]] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict)


def render(entries: Sequence[Mapping[str, Any]]) -> RemoteWrite:
    """Turn the variable into configuration and secrets.

    Args:
        entries: Prometheus' own form; ``basic_auth.password`` and ``authorization.credentials`` are
            moved to files beside the configuration; ``{config}`` stands for its directory.
    Raises:
        RemoteWriteError: An entry has no usable URL, two ways of signing in, or a name twice.
    """
    rendered = RemoteWrite()
    names: set[str] = set()
    for position, entry in enumerate(entries):
        settings = {key: value for key, value in entry.items() if value is not None}
        name = str(settings.get("name") or f"remote_write_{position}")
        where = f"prometheus_remote_write[{position}] ({settings.get('url', 'without url')})"
        if urlsplit(str(settings.get("url", ""))).scheme not in ("http", "https"):
            raise RemoteWriteError(f"{where}: url must begin with http:// or https://.")
        if name in names:
            raise RemoteWriteError(f"{where}: the name {name!r} is taken by another entry.")
        names.add(name)
        ways = [
            way
            for way in ("basic_auth", "authorization", "sigv4", "oauth2", "azuread", "google_iam")
            if settings.get(way)
        ]
        if len(ways) > 1:
            raise RemoteWriteError(f"{where}: {' and '.join(ways)} exclude each other; keep one.")
        for way, value_key, file_key in (
            ("basic_auth", "password", "password_file"),
            ("authorization", "credentials", "credentials_file"),
        ):
            signing = dict(settings.get(way) or {})
            if value_key in signing:
                file_name = f"remote_write_{position}_{value_key}"
                rendered.secrets[file_name] = str(signing.pop(value_key))
                signing[file_key] = f"{{config}}/secrets/{file_name}"
                settings[way] = signing
        rendered.config.append(settings)
    return rendered
