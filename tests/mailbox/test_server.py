"""The running program: what SMTP clients meet, and that nothing taken is lost."""

from __future__ import annotations

import base64
import os
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import tomllib
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from promontory_mailbox import __version__
from promontory_mailbox.smtp import MAX_CONNECTIONS, MAX_RECIPIENTS

from tests.mailbox.certificates import certificate
from tests.mailbox.conftest import PACKAGE_DIR, WAIT_S, Mailbox, wait_for

SMALL = b"From: a@lab.test\r\nSubject: small\r\n\r\ntext\r\n"


def connect(mailbox: Mailbox) -> smtplib.SMTP:
    return smtplib.SMTP("127.0.0.1", mailbox.smtp_port, timeout=WAIT_S)


def metric(mailbox: Mailbox, name: str) -> float:
    for line in mailbox.get("/metrics").decode().splitlines():
        if line.startswith(f"{name} "):
            return float(line.split()[-1])
    return 0.0


def test_a_mail_sent_is_a_mail_kept(mailbox: Mailbox) -> None:
    mailbox.send(SMALL, recipients=("one@lab.test", "two@lab.test"))

    (listed,) = mailbox.json("/api/messages")
    assert (listed["subject"], listed["to"]) == ("small", ["one@lab.test", "two@lab.test"])
    assert mailbox.get(f"/api/messages/{listed['id']}/raw").endswith(SMALL)
    assert metric(mailbox, "mailbox_messages_received_total") == 1
    assert metric(mailbox, "mailbox_last_received_timestamp_seconds") > 1e9


def test_mail_outlives_sigkill_right_after_the_ok(mailbox: Mailbox) -> None:
    mailbox.send(SMALL)
    mailbox.stop(signal.SIGKILL)

    mailbox.start()

    assert [entry["subject"] for entry in mailbox.json("/api/messages")] == ["small"]


def test_sigterm_ends_it_cleanly_also_with_an_open_session(mailbox: Mailbox) -> None:
    with connect(mailbox) as client:
        client.ehlo()

        assert mailbox.stop() == 0


def test_a_mail_too_large_is_refused_and_the_session_goes_on(make_mailbox: Callable[..., Mailbox]) -> None:
    mailbox = make_mailbox(max_message_bytes=10_000, max_total_bytes=1_000_000)

    with connect(mailbox) as client:
        assert client.ehlo()[0] == 250
        assert client.esmtp_features["size"] == "10000"
        with pytest.raises(smtplib.SMTPResponseException) as refusal:
            client.sendmail("a@lab.test", ["b@lab.test"], SMALL + b"x" * 500 + b"\r\n" * 20_000)
        client.sendmail("a@lab.test", ["b@lab.test"], SMALL)

    assert refusal.value.smtp_code == 552
    assert [entry["subject"] for entry in mailbox.json("/api/messages")] == ["small"]
    assert metric(mailbox, 'mailbox_smtp_refusals_total{code="552"}') == 1


def test_a_disk_that_cannot_be_written_is_a_temporary_refusal(mailbox: Mailbox) -> None:
    """The sender keeps the mail and comes again; an alert is late, not lost."""
    data = Path(mailbox.settings["data_dir"])
    data.rmdir()  # root writes everywhere but into what is not there

    with connect(mailbox) as client, pytest.raises(smtplib.SMTPDataError) as refusal:
        client.sendmail("a@lab.test", ["b@lab.test"], SMALL)

    assert refusal.value.smtp_code == 452
    data.mkdir()
    mailbox.send(SMALL)
    assert len(mailbox.json("/api/messages")) == 1


def test_too_many_recipients_are_refused(mailbox: Mailbox) -> None:
    with connect(mailbox) as client:
        refused = client.sendmail("a@lab.test", [f"r{number}@lab.test" for number in range(MAX_RECIPIENTS + 3)], SMALL)

    assert len(refused) == 3
    assert {code for code, _ in refused.values()} == {452}


def test_too_many_connections_are_turned_away_and_free_again(mailbox: Mailbox) -> None:
    def greeting(connection: socket.socket) -> bytes:
        return connection.recv(100)

    crowd = [socket.create_connection(("127.0.0.1", mailbox.smtp_port), timeout=WAIT_S) for _ in range(MAX_CONNECTIONS)]
    assert all(greeting(connection).startswith(b"220 ") for connection in crowd)

    with socket.create_connection(("127.0.0.1", mailbox.smtp_port), timeout=WAIT_S) as late:
        assert greeting(late).startswith(b"421 ")
    for connection in crowd:
        connection.close()
    wait_for(lambda: metric(mailbox, "mailbox_smtp_connections") == 0, "the connections to be gone")
    mailbox.send(SMALL)
    assert len(mailbox.json("/api/messages")) == 1


def test_many_senders_at_once_lose_nothing(mailbox: Mailbox) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: mailbox.send(SMALL.replace(b"small", b"n%d" % number)), range(40)))

    subjects = {entry["subject"] for entry in mailbox.json("/api/messages")}
    assert subjects == {f"n{number}" for number in range(40)}


def test_long_lines_and_raw_utf8_are_taken(mailbox: Mailbox) -> None:
    raw = b"Subject: " + "Größe".encode() + b"\r\n\r\n" + b"x" * 5000 + b"\r\n"

    mailbox.send(raw)

    (listed,) = mailbox.json("/api/messages")
    assert listed["subject"] == "Größe"


def test_noise_on_the_port_harms_nothing(mailbox: Mailbox) -> None:
    with socket.create_connection(("127.0.0.1", mailbox.smtp_port), timeout=WAIT_S) as noise:
        noise.sendall(b"\x16\x03\x01\x00" * 1000 + b"\r\nGET / HTTP/1.1\r\n\r\nDATA\r\n.\r\n")

    mailbox.send(SMALL)

    assert len(mailbox.json("/api/messages")) == 1


def test_with_a_user_only_that_user_may_send(make_mailbox: Callable[..., Mailbox], tmp_path: Path) -> None:
    (tmp_path / "password").write_text("s3cret-wörd\n")
    mailbox = make_mailbox(smtp_auth={"username": "alertmanager", "password_file": str(tmp_path / "password")})

    with pytest.raises(smtplib.SMTPException, match="530"):
        mailbox.send(SMALL)
    with connect(mailbox) as client, pytest.raises(smtplib.SMTPAuthenticationError):
        client.login("alertmanager", "guess")
    with connect(mailbox) as client:
        client.ehlo()
        both = base64.b64encode("\0alertmanager\0s3cret-wörd".encode()).decode()
        assert client.docmd("AUTH", f"PLAIN {both}")[0] == 235
        client.sendmail("a@lab.test", ["b@lab.test"], SMALL)

    assert len(mailbox.json("/api/messages")) == 1
    assert "s3cret" not in (mailbox.folder / "log").read_text()


def test_a_port_in_use_is_an_exit_with_its_reason(mailbox: Mailbox) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "promontory_mailbox", "serve", "--config", mailbox.folder / "mailbox.json"],
        env=os.environ | {"PYTHONPATH": str(PACKAGE_DIR)},
        capture_output=True,
        text=True,
        timeout=WAIT_S,
    )

    assert done.returncode == 1
    assert "cannot serve" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_version_of_the_package_is_the_one_of_its_project() -> None:
    """The release on a host is named after the project file; the program answers with the package's."""
    project = tomllib.loads((PACKAGE_DIR / "pyproject.toml").read_text(encoding="utf-8"))

    assert project["project"]["version"] == __version__


def test_the_prefix_of_a_proxy_reaches_the_page(mailbox: Mailbox) -> None:
    """The web server in front of the page drops some forwarding headers; not this one."""
    request = urllib.request.Request(f"{mailbox.url}/", headers={"X-Forwarded-Prefix": "/mail"})

    with urllib.request.urlopen(request, timeout=WAIT_S) as answer:
        assert b'href="/mail/static/style.css"' in answer.read()


def test_starttls_is_demanded_and_a_password_is_taken_only_behind_it(
    make_mailbox: Callable[..., Mailbox], tmp_path: Path
) -> None:
    (tmp_path / "password").write_text("s3cret\n")
    made = certificate(tmp_path / "tls")
    mailbox = make_mailbox(
        smtp_tls=made.as_settings(),
        smtp_auth={"username": "alertmanager", "password_file": str(tmp_path / "password")},
    )
    trust = ssl.create_default_context(cafile=made.authority)

    with connect(mailbox) as client:
        client.ehlo()
        assert "auth" not in client.esmtp_features
        assert client.docmd("MAIL", "FROM:<a@lab.test>")[0] == 530
    with smtplib.SMTP("localhost", mailbox.smtp_port, timeout=WAIT_S) as client:
        client.starttls(context=trust)
        client.login("alertmanager", "s3cret")
        client.sendmail("a@lab.test", ["b@lab.test"], SMALL)

    assert len(mailbox.json("/api/messages")) == 1
    assert metric(mailbox, "mailbox_smtp_connections") == 0


def test_implicit_tls_is_spoken_from_the_first_byte(make_mailbox: Callable[..., Mailbox], tmp_path: Path) -> None:
    made = certificate(tmp_path / "tls")
    mailbox = make_mailbox(smtp_tls=made.as_settings(implicit=True))
    trust = ssl.create_default_context(cafile=made.authority)

    with smtplib.SMTP_SSL("localhost", mailbox.smtp_port, timeout=WAIT_S, context=trust) as client:
        client.sendmail("a@lab.test", ["b@lab.test"], SMALL)

    assert len(mailbox.json("/api/messages")) == 1


@pytest.mark.parametrize(
    ("stage", "refused"),
    [
        ("connect", smtplib.SMTPConnectError),
        ("mail", smtplib.SMTPSenderRefused),
        ("rcpt", smtplib.SMTPRecipientsRefused),
        ("data", smtplib.SMTPDataError),
    ],
)
def test_on_demand_a_stage_is_refused_and_the_next_mail_is_taken(
    mailbox: Mailbox, stage: str, refused: type[smtplib.SMTPException]
) -> None:
    mailbox.refuse(code=451, stage=stage, times=1)

    with pytest.raises(refused, match="451"):
        mailbox.send(SMALL)
    mailbox.send(SMALL)

    assert len(mailbox.json("/api/messages")) == 1
    assert metric(mailbox, 'mailbox_smtp_refusals_total{code="451"}') == 1
