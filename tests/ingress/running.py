"""The programs of these tests: nginx, the hub, Prometheus."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.sample_app.conftest import SAMPLE_APP, get, wait_until
from tests.support.processes import end, free_port

TOKEN = "a-token-of-the-tests-" + "z" * 20


@dataclass
class Program:
    """A process with a log.

    Attributes:
        command: Its words.
        log: Where its output goes.
    """

    command: Sequence[str | Path]
    log: Path
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            environment = os.environ | self.environment
            self.process = subprocess.Popen(self.command, env=environment, stdout=log, stderr=log)

    def stop(self) -> None:
        end(self.process)


@dataclass
class Nginx:
    """The ingress.

    Attributes:
        port: On 127.0.0.1, with TLS.
    """

    folder: Path
    port: int
    program: Program

    @classmethod
    def start(cls, executable: Path, folder: Path, port: int, text: str) -> Nginx:
        file = folder / "nginx.conf"
        file.write_text(text, encoding="utf-8")
        # Without -e it would write to the log that it was built with until it has read its configuration.
        command = [executable, "-e", folder / "error.log", "-p", folder, "-c", file]
        started = cls(folder, port, Program(command, folder / "output"))
        started.program.start()
        wait_until((folder / "nginx.pid").exists)
        return started

    def requests(self) -> list[dict[str, str]]:
        """Return what it has answered: `host`, `status`, and `upstream` (address, or nothing)."""
        return [json.loads(line) for line in (self.folder / "access.log").read_text(encoding="utf-8").splitlines()]


@dataclass
class HubProgram:
    """The real hub, in a process of its own."""

    program: Program
    port: int

    @classmethod
    def start(cls, folder: Path, targets: Sequence[str]) -> HubProgram:
        (folder / "token").write_text(f"{TOKEN}\n")
        port = free_port()
        command = [
            sys.executable, "-m", "metrics_hub", f"--targets={','.join(targets)}", f"--token-file={folder}/token",
            f"--listen=127.0.0.1:{port}",
        ]  # fmt: skip
        started = cls(Program(command, folder / "log", {"PYTHONPATH": str(SAMPLE_APP)}), port)
        started.program.start()
        wait_until(lambda: get(f"http://127.0.0.1:{port}/readyz")[0] == 200)
        return started


@dataclass
class Prometheus:
    """A real Prometheus with the role's configuration."""

    program: Program
    port: int

    @classmethod
    def start(cls, executable: Path, folder: Path, configuration: Path) -> Prometheus:
        port = free_port()
        command = [
            executable, f"--config.file={configuration}", f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{port}", "--enable-feature=exemplar-storage",  # the role's default
        ]  # fmt: skip
        started = cls(Program(command, folder / "log"), port)
        started.program.start()
        wait_until(lambda: get(f"http://127.0.0.1:{port}/-/ready")[0] == 200)
        return started

    def api(self, path: str, **parameters: str) -> Any:
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the samples of an instant query."""
        found: list[dict[str, Any]] = self.api("query", query=expression)["result"]
        return found

    def value(self, expression: str) -> float | None:
        """Return the only sample of a query; None without one."""
        found = self.query(expression)
        assert len(found) < 2, found
        return float(found[0]["value"][1]) if found else None

    def firing(self, alert: str) -> list[dict[str, str]]:
        """Return the labels of an alert's firing instances."""
        alerts = self.api("alerts")["alerts"]
        return [one["labels"] for one in alerts if one["labels"]["alertname"] == alert and one["state"] == "firing"]
