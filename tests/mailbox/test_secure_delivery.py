"""How mail gets to a mail server outside: encrypted, signed in, again after a refusal, or not at all and said so."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.promontory.stack.plugins.plugin_utils.alertmanager import mail as mail_settings

from tests.mailbox.alertmanager import Alertmanager, alert
from tests.mailbox.certificates import Certificate, certificate
from tests.mailbox.conftest import Mailbox, wait_for
from tests.mailbox.reading import mail

pytestmark = pytest.mark.network
PASSWORD = "s3cret wörd # \"quoted\""


@pytest.fixture
def tls(tmp_path: Path) -> Certificate:
    """Make a certificate for localhost and the authority that signed it."""
    return certificate(tmp_path / "tls")


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    """Keep the password as the mailbox reads it."""
    file = tmp_path / "password"
    file.write_text(PASSWORD + "\n", encoding="utf-8")
    return file


def smtp(folder: Path, mailbox: Mailbox, *, host: str = "localhost", require_tls: bool = True, **settings: Any) -> dict[str, Any]:
    """Render the mail server's settings as the role does, its files in a folder."""
    secrets: dict[str, str] = {}
    rendered = mail_settings.smtp(
        {"smarthost": {"host": host, "port": mailbox.smtp_port, "require_tls": require_tls}, "smtp": settings}, secrets
    )
    (folder / "secrets").mkdir(exist_ok=True)
    for name, content in secrets.items():
        (folder / "secrets" / name).write_text(content, encoding="utf-8")
    placed: dict[str, Any] = json.loads(json.dumps(rendered).replace("{config}", str(folder)))
    return placed


def trusted(tls: Certificate, folder: Path) -> str:
    """Put the authority where the role puts it; return it."""
    pem = tls.authority.read_text(encoding="utf-8")
    (folder / "smtp_ca.pem").write_text(pem, encoding="utf-8")
    return pem


def failures(alertmanager: Alertmanager) -> str:
    """Wait until Alertmanager says that it could not send; return what it logged."""

    def said() -> str:
        log = alertmanager.log.read_text()
        return log if "email" in log and ("attempt failed" in log or "Notify attempt" in log or "Notify for alerts failed" in log) else ""

    return str(wait_for(said, "a failure in Alertmanager's log"))


def test_starttls_and_a_password_from_a_file(
    start_alertmanager: Callable[..., Alertmanager], make_mailbox: Callable[..., Mailbox], tls: Certificate,
    password_file: Path, tmp_path: Path,
) -> None:
    mailbox = make_mailbox(
        smtp_tls=tls.as_settings(), smtp_auth={"username": "alertmanager", "password_file": str(password_file)}
    )
    settings = smtp(tmp_path, mailbox, username="alertmanager", password=PASSWORD, ca=trusted(tls, tmp_path))
    alertmanager = start_alertmanager(mailbox, smtp=settings)

    alertmanager.fire(alert())

    assert mail(mailbox, "[FIRING:1]", alertmanager)
    assert "s3cret" not in alertmanager.log.read_text()


def test_without_starttls_nothing_is_sent(
    start_alertmanager: Callable[..., Alertmanager], mailbox: Mailbox, tmp_path: Path
) -> None:
    """Required is the default; a server, or somebody on the way, that does not offer it gets nothing in clear."""
    alertmanager = start_alertmanager(mailbox, smtp=smtp(tmp_path, mailbox))

    alertmanager.fire(alert())

    assert "does not advertise the STARTTLS extension" in failures(alertmanager)
    assert mailbox.json("/api/messages") == []


def test_a_server_that_nobody_vouches_for_gets_nothing(
    start_alertmanager: Callable[..., Alertmanager], make_mailbox: Callable[..., Mailbox], tls: Certificate,
    password_file: Path, tmp_path: Path,
) -> None:
    mailbox = make_mailbox(
        smtp_tls=tls.as_settings(), smtp_auth={"username": "alertmanager", "password_file": str(password_file)}
    )
    settings = smtp(tmp_path, mailbox, username="alertmanager", password=PASSWORD)
    alertmanager = start_alertmanager(mailbox, smtp=settings)

    alertmanager.fire(alert())

    assert "certificate signed by unknown authority" in failures(alertmanager)
    assert mailbox.json("/api/messages") == []


def test_a_wrong_password_is_said_and_not_told(
    start_alertmanager: Callable[..., Alertmanager], make_mailbox: Callable[..., Mailbox], tls: Certificate,
    password_file: Path, tmp_path: Path,
) -> None:
    mailbox = make_mailbox(
        smtp_tls=tls.as_settings(), smtp_auth={"username": "alertmanager", "password_file": str(password_file)}
    )
    settings = smtp(tmp_path, mailbox, username="alertmanager", password="a guess", ca=trusted(tls, tmp_path))
    alertmanager = start_alertmanager(mailbox, smtp=settings)

    alertmanager.fire(alert())

    log = failures(alertmanager)
    assert "535" in log
    assert "a guess" not in log
    assert mailbox.json("/api/messages") == []


def test_implicit_tls_on_any_port(
    program: Path, start_alertmanager: Callable[..., Alertmanager], make_mailbox: Callable[..., Mailbox],
    tls: Certificate, tmp_path: Path,
) -> None:
    """From 0.31 on. An older Alertmanager has it on port 465 alone and does not start with the setting."""
    mailbox = make_mailbox(smtp_tls=tls.as_settings(implicit=True))
    settings = smtp(tmp_path, mailbox, implicit_tls=True, ca=trusted(tls, tmp_path))
    if program.parent.name.startswith("trixie"):
        with pytest.raises(AssertionError, match="field smtp_force_implicit_tls not found"):
            start_alertmanager(mailbox, smtp=settings)
        return
    alertmanager = start_alertmanager(mailbox, smtp=settings)

    alertmanager.fire(alert())

    assert mail(mailbox, "[FIRING:1]", alertmanager)


@pytest.mark.parametrize("stage", ["connect", "mail", "rcpt", "data"])
def test_a_mail_refused_for_now_comes_later_and_once(
    alertmanager: Alertmanager, mailbox: Mailbox, stage: str
) -> None:
    mailbox.refuse(code=451, stage=stage, times=2)

    alertmanager.fire(alert())

    mail(mailbox, "[FIRING:1]", alertmanager)
    assert mailbox.json("/api/refusal") == {"refusal": None}
    assert len(mailbox.json("/api/messages")) == 1
