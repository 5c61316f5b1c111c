"""The hub's listener: /metrics for those who show a token, /healthz and /readyz for Kubernetes."""

from __future__ import annotations

import gzip
import logging
import math
import socket
import ssl
import sys
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client.exposition import choose_encoder, gzip_accepted

from metrics_hub.errors import NotNow
from metrics_hub.exposition import Format
from metrics_hub.hub import Hub
from metrics_hub.tls import RenewedTls
from metrics_hub.token_file import TokenFile

_LOG = logging.getLogger(__name__)
_CLIENT_TIMEOUT_S = 10
_SCRAPES_AT_ONCE = 4  # two Prometheus, and one of them trying again; more would only need memory
_PLAIN = "text/plain; charset=utf-8"


@dataclass(frozen=True)
class Address:
    """Where to listen; port 0 takes a free one."""

    host: str
    port: int


class HubServer(ThreadingHTTPServer):
    """Serves a hub. HTTP/1.0: each connection ends with its answer, so nothing can be smuggled behind a request."""

    # At the end, answers under way are waited for; each is bounded by the time limit of its scrape and its client.
    daemon_threads = False
    request_queue_size = 64

    def __init__(self, address: Address, hub: Hub, token: TokenFile | None, tls: RenewedTls | None) -> None:
        """Bind the address.

        Args:
            token: None lets everybody read who gets through `tls`.
            tls: None speaks plain HTTP.
        Raises:
            OSError: The address is not ours or the port is taken.
        """
        self.address_family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        super().__init__((address.host, address.port), _Handler)
        self.hub = hub
        self.token = token
        self.scrapes = threading.BoundedSemaphore(_SCRAPES_AT_ONCE)
        self._tls = tls

    def get_request(self) -> tuple[socket.socket, object]:
        """Take a connection; the handshake happens at the first read, in the client's own thread."""
        connection, client = super().get_request()
        if self._tls:
            try:
                wrapped = self._tls.context().wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
            except (OSError, ssl.SSLError):
                connection.close()
                raise
            return wrapped, client
        return connection, client

    def handle_error(self, request: object, client_address: object) -> None:
        """Log in one line what a client broke off; the base class would print a trace past the log."""
        error = sys.exc_info()[1]
        if isinstance(error, OSError):
            _LOG.info("the client %s broke off: %s", client_address, error)
        else:
            _LOG.error("an answer to %s failed", client_address, exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    server: HubServer
    server_version = "metrics-hub"
    sys_version = ""
    timeout = _CLIENT_TIMEOUT_S

    def do_GET(self) -> None:
        """Answer three paths and nothing else; what only resembles one of them is none."""
        path = self.path.partition("?")[0]
        if path == "/metrics":
            self._metrics()
        elif path == "/healthz":
            self._answer(200, "ok\n")
        elif path == "/readyz":
            self._ready()
        else:
            self._answer(404, "Here are /metrics, /healthz and /readyz.\n")

    do_HEAD = do_GET  # noqa: N815 - the base class looks for this name

    def _ready(self) -> None:
        """Ready is a hub that could answer Prometheus. Pods that are down are its news, not its fault."""
        try:
            if self.server.token:
                self.server.token.read()
        except NotNow as error:
            self._answer(503, f"{error}\n")
        else:
            self._answer(200, "ready\n")

    def _metrics(self) -> None:
        try:
            allowed = self.server.token is None or self.server.token.accepts(self.headers.get("Authorization", ""))
        except NotNow as error:
            _LOG.error("nobody can be let in: %s", error)
            self._answer(503, "The hub cannot tell who is allowed to read.\n")
            return
        if not allowed:
            self._answer(401, "Show a bearer token.\n", {"WWW-Authenticate": 'Bearer realm="metrics"'})
        elif not self.server.scrapes.acquire(blocking=False):
            self._answer(503, "Too many scrapes are under way.\n", {"Retry-After": "5"})
        else:
            try:
                form = _format_for(self.headers.get("Accept", ""))
                text = self.server.hub.scrape(form, _seconds(self.headers.get("X-Prometheus-Scrape-Timeout-Seconds")))
            finally:
                self.server.scrapes.release()
            self._answer(200, text, content_type=form.content_type)

    def _answer(
        self, status: int, text: str, headers: dict[str, str] | None = None, content_type: str = _PLAIN
    ) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status == 200 and gzip_accepted(self.headers.get("Accept-Encoding", "")):
            body = gzip.compress(body, compresslevel=1)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Say nothing: a line per scrape tells nobody anything."""


def _format_for(accept: str) -> Format:
    """Choose what the client understands best, by the rules of prometheus_client."""
    _, content_type = choose_encoder(accept)
    return Format.OPENMETRICS if content_type.startswith(Format.OPENMETRICS.media_type) else Format.TEXT


def _seconds(text: str | None) -> float | None:
    """Read Prometheus' time limit; None for anything that is no length of time."""
    try:
        seconds = float(text or "")
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds > 0 else None
