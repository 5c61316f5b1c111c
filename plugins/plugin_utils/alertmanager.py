"""Alertmanager's configuration from typed data: receivers, the route tree, inhibition.

Go templates stay plain text here; nothing of what this module returns is templated by Ansible again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

HEARTBEAT = "heartbeat"
_ADDRESS = re.compile(r"^[^@\s<>]+@[^@\s<>]+$")
_SEVERITIES = ("critical", "warning", "info")
_MAIL = {
    "headers": {
        "Subject": '{{ template "promontory.email.subject" . }}',
        "Auto-Submitted": "auto-generated",
        "X-Severity": "{{ .CommonLabels.severity }}",
    },
    "html": '{{ template "promontory.email.html" . }}',
    "text": '{{ template "promontory.email.text" . }}',
}


class AlertmanagerError(ValueError):
    """The variables of the role do not make a configuration; the message names the variable and the value."""


@dataclass(frozen=True)
class Rendered:
    """What the role deploys.

    Attributes:
        config: alertmanager.yml.
        secrets: ``{file name below secrets/: content}``.
    """

    config: dict[str, Any]
    secrets: dict[str, str] = field(default_factory=dict)


def render(settings: Mapping[str, Any]) -> Rendered:
    """Build the configuration.

    Args:
        settings: The role's variables without their prefix: ``receivers``, ``default_receiver``,
            ``routes``, ``group_by``, ``severities`` (``{severity: route settings}``), ``repeat_interval``,
            ``heartbeat_url``, ``inhibit_rules``, ``time_intervals``, ``smtp`` and, from the topology, ``smarthost``.
    Raises:
        AlertmanagerError: See the class.
    """
    secrets: dict[str, str] = {}
    receivers = [_receiver(receiver, position, secrets) for position, receiver in enumerate(settings["receivers"])]
    names = [receiver["name"] for receiver in receivers]
    _require_names(names, settings)
    uses_mail = any("email_configs" in receiver for receiver in receivers)
    receivers.append(_heartbeat(str(settings.get("heartbeat_url") or ""), secrets))
    config = {
        "global": _smtp(settings, secrets) if uses_mail else None,
        "templates": ["templates/*.tmpl"],
        "route": _route(settings),
        "receivers": receivers,
        "inhibit_rules": list(settings.get("inhibit_rules") or []),
        "time_intervals": list(settings.get("time_intervals") or []),
    }
    return Rendered(config={key: value for key, value in config.items() if value}, secrets=secrets)


def _receiver(receiver: Mapping[str, Any], position: int, secrets: dict[str, str]) -> dict[str, Any]:
    name = str(receiver.get("name") or "").strip()
    where = f"alertmanager_receivers[{position}] ({name or 'without name'})"
    if not name:
        raise AlertmanagerError(f"{where}: name is missing.")
    if name == HEARTBEAT:
        raise AlertmanagerError(f"{where}: the name is ours; set alertmanager_heartbeat_url instead.")
    rendered: dict[str, Any] = {"name": name}
    mails = [_email(where, mail) for mail in receiver.get("email") or []]
    hooks = [
        _webhook(where, hook, f"webhook_{position}_{number}", secrets)
        for number, hook in enumerate(receiver.get("webhook") or [])
    ]
    if mails:
        rendered["email_configs"] = mails
    if hooks:
        rendered["webhook_configs"] = hooks
    for key, value in (receiver.get("config") or {}).items():
        if not str(key).endswith("_configs") or not isinstance(value, Sequence) or isinstance(value, str):
            raise AlertmanagerError(
                f"{where}: config.{key} must be a list named as in alertmanager.yml, such as slack_configs."
            )
        rendered[key] = [*rendered.get(key, []), *value]
    if not any(value for key, value in rendered.items() if key != "name"):
        raise AlertmanagerError(f"{where} has no address: give it email, webhook or config (such as slack_configs).")
    return rendered


def _email(where: str, mail: Mapping[str, Any]) -> dict[str, Any]:
    to = str(mail.get("to") or "").strip()
    addresses = [address.strip() for address in to.split(",")]
    wrong = [address for address in addresses if not _ADDRESS.match(address)]
    if wrong:
        way_out = "set alertmanager_oncall_email (or email[].to of the receiver) to whom alerts shall reach"
        raise AlertmanagerError(f"{where}: {wrong[0]!r} is no e-mail address; {way_out}.")
    settings = {key: value for key, value in mail.items() if value not in (None, "")}
    headers = {**_MAIL["headers"], **dict(settings.pop("headers", {}) or {})}
    return {
        "send_resolved": True,
        "html": _MAIL["html"],
        "text": _MAIL["text"],
        **settings,
        "to": to,
        "headers": headers,
    }


def _webhook(where: str, hook: Mapping[str, Any], file_name: str, secrets: dict[str, str]) -> dict[str, Any]:
    settings = {key: value for key, value in hook.items() if value is not None}
    url = str(settings.pop("url", "") or "")
    if not url.startswith(("http://", "https://")):
        raise AlertmanagerError(f"{where}: webhook url must begin with http:// or https://.")
    secrets[file_name] = url  # the URL is the credential of most hooks
    return {"send_resolved": True, **settings, "url_file": f"{{config}}/secrets/{file_name}"}


def _heartbeat(url: str, secrets: dict[str, str]) -> dict[str, Any]:
    if not url:
        return {"name": HEARTBEAT}  # the Watchdog then ends here instead of in somebody's mailbox
    return {
        "name": HEARTBEAT,
        "webhook_configs": [
            {**_webhook("alertmanager_heartbeat_url", {"url": url}, HEARTBEAT, secrets), "send_resolved": False}
        ],
    }


def _require_names(names: Sequence[str], settings: Mapping[str, Any]) -> None:
    twice = sorted({name for name in names if list(names).count(name) > 1})
    if twice:
        raise AlertmanagerError(f"alertmanager_receivers: the name {twice[0]!r} is used twice.")
    known = {*names, HEARTBEAT}
    default = str(settings["default_receiver"])
    if default not in known:
        raise AlertmanagerError(
            f"alertmanager_default_receiver: {default!r} is not one of alertmanager_receivers ({', '.join(names)})."
        )
    for variable, routes in (
        ("alertmanager_routes", settings.get("routes") or []),
        ("alertmanager_severities", [*_severities(settings).values()]),
    ):
        for receiver in _receivers_of(routes):
            if receiver not in known:
                raise AlertmanagerError(
                    f"{variable}: the receiver {receiver!r} is not one of alertmanager_receivers ({', '.join(names)})."
                )


def _receivers_of(routes: Sequence[Mapping[str, Any]]) -> list[str]:
    found = []
    for route in routes:
        if route.get("receiver"):
            found.append(str(route["receiver"]))
        found += _receivers_of(route.get("routes") or [])
    return found


def _severities(settings: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    severities = dict(settings.get("severities") or {})
    unknown = sorted(set(severities) - set(_SEVERITIES))
    if unknown:
        raise AlertmanagerError(f"alertmanager_severities: {unknown[0]!r} is not one of {', '.join(_SEVERITIES)}.")
    return severities


def _route(settings: Mapping[str, Any]) -> dict[str, Any]:
    default = str(settings["default_receiver"])
    synthetic = {
        "receiver": default,
        "matchers": ['route="synthetic"'],
        "group_by": ["alertname", "token"],  # each proof travels alone and at once
        "group_wait": "0s",
        "group_interval": "5s",
        "repeat_interval": "24h",
    }
    heartbeat = {
        "receiver": HEARTBEAT,
        "matchers": ['route="heartbeat"'],
        "group_by": ["alertname"],
        "group_wait": "0s",
        "group_interval": "1m",
        "repeat_interval": "1m",  # who listens for it notices silence within minutes
    }
    severities = _severities(settings)
    by_severity = [
        {"matchers": [f'severity="{name}"'], **severities[name]} for name in _SEVERITIES if name in severities
    ]
    return {
        "receiver": default,
        "group_by": list(settings["group_by"]),
        "group_wait": settings["group_wait"],
        "group_interval": settings["group_interval"],
        "repeat_interval": settings["repeat_interval"],
        "routes": [synthetic, heartbeat, *(settings.get("routes") or []), *by_severity],
    }


def _smtp(settings: Mapping[str, Any], secrets: dict[str, str]) -> dict[str, Any]:
    smtp = {key: value for key, value in (settings.get("smtp") or {}).items() if value not in (None, "")}
    smarthost = settings.get("smarthost") or {}
    if not smarthost:
        raise AlertmanagerError(
            "alertmanager_receivers has e-mail, but there is no mail server: "
            "set alertmanager_smtp_smarthost to host:port, or add a host to the group mailbox."
        )
    result = {
        "smtp_smarthost": f"{smarthost['host']}:{smarthost['port']}",
        "smtp_require_tls": bool(smarthost.get("require_tls", True)),
        "smtp_from": smtp.get("from"),
        "smtp_hello": smtp.get("hello"),
        "smtp_auth_username": smtp.get("username"),
    }
    if "password" in smtp:
        secrets["smtp_password"] = str(smtp["password"])
        result["smtp_auth_password_file"] = "{config}/secrets/smtp_password"  # noqa: S105  a path
    return {key: value for key, value in result.items() if value is not None}
