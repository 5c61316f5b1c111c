"""Services of a few lines that are instrumented by `flask_telemetry` alone, under the real gunicorn."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.sample_app.conftest import SAMPLE_APP, Service, wait_until

COMMAND = ("gunicorn", "--config", "python:flask_telemetry.gunicorn")


@dataclass
class SmallService(Service):
    """A program text that makes `app` and names itself "shop" to its telemetry."""

    source: str = ""
    workers: int = 1
    package_from: Path = SAMPLE_APP

    def environment(self) -> dict[str, str]:
        """Give the program's directory, the metrics port and a place for temporary files that a test can look into."""
        (self.directory / "tmp").mkdir(exist_ok=True)
        arguments = f"--bind=127.0.0.1:{self.port} --threads={self.threads} --graceful-timeout=5 --no-control-socket"
        return os.environ | {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": f"{self.directory}:{self.package_from}",
            "GUNICORN_CMD_ARGS": arguments,
            "WEB_CONCURRENCY": str(self.workers),
            "METRICS_LISTEN": f"127.0.0.1:{self.metrics_port}",
            "TMPDIR": str(self.directory / "tmp"),
            **self.settings,
        }

    def start(self, *flags: str, command: tuple[str, ...] = (*COMMAND, "shop:app")) -> SmallService:
        (self.directory / "shop.py").write_text(self.source)
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, *flags], env=self.environment(), cwd=self.directory, stderr=log, stdout=log
            )
        return self

    def ready(self) -> SmallService:
        wait_until(lambda: self.metrics()("shop_request_threads") == self.threads * self.workers)
        return self

    def shared_directories(self) -> list[Path]:
        return sorted((self.directory / "tmp").glob("flask-telemetry-*"))
