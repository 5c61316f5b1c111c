"""The metrics listener: a port and threads of its own, so that it answers while every thread of the service is busy."""

from __future__ import annotations

import logging
import ssl
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

_LOG = logging.getLogger(__name__)
_CLIENT_TIMEOUT_S = 10


@dataclass(frozen=True)
class Listen:
    """Where and how the metrics listener listens.

    Args:
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one, to be read from `server_address`.
        tls: Certificate and key to speak TLS with; None for plain HTTP.
        pod_name: Sent with the metrics as X-Pod-Name, so that whoever gathers those of many can tell them apart.
    """

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    pod_name: str | None = None

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Listen:
        """Read METRICS_LISTEN (address:port, 127.0.0.1:9464 when not set) and POD_NAME.

        Raises:
            ValueError: METRICS_LISTEN is something else.
        """
        text = environ.get("METRICS_LISTEN") or "127.0.0.1:9464"
        host, _, port = text.rpartition(":")
        if not host or not port.isascii() or not port.isdigit() or not 0 <= int(port) <= 65535:
            raise ValueError(f'METRICS_LISTEN is {text!r}: write address:port, such as "127.0.0.1:9464"')
        return cls(host.removeprefix("[").removesuffix("]"), int(port), pod_name=environ.get("POD_NAME"))


class _MetricsHTTPServer(ThreadingHTTPServer):
    # While gunicorn replaces a worker, the old and the new one hold this port together. Without the option the new
    # one could not start, and gunicorn would give up the whole service.
    allow_reuse_port = True
    daemon_threads = True
    registry: CollectorRegistry
    pod_name: str | None

    def handle_error(self, request: object, client_address: object) -> None:
        """Log in one line what a client broke off; the base class would print a trace past the log."""
        _LOG.info("the metrics client %s broke off: %s", client_address, sys.exc_info()[1])


class _Handler(BaseHTTPRequestHandler):
    server: _MetricsHTTPServer
    server_version = "metrics"
    sys_version = ""
    timeout = _CLIENT_TIMEOUT_S

    def do_GET(self) -> None:
        """Answer /metrics and /livez, and nothing else."""
        path = urlsplit(self.path).path
        if path == "/metrics":
            encode, content_type = choose_encoder(self.headers.get("Accept") or "")
            self._answer(200, content_type, encode(self.server.registry))
        elif path == "/livez":
            self._answer(200, "text/plain; charset=utf-8", b"ok\n")
        else:
            self._answer(404, "text/plain; charset=utf-8", b"Here are /metrics and /livez.\n")

    do_HEAD = do_GET  # noqa: N815 - the base class looks for this name

    def _answer(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        if self.server.pod_name:
            self.send_header("X-Pod-Name", self.server.pod_name)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Say nothing: a line per scrape tells nobody anything."""


def start_listener(registry: CollectorRegistry, listen: Listen) -> ThreadingHTTPServer:
    """Serve a registry from a background thread.

    Args:
        registry: What is shown under /metrics.
        listen: Where and how.
    Returns:
        The running server; `shutdown()` and `server_close()` end it.
    Raises:
        OSError: The address is not ours or the port is taken.
    """
    server = _MetricsHTTPServer((listen.host, listen.port), _Handler)
    server.registry, server.pod_name = registry, listen.pod_name
    if listen.tls is not None:
        # The handshake happens at the first read, in the client's own thread: a slow client holds up nobody else.
        server.socket = listen.tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server
