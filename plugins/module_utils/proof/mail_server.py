"""Whether the mail server would take mail from this host; nothing is sent."""

from __future__ import annotations

import base64
import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.promontory.stack.plugins.module_utils.proof.finding import Finding

_TIMEOUT_S = 10
_IMPLICIT_TLS_PORT = 465


@dataclass
class MailServer:
    """Goes as far as a sender goes before the first recipient, with what Alertmanager goes with.

    Attributes:
        host: Name or address.
        port: TCP port.
        sender: Address that mails come from.
        require_tls: Whether STARTTLS must be offered and is then used.
        implicit_tls: Whether TLS begins with the first byte; port 465 has it anyway.
        tls: ``ca_file``, ``server_name`` and ``insecure_skip_verify``, as in alertmanager.yml's tls_config.
        username: Name at the server; empty for none.
        password_file: File on the host; never part of a finding.
    """

    host: str
    port: int
    sender: str
    require_tls: bool = True
    implicit_tls: bool = False
    tls: Mapping[str, Any] | None = None
    username: str = ""
    password_file: str = ""
    name: str = "mail server"
    look: str = "journalctl -u alertmanager -n 50 --no-pager"

    def find(self) -> Finding:
        """Look once."""
        steps = []
        try:
            with self._connect() as client:
                steps.append("answers")
                client.ehlo_or_helo_if_needed()
                if self.is_implicit or self.require_tls:
                    steps.append("speaks TLS")
                if self.username:
                    self._sign_in(client)
                    steps.append("knows our password")
                code, said = client.mail(self.sender)
                if code >= 400:
                    raise smtplib.SMTPSenderRefused(code, said, self.sender)
                steps.append(f"takes {self.sender}")
                client.rset()
        except (OSError, ValueError) as error:
            far = f" (it {', '.join(steps)})" if steps else ""
            return Finding(self.name, ok=False, detail=f"{self.host}:{self.port}: {_reason(error)}{far}", look=self.look)
        return Finding(self.name, ok=True, detail=f"{self.host}:{self.port} {', '.join(steps)}")

    @property
    def is_implicit(self) -> bool:
        """Whether the first byte is TLS."""
        return self.implicit_tls or self.port == _IMPLICIT_TLS_PORT

    def _connect(self) -> smtplib.SMTP:
        server_name = str((self.tls or {}).get("server_name") or self.host)
        if self.is_implicit:
            secured = _Secured(server_name, context=self._context(), timeout=_TIMEOUT_S)
            secured.connect(self.host, self.port)
            return secured
        client = smtplib.SMTP(self.host, self.port, timeout=_TIMEOUT_S)
        if self.require_tls:
            client.ehlo()
            if not client.has_extn("starttls"):
                client.close()
                raise smtplib.SMTPNotSupportedError("it offers no STARTTLS, which is required")
            client._host = server_name   # what smtplib compares the certificate with
            client.starttls(context=self._context())
        return client

    def _sign_in(self, client: smtplib.SMTP) -> None:
        """Sign in; smtplib's own way takes a password of ASCII alone, Alertmanager any."""
        password = Path(self.password_file).read_text(encoding="utf-8").strip()
        offered = client.esmtp_features.get("auth", "").upper().split()
        if "PLAIN" in offered:
            code, said = client.docmd("AUTH", "PLAIN " + _base64(f"\0{self.username}\0{password}"))
        elif "LOGIN" in offered:
            client.docmd("AUTH", "LOGIN " + _base64(self.username))
            code, said = client.docmd(_base64(password))
        elif offered:
            client.login(self.username, password)
            return
        else:
            raise smtplib.SMTPNotSupportedError("it offers no way to sign in, but alertmanager_smtp_username is set")
        if code != 235:
            raise smtplib.SMTPAuthenticationError(code, said)

    def _context(self) -> ssl.SSLContext:
        settings = self.tls or {}
        context = ssl.create_default_context(cafile=str(settings.get("ca_file") or "") or None)
        # Python 3.13 and newer refuse certificates that Alertmanager takes, such as one without key identifiers.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if settings.get("insecure_skip_verify"):
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context


class _Secured(smtplib.SMTP_SSL):
    """Compares the certificate with a name that need not be the host's."""

    def __init__(self, server_name: str, **options: Any) -> None:
        super().__init__(**options)
        self._server_name = server_name

    def connect(self, host: str = "localhost", port: int = 0, source_address: Any = None) -> Any:
        self._host = self._server_name
        return super().connect(host, port, source_address)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode("utf-8")).decode("ascii")


def _reason(error: Exception) -> str:
    """What the server said, or what went wrong, on one line."""
    if not isinstance(error, smtplib.SMTPResponseException):
        return " ".join(str(error).split()) or type(error).__name__
    said = error.smtp_error
    words = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return f"it says {error.smtp_code} {' '.join(words.split())}"


def of_mail(asked: Mapping[str, Any]) -> list[MailServer]:
    """Return the check of the mail server.

    Args:
        asked: The fields of :class:`MailServer`.
    """
    return [
        MailServer(
            host=str(asked["host"]),
            port=int(asked["port"]),
            sender=str(asked["sender"]),
            require_tls=bool(asked.get("require_tls", True)),
            implicit_tls=bool(asked.get("implicit_tls", False)),
            tls=asked.get("tls") or {},
            username=str(asked.get("username") or ""),
            password_file=str(asked.get("password_file") or ""),
        )
    ]
