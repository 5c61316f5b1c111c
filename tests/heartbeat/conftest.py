"""A running heartbeat and a mail server that keeps, or refuses, what it is sent."""

from __future__ import annotations

import email
import email.policy
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.support.processes import free_port

PROJECT = Path(__file__).parents[2]
PACKAGE_DIR = PROJECT / "roles" / "heartbeat" / "files" / "heartbeat"
sys.path.insert(0, str(PACKAGE_DIR))  # as PYTHONPATH={release}/lib does on a host

WAIT_S = 20
TOKEN = "secret-token"


def wait_for(condition: Callable[[], Any], what: str) -> Any:
    """Return the first true answer of `condition`; fail naming `what` when none comes."""
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        if answer := condition():
            return answer
        time.sleep(0.05)
    pytest.fail(f"waited {WAIT_S} s for {what}")


class MailServer:
    """Keeps mails; refuses them while `refuses` is set."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.refuses = False
        self.port = free_port()
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  aiosmtpd's name
        if self.refuses:
            return "451 4.3.0 not now"
        assert isinstance(envelope.content, bytes)
        self.mails.append(email.message_from_bytes(envelope.content, EmailMessage, policy=email.policy.default))
        return "250 OK"

    def start(self) -> MailServer:
        """Serve."""
        self._controller.start()
        return self

    def stop(self) -> None:
        """Serve no more."""
        self._controller.stop()

    def subjects(self) -> list[str]:
        """Return the subjects in the order of arrival."""
        return [str(mail["Subject"]) for mail in self.mails]


@dataclass
class Heartbeat:
    """The heartbeat as a program of its own."""

    folder: Path
    settings: dict[str, Any]
    process: subprocess.Popen[bytes] | None = None
    port: int = field(default_factory=free_port)

    def start(self) -> Heartbeat:
        """Start it and wait until it serves."""
        config = self.folder / "heartbeat.json"
        config.write_text(json.dumps(self.settings | {"listen": f"127.0.0.1:{self.port}"}), encoding="utf-8")
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "promontory_heartbeat", "serve", "--config", str(config)],
                env=os.environ | {"PYTHONPATH": str(PACKAGE_DIR)},
                stderr=log,
            )
        wait_for(self._answers, "the heartbeat")
        return self

    def _answers(self) -> bool:
        assert self.process
        assert self.process.poll() is None, self.log()
        try:
            return bool(self.json("/healthz")["status"] == "ok")
        except urllib.error.URLError:
            return False

    def stop(self, with_signal: int = signal.SIGTERM) -> int:
        """End it and return its exit code."""
        assert self.process
        self.process.send_signal(with_signal)
        return self.process.wait(WAIT_S)

    def log(self) -> str:
        """Return what it has said."""
        return (self.folder / "log").read_text(encoding="utf-8")

    def get(self, path: str) -> str:
        """Fetch a path."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=WAIT_S) as answer:
            return str(answer.read().decode())

    def json(self, path: str) -> Any:
        """Fetch a path's JSON document."""
        return json.loads(self.get(path))

    def metric(self, name: str) -> float:
        """Return the value of a sample."""
        return next(float(line.split()[-1]) for line in self.get("/metrics").splitlines() if line.startswith(f"{name} "))

    def post(self, document: Any, token: str = TOKEN) -> int:
        """Post a document as a beat; return the status."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/beat/{token}",
            data=json.dumps(document).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=WAIT_S) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    def beat(self, environment: str = "test", status: str = "firing") -> int:
        """Post what Alertmanager posts for a Watchdog."""
        return self.post({"version": "4", "status": status, "alerts": [watchdog(environment, status)]})


def watchdog(environment: str, status: str = "firing") -> dict[str, Any]:
    """Return a Watchdog as it stands in a notification."""
    return {"status": status, "labels": {"alertname": "Watchdog", "environment": environment, "severity": "info"}}


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    """A mail server of loopback."""
    server = MailServer().start()
    yield server
    server.stop()


@pytest.fixture
def make_heartbeat(tmp_path: Path, mail_server: MailServer) -> Iterator[Callable[..., Heartbeat]]:
    """Start heartbeats with chosen settings; end them after the test."""
    made: list[Heartbeat] = []
    token = tmp_path / "token"
    token.write_text(TOKEN)

    def make(**settings: Any) -> Heartbeat:
        folder = tmp_path / f"heartbeat{len(made)}"
        folder.mkdir()
        ordinary = {
            "token_file": str(token),
            "state_file": str(folder / "watches.json"),
            "watches": ["test"],
            "silence_s": 5,
            "repeat_s": 3600,
            "alertmanager_url": "https://mon.example.net/alertmanager/",
            "runbook_url": "https://mon.example.net/runbooks/Watchdog.html",
            "smtp": {
                "smarthost": f"127.0.0.1:{mail_server.port}",
                "tls": "none",
                "from": "heartbeat@test.example",
                "to": ["oncall@test.example"],
                "hello": "",
                "username": "",
                "password_file": "/nowhere",
            },
        }
        made.append(Heartbeat(folder, ordinary | settings))
        return made[-1].start()

    yield make
    for heartbeat in made:
        if heartbeat.process and heartbeat.process.poll() is None:
            heartbeat.stop(signal.SIGKILL)
