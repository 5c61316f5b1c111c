"""A real Grafana, started from the archive in the artifact cache, where there is one."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tarfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.promontory.stack.plugins.plugin_utils.grafana import ini

_START_LIMIT_S = 120.0
PASSWORD = "hunter2hunter2"


def archive() -> Path | None:
    """Return the newest archive of Grafana in the artifact cache; None where there is none."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    cache = Path(os.environ.get("PROMONTORY_ARTIFACT_CACHE") or f"{base}/promontory/artifacts")
    found = sorted(cache.glob("grafana-*.linux-amd64.tar.gz"), key=lambda path: path.stat().st_mtime)
    return found[-1] if found else None


def unpack(packed: Path, into: Path) -> Path:
    """Unpack an archive and return the release's directory."""
    with tarfile.open(packed) as tar:
        tar.extractall(into, filter="data")
    [top] = list(into.iterdir())
    return top


@dataclass
class Server:
    """A running Grafana.

    Attributes:
        url: Where it answers.
        release: The unpacked archive.
        config: Its configuration tree; provisioning files go below it.
        data: Its data directory.
    """

    url: str
    release: Path
    config: Path
    data: Path


@contextlib.contextmanager
def running(release: Path, root: Path) -> Iterator[Server]:
    """Run it with a scratch database below ``root`` until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config, data = root / "config", root / "data"
    for directory in (config / "provisioning/datasources", config / "provisioning/dashboards", data):
        directory.mkdir(parents=True)
    sections = {
        "paths": {"data": str(data), "provisioning": str(config / "provisioning"), "plugins": str(data / "plugins")},
        "server": {"http_addr": "127.0.0.1", "http_port": port},
        "security": {"admin_password": PASSWORD},
        "analytics": {"reporting_enabled": False, "check_for_updates": False, "check_for_plugin_updates": False},
        "plugins": {"preinstall_disabled": True},
        "log": {"mode": "console", "level": "warn"},
    }
    (config / "grafana.ini").write_text(ini.render(sections))
    log = (root / "log").open("wb")
    program = subprocess.Popen(
        [str(release / "bin/grafana"), "server", "--homepath", str(release), "--config", str(config / "grafana.ini")],
        stdout=log, stderr=subprocess.STDOUT, env={"PATH": os.environ["PATH"]},
    )
    try:
        server = Server(f"http://127.0.0.1:{port}", release, config, data)
        _wait(server, program, root / "log")
        yield server
    finally:
        program.terminate()
        program.wait(timeout=60)
        log.close()
        shutil.rmtree(data)


def _wait(server: Server, program: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_LIMIT_S
    while time.monotonic() < deadline:
        if program.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{server.url}/api/health", timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
    raise AssertionError(f"Grafana does not come up:\n{log.read_text(errors='replace')[-3000:]}")
