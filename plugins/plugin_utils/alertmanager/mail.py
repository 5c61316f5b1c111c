"""The mail part of Alertmanager's configuration: addresses, parts and headers of a receiver, and the mail server."""

from __future__ import annotations

import re
import ssl
import zoneinfo
from collections.abc import Mapping
from typing import Any

from .errors import AlertmanagerError

_ADDRESS = re.compile(r"^[^@\s<>]+@[^@\s<>]+$")
_HOST_PORT = re.compile(r"^(\[[0-9A-Fa-f:.]+\]|[^\s:/@\[\]]+):[0-9]{1,5}$")
_HEADER = re.compile(r"^[A-Za-z0-9-]+$")
_IMPLICIT_TLS_PORT = "465"  # RFC 8314; Alertmanager begins with TLS there without being told
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def _template(name: str) -> str:
    return f'{{{{ template "promontory.email.{name}" . }}}}'


def _label(name: str) -> str:
    return f'{{{{ with .CommonLabels.{name} }}}}{{{{ template "promontory.email.word" . }}}}{{{{ else }}}}none{{{{ end }}}}'


HEADERS: Mapping[str, str] = {
    "Subject": _template("subject"),
    "X-State": "{{ .Status }}",
    "X-Severity": _template("severity"),
    "X-Team": _label("team"),
    "X-Environment": _label("environment"),
    "X-Service": _label("service"),
    "X-Alert": _label("alertname"),
    "Importance": _template("importance"),
    "X-Priority": _template("priority"),
    # Two members of a cluster that tell the same send the same message.
    "Message-Id": _template("id"),
    # One incident is one thread, also where the program is older than Alertmanager's own `threading` (0.30).
    "In-Reply-To": _template("root"),
    "References": _template("references"),
    "Thread-Topic": _template("topic"),
    # Absence notes and other machines must not answer (RFC 3834; the second one is what Exchange listens to).
    "Auto-Submitted": "auto-generated",
    "X-Auto-Response-Suppress": "OOF, AutoReply",
}
_THREADING = ("In-Reply-To", "References")


def receiver(where: str, mail: Mapping[str, Any]) -> dict[str, Any]:
    """Build one entry of ``email_configs``; a secret stays under its own key (``auth_password``) and becomes a file later.

    Args:
        where: The receiver, for messages.
        mail: Keys as in argument_specs.yml. A header of the user's replaces ours of the same name in any case; an
            empty one leaves ours out.
    Raises:
        AlertmanagerError: See the class.
    """
    to = str(mail.get("to") or "").strip()
    addresses = [address.strip() for address in to.split(",")]
    wrong = [address for address in addresses if not _ADDRESS.match(address)]
    if wrong:
        way_out = "set alertmanager_oncall_email (or email[].to of the receiver) to whom alerts shall reach"
        raise AlertmanagerError(f"{where}: {wrong[0]!r} is no e-mail address; {way_out}.")
    settings = {key: value for key, value in mail.items() if value not in (None, "")}
    if "smarthost" in settings and not _HOST_PORT.match(str(settings["smarthost"])):
        raise AlertmanagerError(
            f"{where}: smarthost is {settings['smarthost']!r}, but must be host:port, such as mail.example.net:587."
        )
    own_threading = bool((settings.get("threading") or {}).get("enabled"))
    headers = _headers(where, settings.pop("headers", None) or {}, own_threading=own_threading)
    return {
        "send_resolved": True,
        "html": _template("html"),
        "text": _template("text"),
        **settings,
        "to": to,
        "headers": headers,
    }


def _headers(where: str, users: Mapping[str, Any], *, own_threading: bool) -> dict[str, str]:
    """Merge the user's headers over ours; Alertmanager refuses a name twice, and References beside its own threading."""
    wrong = [name for name in users if not _HEADER.match(str(name))]
    if wrong:
        raise AlertmanagerError(f"{where}: {wrong[0]!r} is no name of a mail header; letters, digits and '-' make one.")
    replaced = {str(name).lower() for name in users} | (
        {name.lower() for name in _THREADING} if own_threading else set()
    )
    kept = {name: value for name, value in HEADERS.items() if name.lower() not in replaced}
    return kept | {str(name): str(value) for name, value in users.items() if value not in (None, "")}


def smtp(settings: Mapping[str, Any], secrets: dict[str, str]) -> dict[str, Any]:
    """Build the keys of the mail server under ``global``; its password becomes a secret file.

    Args:
        settings: ``smarthost`` (``host``, ``port``, ``require_tls``) and ``smtp``: ``from``, ``hello``, ``username``,
            ``password``, ``implicit_tls``, ``tls_config`` (as in alertmanager.yml), ``ca`` (PEM of whom to trust, which
            the role puts into the tree as ``smtp_ca.pem``), ``timezone``.
        secrets: Gets ``smtp_password``.
    Raises:
        AlertmanagerError: See the class.
    """
    smtp = {key: value for key, value in (settings.get("smtp") or {}).items() if value not in (None, "")}
    smarthost = settings.get("smarthost") or {}
    if not smarthost:
        raise AlertmanagerError(
            "alertmanager_receivers has e-mail, but there is no mail server: "
            "set alertmanager_smtp_smarthost to host:port, or add a host to the group mailbox."
        )
    _require_zone(str(smtp.get("timezone", "UTC")))
    implicit = bool(smtp.get("implicit_tls"))
    encrypted = implicit or bool(smarthost.get("require_tls", True)) or str(smarthost["port"]) == _IMPLICIT_TLS_PORT
    _require_credentials(smtp, str(smarthost["host"]), encrypted=encrypted)
    tls = dict(smtp.get("tls_config") or {})
    if smtp.get("ca"):
        _require_certificates(str(smtp["ca"]))
        tls = {"ca_file": "{config}/smtp_ca.pem", **tls}
    result = {
        "smtp_smarthost": f"{_bracketed(str(smarthost['host']))}:{smarthost['port']}",
        "smtp_require_tls": bool(smarthost.get("require_tls", True)),
        "smtp_force_implicit_tls": True if implicit and str(smarthost["port"]) != _IMPLICIT_TLS_PORT else None,
        "smtp_tls_config": tls or None,
        "smtp_from": smtp.get("from"),
        "smtp_hello": smtp.get("hello"),
        "smtp_auth_username": smtp.get("username"),
    }
    if "password" in smtp:
        secrets["smtp_password"] = str(smtp["password"])
        result["smtp_auth_password_file"] = "{config}/secrets/smtp_password"  # noqa: S105  a path
    return {key: value for key, value in result.items() if value is not None}


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _require_credentials(smtp: Mapping[str, Any], host: str, *, encrypted: bool) -> None:
    """A user needs a password, a password a user, and both a connection that nobody can listen to."""
    if "username" in smtp and "password" not in smtp:
        raise AlertmanagerError(
            f"alertmanager_smtp_username is {smtp['username']!r}, but alertmanager_smtp_password is empty: set it too."
        )
    if "password" in smtp and "username" not in smtp:
        raise AlertmanagerError(
            "alertmanager_smtp_password is set, but alertmanager_smtp_username is empty: set it too."
        )
    if "username" in smtp and not encrypted and host not in _LOOPBACK:
        raise AlertmanagerError(
            f"alertmanager_smtp_username: its password would travel to {host} unencrypted; set alertmanager_smtp_require_tls "
            "to true (for the inventory's mailbox: mailbox_smtp_tls)."
        )


def _require_certificates(pem: str) -> None:
    """Alertmanager reads the file only when it sends, and then sends nothing."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=pem)
    except (ssl.SSLError, ValueError) as error:
        raise AlertmanagerError(f"alertmanager_smtp_ca_file has no certificate in PEM: {error}.") from None


def _require_zone(name: str) -> None:
    """An unknown zone would be read as UTC by Alertmanager, without a word."""
    if name == "UTC":
        return
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise AlertmanagerError(
            f"alertmanager_mail_timezone is {name!r}, but no such time zone is known; write one such as Europe/Berlin or UTC."
        ) from None
