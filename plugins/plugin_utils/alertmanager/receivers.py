"""Receivers from typed data: who is told, by mail, pager, chat or HTTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from . import credentials, mail
from .credentials import Vault
from .errors import AlertmanagerError

HEARTBEAT = "heartbeat"
_SUBJECT = '{{ template "promontory.email.subject" . }}'
_TEXT = '{{ template "promontory.email.text" . }}'
_COLOUR = (
    '{{ if ne .Status "firing" }}good{{ else if eq .CommonLabels.severity "critical" }}danger{{ else }}warning{{ end }}'
)
_PRIORITY = '{{ if eq .CommonLabels.severity "critical" }}P1{{ else if eq .CommonLabels.severity "warning" }}P3{{ else }}P5{{ end }}'
_BEAT_PATH = "/beat/"


def render(receivers: Sequence[Mapping[str, Any]], vault: Vault) -> list[dict[str, Any]]:
    """Build ``receivers`` of the people.

    Args:
        receivers: The variable ``alertmanager_receivers``.
        vault: Takes their credentials.
    Raises:
        AlertmanagerError: One has no name, no address, or one that cannot work.
    """
    rendered = [_receiver(receiver, position, vault) for position, receiver in enumerate(receivers)]
    names = [receiver["name"] for receiver in rendered]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise AlertmanagerError(f"alertmanager_receivers: the name {twice[0]!r} is used twice.")
    return rendered


def heartbeat(url: str, hosts: Sequence[Mapping[str, Any]], token: str, vault: Vault) -> dict[str, Any]:
    """Build the receiver of the Watchdog, which is told that all is well, until it is not.

    Args:
        url: A service outside that expects beats; empty for none.
        hosts: ``url`` and ``ca_file`` of the inventory's own heartbeats.
        token: Names this stack to those.
        vault: Takes the URLs.
    """
    hooks: list[dict[str, Any]] = []
    for number, host in enumerate(hosts):
        if not token:
            raise AlertmanagerError("alertmanager_heartbeat_token is empty; the hosts of the group heartbeat want one.")
        address = str(host["url"]).rstrip("/") + _BEAT_PATH + token
        http = {"http_config": {"tls_config": {"ca_file": host["ca_file"]}}} if host.get("ca_file") else {}
        # An end of the Watchdog means that Prometheus is gone: that is told at once.
        hooks.append({"send_resolved": True, "url_file": vault.keep(f"heartbeat_{number}", address), **http})
    if url:
        _require_http("alertmanager_heartbeat_url", "it", url)
        hooks.append({"send_resolved": False, "url_file": vault.keep(HEARTBEAT, url)})
    # Without any, the Watchdog ends here instead of in somebody's mailbox.
    return {"name": HEARTBEAT, **({"webhook_configs": hooks} if hooks else {})}


def has_address(receiver: Mapping[str, Any]) -> bool:
    """Tell whether a receiver reaches anybody."""
    return any(str(key).endswith("_configs") and value for key, value in receiver.items())


def _receiver(receiver: Mapping[str, Any], position: int, vault: Vault) -> dict[str, Any]:
    name = str(receiver.get("name") or "").strip()
    where = f"alertmanager_receivers[{position}] ({name or 'without name'})"
    if not name:
        raise AlertmanagerError(f"{where}: name is missing.")
    if name == HEARTBEAT:
        raise AlertmanagerError(f"{where}: the name is ours; set alertmanager_heartbeat_url instead.")
    rendered: dict[str, Any] = {"name": name}
    for key, (kind, build) in _KINDS.items():
        entries = [
            build(f"{where}: {key}[{number}]" if key != "email" else where, _given(entry))
            for number, entry in enumerate(receiver.get(key) or [])
        ]
        if entries:
            rendered[kind] = entries
    for key, value in (receiver.get("config") or {}).items():
        if not str(key).endswith("_configs") or not isinstance(value, Sequence) or isinstance(value, str):
            raise AlertmanagerError(
                f"{where}: config.{key} must be a list named as in alertmanager.yml, such as telegram_configs."
            )
        rendered[key] = [*rendered.get(key, []), *value]
    if not has_address(rendered):
        ways = ", ".join([*_KINDS, "config"])
        raise AlertmanagerError(f"{where} has no address: give it one of {ways} (such as telegram_configs).")
    return credentials.move(rendered, where, vault)


def _given(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if value is not None}


def _pagerduty(where: str, entry: dict[str, Any]) -> dict[str, Any]:
    _require_one(where, entry, "routing_key", "routing_key_file", "service_key", "service_key_file")
    severity = "{{ with .CommonLabels.severity }}{{ . }}{{ else }}error{{ end }}"
    return {"send_resolved": True, "description": _SUBJECT, "severity": severity, **entry}


def _opsgenie(where: str, entry: dict[str, Any]) -> dict[str, Any]:
    _require_one(where, entry, "api_key", "api_key_file")
    if "api_url" in entry:
        _require_http(where, "api_url", str(entry["api_url"]))
    return {"send_resolved": True, "message": _SUBJECT, "description": _TEXT, "priority": _PRIORITY, **entry}


def _slack(where: str, entry: dict[str, Any]) -> dict[str, Any]:
    _require_one(where, entry, "api_url", "api_url_file", "app_token", "app_token_file")
    if entry.get("api_url"):
        _require_http(where, "api_url", str(entry["api_url"]))
    elif not entry.get("api_url_file") and not entry.get("channel"):
        raise AlertmanagerError(f"{where}: an app_token needs a channel.")
    return {"send_resolved": True, "title": _SUBJECT, "text": _TEXT, "color": _COLOUR, **entry}


def _msteams(where: str, entry: dict[str, Any]) -> dict[str, Any]:
    _require_one(where, entry, "webhook_url", "webhook_url_file")
    if entry.get("webhook_url"):
        _require_http(where, "webhook_url", str(entry["webhook_url"]))
    return {"send_resolved": True, "title": _SUBJECT, "text": _TEXT, **entry}


def _webhook(where: str, entry: dict[str, Any]) -> dict[str, Any]:
    _require_one(where, entry, "url", "url_file")
    if entry.get("url"):
        _require_http(where, "url", str(entry["url"]))
    return {"send_resolved": True, **entry}


def _sns(where: str, entry: dict[str, Any]) -> dict[str, Any]:
    _require_one(where, entry, "topic_arn", "target_arn", "phone_number")
    if bool(entry.get("access_key")) != bool(entry.get("secret_key")):
        raise AlertmanagerError(
            f"{where}: access_key and secret_key go together; without both, the host's role is used."
        )
    names = ("region", "role_arn", "profile", "access_key", "secret_key")
    sigv4 = {name: entry.pop(name) for name in names if entry.get(name)}
    rest = {key: value for key, value in entry.items() if key not in names}
    return {"send_resolved": True, "subject": _SUBJECT, "message": _TEXT, "sigv4": sigv4, **rest}


def _require_one(where: str, entry: Mapping[str, Any], *keys: str) -> None:
    given = [key for key in keys if entry.get(key)]
    if len(given) == 1:
        return
    if not given:
        raise AlertmanagerError(f"{where} has no address: give {' or '.join(keys)}.")
    raise AlertmanagerError(f"{where}: {' and '.join(given)} exclude each other; keep one.")


def _require_http(where: str, key: str, url: str) -> None:
    if not url.startswith(("http://", "https://")):
        # The value may be a credential, so it is not repeated.
        raise AlertmanagerError(f"{where}: {key} must begin with http:// or https://.")


# Key of alertmanager_receivers -> list in alertmanager.yml, and who builds its entries.
_KINDS: dict[str, tuple[str, Callable[[str, dict[str, Any]], dict[str, Any]]]] = {
    "email": ("email_configs", mail.receiver),
    "pagerduty": ("pagerduty_configs", _pagerduty),
    "opsgenie": ("opsgenie_configs", _opsgenie),
    "slack": ("slack_configs", _slack),
    "msteams": ("msteamsv2_configs", _msteams),
    "webhook": ("webhook_configs", _webhook),
    "sns": ("sns_configs", _sns),
}
