"""A small HTTP(S) server on loopback for tests."""

from __future__ import annotations

import base64
import http.server
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Site:
    """What a server answers and what it was asked.

    Attributes:
        pages: ``{path: body}``; a function is called for each request and makes it a 503 with None. Anything else
            is 404.
        password: ``user:password`` it wants; empty for none.
        asked: ``METHOD path`` of each request.
        url: Where it answers, without a slash at the end.
    """

    pages: dict[str, str | bytes | Callable[[], str | None]] = field(default_factory=dict)
    password: str = ""
    asked: list[str] = field(default_factory=list)
    url: str = ""


@contextmanager
def serving(site: Site, *, certificate: Path | None = None) -> Iterator[Site]:
    """Serve a site, over TLS with a certificate (a PEM file with its key), until the block ends."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append(f"{self.command} {self.path}")
            expected = "Basic " + base64.b64encode(site.password.encode()).decode()
            page = site.pages.get(self.path)
            body = page() if callable(page) else page
            if site.password and self.headers.get("Authorization") != expected:
                self.send_error(401)
            elif body is None:
                self.send_error(503 if page else 404)
            else:
                body = body.encode() if isinstance(body, str) else body
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.do_GET()

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            site.url = f"http{'s' if certificate else ''}://127.0.0.1:{server.server_port}"
            yield site
        finally:
            server.shutdown()
            thread.join()


def make_certificate(directory: Path, name: str) -> Path:
    """Make a self-signed certificate for a DNS name; the file holds its key too and serves as its own authority."""
    path = directory / f"{name}.pem"
    key = directory / f"{name}.key"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-keyout", str(key), "-out", str(path),
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    path.write_text(path.read_text() + key.read_text())
    return path
