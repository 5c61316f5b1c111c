"""Moves credentials out of receivers: each becomes a file that the service alone can read, named by the configuration."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .errors import AlertmanagerError

# Integration -> keys that hold a credential; the file's key is the same with `_file`.
# Source: Alertmanager 0.28.1, 0.33.1 and 0.34.0, config/notifiers.go and notify/*/config.go. A key that an older release
# has no file for stands in the role's table of settings, so that it is refused there.
_CREDENTIALS: dict[str, tuple[str, ...]] = {
    "discord_configs": ("webhook_url",),
    "email_configs": ("auth_password", "auth_secret"),
    "incidentio_configs": ("url", "alert_source_token"),
    "mattermost_configs": ("webhook_url",),
    "msteams_configs": ("webhook_url",),
    "msteamsv2_configs": ("webhook_url",),
    "opsgenie_configs": ("api_key",),
    "pagerduty_configs": ("routing_key", "service_key"),
    "pushover_configs": ("user_key", "token"),
    "rocketchat_configs": ("token", "token_id"),
    "slack_configs": ("api_url", "app_token"),
    "telegram_configs": ("bot_token",),
    "victorops_configs": ("api_key",),
    "webhook_configs": ("url",),
    "wechat_configs": ("api_secret",),
}
_HTTP: tuple[tuple[str, ...], ...] = (
    ("basic_auth", "password"),
    ("authorization", "credentials"),
    ("oauth2", "client_secret"),
    ("bearer_token",),
    ("tls_config", "key"),
)
# Under `global`, where a role's variable is the better place.
_GLOBAL = re.compile(r"(password|secret|token|token_id|api_key|slack_api_url|webhook_url)$")
_AWS_FILE = "aws_credentials"


class Vault:
    """Collects the secret files of one configuration.

    Attributes:
        files: ``{file name below secrets/: content}``.
        environment: Variables that the program needs to find them.
    """

    def __init__(self) -> None:
        """Begin without any."""
        self.files: dict[str, str] = {}
        self.environment: dict[str, str] = {}

    def keep(self, name: str, content: str) -> str:
        """Take a credential and return the path that the configuration names it by."""
        self.files[name] = content
        return f"{{config}}/secrets/{name}"

    def keep_aws(self, profile: str, access_key: str, secret_key: str) -> None:
        """Take a key of AWS, for which Alertmanager knows no file: its library reads one by profile."""
        former = self.files.get(_AWS_FILE, "")
        section = f"[{profile}]\naws_access_key_id = {access_key}\naws_secret_access_key = {secret_key}\n"
        self.environment["AWS_SHARED_CREDENTIALS_FILE"] = self.keep(_AWS_FILE, former + section)


def move(receiver: Mapping[str, Any], where: str, vault: Vault) -> dict[str, Any]:
    """Return a receiver whose credentials stand in files.

    Args:
        receiver: As in alertmanager.yml, credentials under their own keys.
        where: The receiver, for messages.
        vault: Takes the files.
    Raises:
        AlertmanagerError: A credential is given twice, or Alertmanager knows no file for it.
    """
    moved = dict(receiver)
    slug = re.sub(r"[^a-z0-9]+", "_", str(receiver["name"]).lower()).strip("_") or "receiver"
    for kind, entries in receiver.items():
        if kind == "name":
            continue
        moved[kind] = [
            _entry(
                kind,
                dict(entry),
                f"{slug}_{kind.removesuffix('_configs')}_{number}",
                f"{where}: {kind}[{number}]",
                vault,
            )
            for number, entry in enumerate(entries)
        ]
    return moved


def require_none_inline(config: Mapping[str, Any], variable: str) -> None:
    """Refuse credentials in free-form settings, which would stand in the configuration and in every diff.

    Raises:
        AlertmanagerError: It names the key and the way out.
    """
    for key, value in (config.get("global") or {}).items():
        if value and _GLOBAL.search(str(key)):
            raise AlertmanagerError(
                f"{variable}: global.{key} is a credential and would be readable in the configuration and in diffs; "
                f"set it in alertmanager_receivers (or the role's alertmanager_smtp_password), or use {key}_file."
            )
    for receiver in config.get("receivers") or []:
        for kind, entries in receiver.items() if isinstance(receiver, Mapping) else ():
            for entry in entries if isinstance(entries, list) else ():
                wrong = _inline(str(kind), entry) if isinstance(entry, Mapping) else ""
                if wrong:
                    raise AlertmanagerError(
                        f"{variable}: {wrong} of {receiver.get('name')!r} is a credential and would be readable in the "
                        "configuration and in diffs; put the receiver into alertmanager_receivers, which makes it a file."
                    )


def _inline(kind: str, entry: Mapping[str, Any]) -> str:
    for key in _CREDENTIALS.get(kind, ()):
        if entry.get(key):
            return f"{kind}.{key}"
    if (entry.get("sigv4") or {}).get("secret_key"):
        return f"{kind}.sigv4.secret_key"
    http = entry.get("http_config") or {}
    for path in _HTTP:
        holder = http if len(path) == 1 else http.get(path[0]) or {}
        if holder.get(path[-1]):
            return f"{kind}.http_config.{'.'.join(path)}"
    return ""


def _entry(kind: str, entry: dict[str, Any], file_name: str, where: str, vault: Vault) -> dict[str, Any]:
    for key in _CREDENTIALS.get(kind, ()):
        if entry.get(key):
            if entry.get(f"{key}_file"):
                raise AlertmanagerError(f"{where}: {key} and {key}_file exclude each other; keep one.")
            entry[f"{key}_file"] = vault.keep(f"{file_name}_{key}", str(entry.pop(key)))
    if (entry.get("sigv4") or {}).get("secret_key"):
        entry["sigv4"] = _aws(dict(entry["sigv4"]), file_name, where, vault)
    if entry.get("http_config"):
        entry["http_config"] = _http(dict(entry["http_config"]), file_name, vault)
    return entry


def _aws(sigv4: dict[str, Any], file_name: str, where: str, vault: Vault) -> dict[str, Any]:
    if not sigv4.get("access_key") or sigv4.get("profile"):
        raise AlertmanagerError(f"{where}: sigv4.secret_key goes with access_key and without profile.")
    sigv4["profile"] = f"promontory_{file_name}"
    vault.keep_aws(sigv4["profile"], str(sigv4.pop("access_key")), str(sigv4.pop("secret_key")))
    return sigv4


def _http(http: dict[str, Any], file_name: str, vault: Vault) -> dict[str, Any]:
    for path in _HTTP:
        holder = http if len(path) == 1 else dict(http.get(path[0]) or {})
        if not holder.get(path[-1]):
            continue
        holder[f"{path[-1]}_file"] = vault.keep(f"{file_name}_{path[-1]}", str(holder.pop(path[-1])))
        if len(path) > 1:
            http[path[0]] = holder
    headers = dict(http.get("http_headers") or {})
    for number, (header, content) in enumerate(headers.items()):
        if isinstance(content, Mapping) and content.get("secrets"):
            names = [
                vault.keep(f"{file_name}_header_{number}_{position}", str(secret))
                for position, secret in enumerate(content["secrets"])
            ]
            rest = {key: value for key, value in content.items() if key != "secrets"}
            headers[header] = {**rest, "files": [*rest.get("files", []), *names]}
    return {**http, "http_headers": headers} if headers else http
