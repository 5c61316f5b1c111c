"""`python -m metrics_hub` as it is run: what it refuses, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sample_app.conftest import get, wait_until
from tests.support.processes import free_port

SAMPLE_APP = Path(__file__).parents[2] / "sample_app"
ENVIRONMENT = os.environ | {"PYTHONPATH": str(SAMPLE_APP)}
TOKEN = "t" * 40


@pytest.fixture
def token(tmp_path: Path) -> str:
    file = tmp_path / "token"
    file.write_text(TOKEN)
    return f"--token-file={file}"


def command(*options: str) -> list[str]:
    return [sys.executable, "-m", "metrics_hub", *options]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--targets=a:1"], "--token-file: it is missing, and everybody could read. Name one, or --tls-client-ca."),
        (["--targets=a", "TOKEN"], "--targets: 'a' has no port from 1 to 65535."),
        (["--targets=a:1", "--token-file=/nowhere"], "--token-file: cannot read /nowhere: No such file or directory."),
        (["--targets=a:1", "TOKEN", "--listen=9465"], "--listen: it is '9465'. Write address:port"),
        (["--targets=a:1", "TOKEN", "--listen=192.0.2.1:1"], "--listen: cannot listen on 192.0.2.1:1: "),
        (["--targets=a:1", "TOKEN", "--max-pods=0"], "--max-pods: it is 0. Write a positive number."),
        (["--targets=a:1", "TOKEN", "--timeout=nan"], "--timeout: it is nan. Write a positive number."),
        (["--targets=a:1", "TOKEN", "--tls-cert=/c"], "--tls-key: it is missing, but the other half is there."),
        (["--targets=a:1", "--tls-client-ca=/c"], "--tls-client-ca: without --tls-cert there is no TLS."),
        (["--targets=a:1", "TOKEN", "--tls-cert=/c", "--tls-key=/k"], "--tls-cert: cannot use /c with /k: No such file"),
    ],
)
def test_what_cannot_be_used_is_refused_with_one_line(token: str, options: list[str], message: str) -> None:
    given = [token if option == "TOKEN" else option for option in options]

    done = subprocess.run(
        command(*given), env=ENVIRONMENT, capture_output=True, text=True, timeout=30, check=False
    )

    assert done.returncode == 2
    assert done.stderr.startswith(f"metrics_hub: {message}"), done.stderr
    assert done.stderr.count("\n") == 1
    assert TOKEN not in done.stderr


def test_it_serves_logs_in_json_and_ends_when_told(token: str) -> None:
    port = free_port()
    started = subprocess.Popen(
        command("--targets=127.0.0.1:1", token, f"--listen=127.0.0.1:{port}"),
        env=ENVIRONMENT, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        wait_until(lambda: get(f"http://127.0.0.1:{port}/readyz")[0] == 200)
        asked = subprocess.run(
            [sys.executable, "-c", f"import urllib.request as u; print(u.urlopen(u.Request('http://127.0.0.1:{port}/metrics', "
             f"headers={{'Authorization': 'Bearer {TOKEN}'}})).read().decode())"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    finally:
        started.send_signal(signal.SIGTERM)
        _, log = started.communicate(timeout=15)

    assert 'metrics_hub_target_up{pod="127.0.0.1:1"} 0.0' in asked.stdout
    assert started.returncode == 0
    assert [json.loads(line)["message"] for line in log.splitlines()] == [
        "pod 127.0.0.1:1 counts as down: [Errno 111] Connection refused"
    ]
