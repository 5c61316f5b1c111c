"""The mails: silence, and its end. They look like the ones that Alertmanager sends, which is what is silent."""

from __future__ import annotations

import smtplib
import ssl
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Any

from flask import render_template

from promontory_heartbeat.config import Config, Smtp
from promontory_heartbeat.watch import Notice

ALERT = "WatchdogSilent"
_TIMEOUT_S = 20


def compose(notice: Notice, config: Config) -> EmailMessage:
    """Write the mail of a notice; needs the application's context for its templates."""
    state = "firing" if notice.is_silent else "resolved"
    subject = f"[{state.upper()}:1][critical][{notice.name}] {ALERT} alerting"
    said: dict[str, Any] = {
        "notice": notice,
        "subject": subject,
        "since": _moment(notice.since),
        "at": _moment(notice.at),
        "lasted": duration(notice.at - notice.since),
        "limit": duration(config.silence_s),
        "alertmanager_url": config.alertmanager_url,
        "runbook_url": config.runbook_url,
    }
    mail = EmailMessage()
    mail["Subject"] = subject
    mail["From"] = config.smtp.sender
    mail["To"] = ", ".join(config.smtp.recipients)
    mail["Date"] = format_datetime(datetime.fromtimestamp(notice.at, UTC))
    mail["Message-ID"] = make_msgid("heartbeat", domain=config.smtp.sender.rpartition("@")[2] or None)
    # One silence is one thread: its start is what does not change.
    thread = f"<silence.{notice.since:.0f}.{notice.name}@promontory.heartbeat>"
    mail["References"] = thread
    mail["In-Reply-To"] = thread
    mail["Thread-Topic"] = f"{ALERT} alerting"
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-State"] = state
    mail["X-Severity"] = "critical"
    mail["X-Environment"] = notice.name
    mail["X-Alert"] = ALERT
    if notice.is_silent:
        mail["Importance"] = "high"
    mail.set_content(render_template("mail.txt", **said))
    mail.add_alternative(render_template("mail.html", **said), subtype="html")
    return mail


def send(mail: EmailMessage, smtp: Smtp) -> None:
    """Hand a mail to the mail server.

    Raises:
        OSError: No connection, no TLS where it is required, or a refusal (smtplib's errors are OSErrors).
    """
    hello = smtp.hello or None
    if smtp.tls == "implicit":
        client: smtplib.SMTP = smtplib.SMTP_SSL(
            smtp.host, smtp.port, local_hostname=hello, timeout=_TIMEOUT_S, context=ssl.create_default_context()
        )
    else:
        client = smtplib.SMTP(smtp.host, smtp.port, local_hostname=hello, timeout=_TIMEOUT_S)
    with client:
        if smtp.tls == "starttls":
            client.starttls(context=ssl.create_default_context())
        if smtp.username:
            client.login(smtp.username, smtp.password)
        client.send_message(mail)


def duration(seconds: float) -> str:
    """Write a duration as people say it, in its two largest units: ``3m 20s``, ``2h 5m``, ``4d 1h``."""
    left = max(0, round(seconds))
    parts = []
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, left = divmod(left, length)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts[:2]) or "0s"


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
