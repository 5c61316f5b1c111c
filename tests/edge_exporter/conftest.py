"""The exporter as the program that the unit starts, an nginx that is none, and lines as nginx sends them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

PROJECT = Path(__file__).parents[2]
PACKAGE_DIR = PROJECT / "roles" / "edge_exporter" / "files" / "edge_exporter"
sys.path.insert(0, str(PACKAGE_DIR))  # as PYTHONPATH={release}/lib does on a host

WAIT_S = 15
STATUS_PAGE = "Active connections: 3 \nserver accepts handled requests\n 20 19 57 \nReading: 0 Writing: 1 Waiting: 2 \n"


def line(**told: str) -> bytes:
    """Give a log line in a syslog message, as nginx 1.26 sends it; keywords change single fields."""
    fields = {
        "site": "shop", "method": "GET", "status": "200", "time": "0.012", "upstream": "0.010", "received": "70", "sent": "500",
    }  # fmt: skip
    return f"<190>Nov 22 08:54:58 nginx: {json.dumps(fields | told, separators=(',', ':'))}".encode()


class Nginx:
    """A status page that says what it is told to."""

    def __init__(self) -> None:
        self.page, self.code = STATUS_PAGE, 200
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(outer.code)
                self.end_headers()
                self.wfile.write(outer.page.encode())

            def log_message(self, *_: object) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/nginx_status"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def stops(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def nginx() -> Iterator[Nginx]:
    server = Nginx()
    yield server
    server.stops()


class Exporter:
    """The exporter as a program of its own."""

    def __init__(self, folder: Path, status_url: str) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            self.port = taken.getsockname()[1]
        self.log_socket = folder / "log.sock"
        self._config = folder / "edge_exporter.json"
        self.settings: dict[str, Any] = {
            "listen": f"127.0.0.1:{self.port}",
            "log_socket": str(self.log_socket),
            "status_url": status_url,
            "sites": ["shop", "landing"],
            "worker_connections": 1024,
        }
        self.process: subprocess.Popen[bytes] | None = None

    def command(self, name: str) -> subprocess.CompletedProcess[str]:
        """Run a subcommand that ends by itself."""
        self._config.write_text(json.dumps(self.settings), encoding="utf-8")
        return subprocess.run(
            self._argv(name), env=self._env(), capture_output=True, text=True, timeout=WAIT_S, check=False
        )

    def starts(self) -> None:
        """Start it and wait until it takes lines."""
        self._config.write_text(json.dumps(self.settings), encoding="utf-8")
        self.process = subprocess.Popen(self._argv("serve"), env=self._env())
        until(lambda: self.log_socket.exists() and os.access(self.log_socket, os.W_OK), "the socket")
        until(lambda: self._is_bound(), "a listener on the socket")

    def ends(self, by: signal.Signals = signal.SIGTERM) -> int:
        """End it and return its exit code."""
        assert self.process is not None
        self.process.send_signal(by)
        code = self.process.wait(WAIT_S)
        self.process = None
        return code

    def logs(self, *messages: bytes) -> None:
        """Send log lines as nginx does."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.connect(str(self.log_socket))
            for message in messages:
                sender.send(message)

    def metrics(self) -> dict[str, float]:
        """Return the exported samples by name and labels, as they are written."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=WAIT_S) as answer:
            families = text_string_to_metric_families(answer.read().decode())
            return {
                sample.name + "".join(f"|{value}" for _, value in sorted(sample.labels.items())): sample.value
                for family in families
                for sample in family.samples
            }

    def _is_bound(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.connect(str(self.log_socket))
        except OSError:
            return False
        return True

    def _argv(self, name: str) -> list[str]:
        return [sys.executable, "-B", "-m", "promontory_edge_exporter", name, "--config", str(self._config)]

    def _env(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(PACKAGE_DIR)}


def until(condition: Callable[[], Any], what: str) -> Any:
    """Return the first true answer; fail naming `what` after a limit."""
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        if answer := condition():
            return answer
        time.sleep(0.02)
    pytest.fail(f"waited {WAIT_S} s for {what}")


@pytest.fixture
def exporter(tmp_path: Path, nginx: Nginx) -> Iterator[Exporter]:
    """Give an exporter that is not started yet; what still runs at the end is killed."""
    made = Exporter(tmp_path, nginx.url)
    yield made
    if made.process is not None:
        made.ends(signal.SIGKILL)
