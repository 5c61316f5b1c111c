"""Who gets what from the hub's listener."""

from __future__ import annotations

import gzip
import http.client
import shutil
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from metrics_hub.errors import OptionError
from metrics_hub.exposition import Format
from metrics_hub.hub import Hub
from metrics_hub.server import Address, HubServer
from metrics_hub.tls import RenewedTls, TlsFiles
from metrics_hub.token_file import TokenFile
from tests.mailbox.certificates import Certificate, certificate
from tests.metrics_hub.pods import Pod
from tests.metrics_hub.reading import up

OLD, NEW = "o" * 40, "n" * 40


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.write_text(f"{OLD}\n")
    return file


@pytest.fixture
def make_server(make_hub: Callable[..., Hub], make_pod: Callable[..., Pod]) -> Iterator[Callable[..., HubServer]]:
    """Give a function that serves a hub with one pod."""
    made: list[HubServer] = []

    def make(token: Path | None = None, tls: TlsFiles | None = None) -> HubServer:
        hub = make_hub(make_pod("fintech-a"))
        access = TokenFile(token) if token else None
        made.append(HubServer(Address("127.0.0.1", 0), hub, access, RenewedTls(tls) if tls else None))
        threading.Thread(target=made[-1].serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return made[-1]

    yield make
    for server in made:
        server.shutdown()
        server.server_close()


def ask(
    server: HubServer, path: str = "/metrics", token: str | None = None, context: ssl.SSLContext | None = None,
    method: str = "GET", **headers: str,
) -> tuple[http.client.HTTPResponse, bytes]:  # fmt: skip
    """Return the answer and its body; headers in Python's spelling."""
    port = server.server_address[1]
    connection = (
        http.client.HTTPSConnection("localhost", port, context=context, timeout=10)
        if context
        else http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    )
    shown = {"Authorization": f"Bearer {token}"} if token is not None else {}
    try:
        connection.request(method, path, headers=shown | {name.replace("_", "-"): v for name, v in headers.items()})
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


def status(server: HubServer, path: str = "/metrics", token: str | None = None, **options: str) -> int:
    return ask(server, path, token, **options)[0].status


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", f"Bearer {OLD}x", f"Bearer {OLD[:-1]}", f"Basic {OLD}", OLD, f"Bearer {OLD} {OLD}"],
)
def test_without_the_token_nobody_reads(
    make_server: Callable[..., HubServer], token_file: Path, authorization: str
) -> None:
    response, body = ask(make_server(token_file), Authorization=authorization)

    assert (response.status, response.headers["WWW-Authenticate"]) == (401, 'Bearer realm="metrics"')
    assert b"metrics_hub" not in body


def test_with_the_token_all_pods_are_read(make_server: Callable[..., HubServer], token_file: Path) -> None:
    response, body = ask(make_server(token_file), token=OLD, Accept="application/openmetrics-text; version=1.0.0")

    assert response.headers["Content-Type"] == Format.OPENMETRICS.content_type
    assert up(body.decode()) == {"fintech-a": 1}


def test_a_token_is_renewed_without_a_restart_and_without_a_gap(
    make_server: Callable[..., HubServer], token_file: Path
) -> None:
    server = make_server(token_file)

    token_file.write_text(f"{NEW}\n{OLD}\n")
    both = [status(server, token=token) for token in (OLD, NEW)]
    token_file.write_text(f"{NEW}\n")
    new = [status(server, token=token) for token in (OLD, NEW)]

    assert (both, new) == ([200, 200], [401, 200])


@pytest.mark.parametrize("content", [None, "", "\n\n", "short\n"])
def test_a_token_file_gone_bad_lets_nobody_in_and_says_not_ready(
    make_server: Callable[..., HubServer], token_file: Path, content: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    server = make_server(token_file)

    token_file.unlink()
    if content is not None:
        token_file.write_text(content)

    assert [status(server, token=token) for token in (OLD, "", "short")] == [503, 503, 503]
    assert (status(server, "/readyz"), status(server, "/healthz")) == (503, 200)
    assert str(token_file) in caplog.text
    assert OLD not in caplog.text


@pytest.mark.parametrize("content", [None, "", "short\n"])
def test_a_token_file_that_is_no_use_is_refused_at_the_start(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_text(content)

    with pytest.raises(OptionError, match=rf"^--token-file: .*{file}.*Put a long random text"):
        TokenFile(file)


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/healthz", 200), ("/readyz", 200), ("/readyz?x=1", 200), ("/", 404), ("/metrics/", 404),
     ("/METRICS", 404), ("/%6detrics", 404), ("/metrics;x", 404), ("/x/../metrics", 404), ("/metrics?x=1", 401),
     ("//metrics", 401)],  # Python takes the two for one
)  # fmt: skip
def test_three_paths_are_there_and_the_metrics_are_behind_the_token(
    make_server: Callable[..., HubServer], token_file: Path, path: str, expected: int
) -> None:
    assert status(make_server(token_file), path) == expected


def test_head_shows_no_body_and_other_methods_are_not_known(
    make_server: Callable[..., HubServer], token_file: Path
) -> None:
    server = make_server(token_file)

    head, body = ask(server, token=OLD, method="HEAD")

    assert (head.status, body) == (200, b"")
    assert status(server, token=OLD, method="POST") == 501


def test_a_client_that_takes_gzip_gets_it(make_server: Callable[..., HubServer], token_file: Path) -> None:
    server = make_server(token_file)

    packed, body = ask(server, token=OLD, Accept_Encoding="gzip")
    plain, text = ask(server, token=OLD, Accept_Encoding="identity")

    assert (packed.headers["Content-Encoding"], plain.headers["Content-Encoding"]) == ("gzip", None)
    assert gzip.decompress(body).splitlines()[0] == text.splitlines()[0]


def test_scrapes_beyond_the_limit_are_told_to_come_back(
    make_server: Callable[..., HubServer], token_file: Path
) -> None:
    server = make_server(token_file)
    while server.scrapes.acquire(blocking=False):
        pass

    refused, _ = ask(server, token=OLD)
    server.scrapes.release()

    assert (refused.status, refused.headers["Retry-After"]) == (503, "5")
    assert [status(server, token=OLD) for _ in range(2)] == [200, 200], "each gives its place back"


def trusting(files: Certificate, shown: Certificate | None = None) -> ssl.SSLContext:
    """Make a client's context; `shown` is the certificate that it shows."""
    context = ssl.create_default_context(cafile=str(files.authority))
    if shown:
        context.load_cert_chain(shown.certificate, shown.key)
    return context


def test_with_mutual_tls_a_certificate_of_the_right_issuer_is_needed(
    make_server: Callable[..., HubServer], tmp_path: Path
) -> None:
    own, client, stranger = (certificate(tmp_path / name) for name in ("own", "client", "stranger"))
    server = make_server(tls=TlsFiles(own.certificate, own.key, client.authority))

    assert ask(server, context=trusting(own, shown=client))[0].status == 200
    for shown in (None, stranger):
        with pytest.raises((ssl.SSLError, ConnectionError)):
            ask(server, context=trusting(own, shown=shown))
    with pytest.raises((http.client.HTTPException, OSError)):
        ask(server)


def test_certificates_are_renewed_without_a_restart(
    make_server: Callable[..., HubServer], tmp_path: Path, token_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = certificate(tmp_path / "first"), certificate(tmp_path / "second")
    used = TlsFiles(tmp_path / "cert.pem", tmp_path / "key.pem")
    shutil.copy(first.certificate, used.certificate)
    shutil.copy(first.key, used.key)
    server = make_server(token_file, used)
    assert ask(server, token=OLD, context=trusting(first))[0].status == 200

    shutil.copy(second.certificate, used.certificate)
    between = ask(server, token=OLD, context=trusting(first))[0].status
    shutil.copy(second.key, used.key)
    after = ask(server, token=OLD, context=trusting(second))[0].status

    assert (between, after) == (200, 200)
    assert "the former certificates stay: --tls-cert: cannot use" in caplog.text
