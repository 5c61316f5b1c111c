"""A running mailbox for the tests: in the test's own process, or as the program that the unit starts."""

from __future__ import annotations

import json
import os
import signal
import smtplib
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import free_port

PROJECT = Path(__file__).parents[2]
PACKAGE_DIR = PROJECT / "roles" / "mailbox" / "files" / "mailbox"
sys.path.insert(0, str(PACKAGE_DIR))  # as PYTHONPATH={release}/lib does on a host

WAIT_S = 15


def wait_for(condition: Callable[[], Any], what: str, limit_s: float = WAIT_S) -> Any:
    """Return the first true answer of `condition`; fail naming `what` after `limit_s` seconds."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        if answer := condition():
            return answer
        time.sleep(0.05)
    pytest.fail(f"waited {limit_s:g} s for {what}")


@dataclass
class Mailbox:
    """The mailbox as a program of its own."""

    folder: Path
    settings: dict[str, Any] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.port, self.smtp_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.settings = {
            "listen": f"127.0.0.1:{self.port}",
            "smtp_listen": f"127.0.0.1:{self.smtp_port}",
            "data_dir": str(self.folder / "data"),
            "hostname": "mailbox.test",
            "max_messages": 100,
            "max_total_bytes": 50_000_000,
            "max_message_bytes": 1_000_000,
            "smtp_auth": None,
            "smtp_tls": None,
        } | self.settings

    def start(self) -> Mailbox:
        """Start it and wait until it serves."""
        config = self.folder / "mailbox.json"
        config.write_text(json.dumps(self.settings), encoding="utf-8")
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "promontory_mailbox", "serve", "--config", str(config)],
                env=os.environ | {"PYTHONPATH": str(PACKAGE_DIR)},
                stderr=log,
            )
        wait_for(self._answers, f"the mailbox, whose log says {(self.folder / 'log').read_text()!r}")
        return self

    def stop(self, with_signal: int = signal.SIGTERM) -> int:
        """End it and return its exit code."""
        assert self.process
        self.process.send_signal(with_signal)
        return self.process.wait(WAIT_S)

    def _answers(self) -> bool:
        assert self.process
        assert self.process.poll() is None, (self.folder / "log").read_text()
        try:
            return bool(self.json("/healthz")["status"] == "ok")
        except urllib.error.URLError:
            return False

    def get(self, path: str) -> bytes:
        """Fetch a path."""
        with urllib.request.urlopen(self.url + path, timeout=WAIT_S) as answer:
            return bytes(answer.read())

    def json(self, path: str) -> Any:
        """Fetch a path's JSON document."""
        return json.loads(self.get(path))

    def refuse(self, **wish: Any) -> None:
        """Have it refuse mail, as roles/mailbox tells."""
        request = urllib.request.Request(
            f"{self.url}/api/refusal", json.dumps(wish).encode(), {"Content-Type": "application/json"}, method="PUT"
        )
        urllib.request.urlopen(request, timeout=WAIT_S).close()

    def send(self, content: bytes, recipients: tuple[str, ...] = ("oncall@lab.test",)) -> None:
        """Hand a message over by SMTP."""
        with smtplib.SMTP("127.0.0.1", self.smtp_port, timeout=WAIT_S) as client:
            client.sendmail("alerts@lab.test", recipients, content)


@pytest.fixture
def make_mailbox(tmp_path: Path) -> Iterator[Callable[..., Mailbox]]:
    """Start mailboxes with chosen settings; end them after the test."""
    made: list[Mailbox] = []

    def make(**settings: Any) -> Mailbox:
        folder = tmp_path / f"mailbox{len(made)}"
        folder.mkdir()
        made.append(Mailbox(folder, settings))
        return made[-1].start()

    yield make
    for mailbox in made:
        if mailbox.process and mailbox.process.poll() is None:
            mailbox.stop(signal.SIGKILL)


@pytest.fixture
def mailbox(make_mailbox: Callable[..., Mailbox]) -> Mailbox:
    """One running mailbox with ordinary settings."""
    return make_mailbox()


@pytest.fixture(scope="session", params=["trixie", "sid"])
def program(
    request: pytest.FixtureRequest,
    real_program: Callable[[str, str], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """Give Alertmanager 0.28 and 0.33 in turn."""
    from tests.mailbox.alertmanager import relocate  # it needs this module

    directory = real_program("alertmanager", request.param)
    return relocate(directory / "alertmanager", tmp_path_factory.mktemp(request.param))


@pytest.fixture
def start_alertmanager(program: Path, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Start Alertmanagers that send to a mailbox; end them after the test."""
    from tests.mailbox.alertmanager import Alertmanager, start  # it needs this module

    running: list[Alertmanager] = []

    def begin(mailbox: Mailbox, **options: Any) -> Alertmanager:
        folder = tmp_path / f"alertmanager{len(running)}"
        running.append(start(program, mailbox, folder, "http://lab.test/alertmanager", **options))
        return running[-1]

    yield begin
    for one in running:
        one.stop()


@pytest.fixture
def alertmanager(start_alertmanager: Callable[..., Any], mailbox: Mailbox) -> Any:
    """Run an Alertmanager that sends to the test's mailbox."""
    return start_alertmanager(mailbox)
