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
from flask_telemetry.listener import Listen, start_listener
from tests.sample_app.conftest import SECRET_KEY, get

Start = Callable[..., int]


@pytest.fixture
def start() -> Iterator[Start]:
    """Give a function that starts a listener and returns its port."""
    started = []

    def begin(tls: ssl.SSLContext | None = None) -> int:
        registry = CollectorRegistry()
        Gauge("answer", "The answer.", registry=registry).set(42)
        server = start_listener(registry, Listen("127.0.0.1", 0, tls))
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


@pytest.mark.parametrize("pod_name", [None, "fintech-7d4b9c-x2x"])
def test_the_metrics_name_the_pod_that_they_are_from(pod_name: str | None) -> None:
    server = start_listener(CollectorRegistry(), Listen("127.0.0.1", 0, pod_name=pod_name))
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.server_address[1]}/metrics", timeout=5) as response:
            assert response.headers["X-Pod-Name"] == pod_name
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [("", "127.0.0.1", 9464), ("0.0.0.0:1", "0.0.0.0", 1), ("[::1]:9464", "::1", 9464)],
)
def test_the_address_is_read_from_the_environment(text: str, host: str, port: int) -> None:
    listen = Listen.from_environ({"METRICS_LISTEN": text, "POD_NAME": "pod-1"})
    assert (listen.host, listen.port, listen.pod_name) == (host, port, "pod-1")


@pytest.mark.parametrize("text", ["9464", ":9464", "x:", "x:99999", "x:-1", "x:٣"])
def test_an_address_that_is_none_is_refused_and_named(text: str) -> None:
    with pytest.raises(ValueError, match=f"METRICS_LISTEN is {text!r}: write address:port"):
        Listen.from_environ({"METRICS_LISTEN": text})
