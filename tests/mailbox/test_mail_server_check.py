"""`verify` says why a mail server would take no mail, before somebody misses one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible_collections.promontory.stack.plugins.module_utils.proof.finding import Finding
from ansible_collections.promontory.stack.plugins.module_utils.proof.mail_server import of_mail

from tests.mailbox.certificates import certificate
from tests.mailbox.conftest import Mailbox
from tests.support.processes import free_port


def found(port: int, **settings: Any) -> Finding:
    """Look at a mail server on this machine once."""
    (check,) = of_mail({"host": "localhost", "port": port, "sender": "alerts@lab.test", **settings})
    return check.find()


def test_a_server_that_would_take_mail_is_well_and_gets_none(mailbox: Mailbox) -> None:
    finding = found(mailbox.smtp_port, require_tls=False)

    assert finding.ok, finding.detail
    assert finding.detail == f"localhost:{mailbox.smtp_port} answers, takes alerts@lab.test"
    assert mailbox.json("/api/messages") == []


def test_nobody_there_is_said() -> None:
    port = free_port()

    finding = found(port)

    assert not finding.ok
    assert finding.detail.startswith(f"localhost:{port}: ")
    assert "refused" in finding.detail
    assert finding.look


def test_a_server_without_starttls_is_said(mailbox: Mailbox) -> None:
    assert "it offers no STARTTLS, which is required" in found(mailbox.smtp_port).detail


def test_starttls_with_a_password(make_mailbox: Callable[..., Mailbox], tmp_path: Path) -> None:
    made = certificate(tmp_path / "tls")
    (tmp_path / "password").write_text("s3cret wörd\n", encoding="utf-8")
    credentials = {"username": "am", "password_file": str(tmp_path / "password")}
    port = make_mailbox(smtp_tls=made.as_settings(), smtp_auth=credentials).smtp_port
    trust = {"tls": {"ca_file": str(made.authority)}}

    assert found(port, **trust, **credentials).detail == f"localhost:{port} answers, speaks TLS, knows our password, takes alerts@lab.test"
    assert "certificate verify failed" in found(port, **credentials).detail
    assert "certificate is not valid for 'other.test'" in found(port, tls={**trust["tls"], "server_name": "other.test"}).detail
    assert "it says 530" in found(port, **trust).detail
    (tmp_path / "guess").write_text("guess\n")
    wrong = found(port, **trust, username="am", password_file=str(tmp_path / "guess"))
    assert "it says 535" in wrong.detail
    assert "guess" not in wrong.detail


def test_a_server_that_does_not_ask_who_we_are_is_said(mailbox: Mailbox, tmp_path: Path) -> None:
    """Alertmanager would send without signing in, and nobody meant that."""
    (tmp_path / "password").write_text("s3cret")

    finding = found(mailbox.smtp_port, require_tls=False, username="am", password_file=str(tmp_path / "password"))

    assert "it offers no way to sign in" in finding.detail


def test_implicit_tls(make_mailbox: Callable[..., Mailbox], tmp_path: Path) -> None:
    made = certificate(tmp_path / "tls")
    port = make_mailbox(smtp_tls=made.as_settings(implicit=True)).smtp_port
    tls = {"ca_file": str(made.authority)}

    assert found(port, implicit_tls=True, tls=tls).ok
    assert not found(port, implicit_tls=True, tls={**tls, "server_name": "other.test"}).ok
    assert found(port, implicit_tls=True, tls={"insecure_skip_verify": True}).ok


def test_a_server_that_does_not_want_us_is_quoted(mailbox: Mailbox) -> None:
    mailbox.refuse(code=554, stage="mail")

    finding = found(mailbox.smtp_port, require_tls=False)

    assert finding.detail.endswith(": it says 554 5.3.0 Refused on demand, do not try again (it answers)")
