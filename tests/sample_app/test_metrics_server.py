"""The metrics listener by itself: TLS, and clients that behave badly."""

from __future__ import annotations

import socket
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Gauge

from fintech.config import Settings
from fintech.metrics_server import start_metrics_server
from tests.sample_app.conftest import SECRET_KEY, get

Start = Callable[..., int]


@pytest.fixture
def start() -> Iterator[Start]:
    """Give a function that starts a listener and returns its port."""
    started = []

    def begin(tls: ssl.SSLContext | None = None) -> int:
        registry = CollectorRegistry()
        Gauge("answer", "The answer.", registry=registry).set(42)
        server = start_metrics_server(registry, "127.0.0.1", 0, tls)
        started.append(server)
        return server.server_address[1]

    yield begin
    for server in started:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"]
    argv += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run([*argv, "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True)
    return cert, key


def test_with_certificate_and_key_it_speaks_tls_and_only_tls(start: Start, certificate: tuple[Path, Path]) -> None:
    cert, key = certificate
    environ = {"FINTECH_METRICS_TLS_CERT": str(cert), "FINTECH_METRICS_TLS_KEY": str(key)}
    port = start(Settings.from_environ({"FINTECH_SECRET_KEY": SECRET_KEY} | environ).metrics_tls)
    trusting = ssl.create_default_context(cafile=str(cert))
    with urllib.request.urlopen(f"https://127.0.0.1:{port}/metrics", context=trusting, timeout=5) as response:
        assert b"answer 42.0" in response.read()
    assert get(f"http://127.0.0.1:{port}/metrics")[0] == 0


@pytest.mark.parametrize("sent", [b"", b"\0" * 100, b"GET /metrics", b"NONSENSE\r\n\r\n"], ids=repr)
@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "tls"])
def test_a_client_that_hangs_or_talks_nonsense_holds_up_nobody(
    start: Start, certificate: tuple[Path, Path], sent: bytes, encrypted: bool
) -> None:
    tls = None
    if encrypted:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(*certificate)
    port = start(tls)
    trusting = ssl.create_default_context(cafile=str(certificate[0]))
    with socket.create_connection(("127.0.0.1", port)) as bad:
        bad.sendall(sent)
        started = time.monotonic()
        url = f"{'https' if encrypted else 'http'}://127.0.0.1:{port}/livez"
        with urllib.request.urlopen(url, context=trusting if encrypted else None, timeout=5) as response:
            assert response.read() == b"ok\n"
        assert time.monotonic() - started < 2
