"""A real Alertmanager with a configuration of the role, and somebody who is told over HTTP."""

from __future__ import annotations

import json
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.mailbox.alertmanager import relocate
from tests.mailbox.conftest import WAIT_S, wait_for
from tests.support.processes import free_port

_RECEIVER_URL = "{told}"


@dataclass
class Told:
    """What arrived at the webhooks.

    Attributes:
        url: Where they listen; the path names the receiver.
        posts: Path and body of each post.
        heads: The headers of each post.
    """

    url: str = ""
    posts: list[tuple[str, str]] = field(default_factory=list)
    heads: list[Mapping[str, str]] = field(default_factory=list)

    def of(self, receiver: str) -> list[dict[str, Any]]:
        """The notifications that a receiver got."""
        return [json.loads(body) for path, body in self.posts if path == f"/{receiver}"]

    def names(self, receiver: str) -> list[str]:
        """The names of the alerts that a receiver was told to fire, in order."""
        return [
            alert["labels"]["alertname"]
            for post in self.of(receiver)
            for alert in post["alerts"]
            if alert["status"] == "firing"
        ]


@contextmanager
def listening() -> Iterator[Told]:
    """Listen on a free port for notifications."""
    told = Told()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            told.heads.append(dict(self.headers))
            told.posts.append((self.path, body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            """Keep the test's output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    told.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Alertmanager:
    """One running Alertmanager."""

    url: str
    log: Path

    def fire(self, *alerts: Mapping[str, Any]) -> None:
        """Post alerts as Prometheus would, each with its labels alone."""
        now = datetime.now(UTC)
        posted = [
            {"labels": dict(labels), "startsAt": now.isoformat(), "endsAt": (now + timedelta(minutes=5)).isoformat()}
            for labels in alerts
        ]
        self._post("api/v2/alerts", posted)

    def silence(self, silence: Mapping[str, Any]) -> None:
        """Post a silence."""
        self._post("api/v2/silences", silence)

    def get(self, path: str) -> Any:
        """Ask its API."""
        with urllib.request.urlopen(f"{self.url}/{path}", timeout=WAIT_S) as answer:
            return json.loads(answer.read())

    def _post(self, path: str, body: Any) -> None:
        request = urllib.request.Request(
            f"{self.url}/{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        urllib.request.urlopen(request, timeout=WAIT_S).close()


@contextmanager
def running(program: Path, config: Path, environment: Mapping[str, str] | None = None) -> Iterator[Alertmanager]:
    """Run a program's alertmanager with a configuration until the block ends."""
    folder = config.parent / "run"
    folder.mkdir()
    for name in ("default.tmpl", "email.tmpl"):
        (folder / name).touch()
    port, log = free_port(), folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                relocate(program, folder), f"--config.file={config}", f"--storage.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=", "--log.level=debug",
            ],
            cwd=folder, env=dict(environment or {}), stdout=output, stderr=output,
        )  # fmt: skip
    manager = Alertmanager(f"http://127.0.0.1:{port}", log)

    def answers() -> bool:
        assert process.poll() is None, log.read_text()
        try:
            urllib.request.urlopen(f"{manager.url}/-/ready", timeout=WAIT_S).close()
        except urllib.error.URLError:
            return False
        return True

    try:
        wait_for(answers, "Alertmanager")
        yield manager
    finally:
        process.terminate()
        process.wait(WAIT_S)


def quick(config: dict[str, Any]) -> dict[str, Any]:
    """Have every route wait one second, so that a test does not wait for minutes."""

    def hurry(route: dict[str, Any]) -> dict[str, Any]:
        waits = {key: "1s" for key in ("group_wait", "group_interval") if key in route}
        return {**route, **waits, "routes": [hurry(child) for child in route.get("routes") or []]}

    return {**config, "route": hurry({**config["route"], "group_wait": "1s", "group_interval": "1s"})}


def settle(seconds: float = 4.0) -> None:
    """Give a notification that must not come the time to come: several group intervals."""
    time.sleep(seconds)
