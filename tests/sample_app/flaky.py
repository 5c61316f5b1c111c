"""A reverse proxy that loses answers, makes some up and asks for patience, as networks and gateways do."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

FORWARD, LOSE_ANSWER, MAKE_UP_SUCCESS, ASK_FOR_PATIENCE = range(4)


@dataclass
class Flaky:
    """What the proxy does to each request, told by its method, path and number among those of this method and path.

    Attributes:
        keys: Idempotency keys by path, in the order of their requests.
    """

    behaves: Callable[[str, str, int], int] = lambda method, path, number: FORWARD
    url: str = ""
    keys: dict[str, list[str]] = field(default_factory=dict)
    seen: dict[tuple[str, str], int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def number_of(self, method: str, path: str, key: str | None) -> int:
        """Count a request; the first of its kind is 1."""
        with self.lock:
            self.seen[method, path] = self.seen.get((method, path), 0) + 1
            if key:
                self.keys.setdefault(path, []).append(key)
            return self.seen[method, path]


@contextmanager
def serve(flaky: Flaky, upstream: str) -> Iterator[Flaky]:
    """Serve the proxy on a free port, in front of the service at `upstream`."""
    target = urlsplit(upstream)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            behaviour = flaky.behaves(
                self.command, path, flaky.number_of(self.command, path, self.headers.get("Idempotency-Key"))
            )
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if behaviour == MAKE_UP_SUCCESS:
                self._answer(201, {}, b"{}")
            elif behaviour == ASK_FOR_PATIENCE:
                self._answer(429, {"Retry-After": "1"}, b"")
            else:
                status, headers, content = self._forward(body)
                if behaviour == LOSE_ANSWER:
                    self.close_connection = True
                else:
                    self._answer(status, headers, content)

        def do_POST(self) -> None:
            self.do_GET()

        def _forward(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
            assert target.hostname
            connection = http.client.HTTPConnection(target.hostname, target.port, timeout=10)
            headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
            connection.request(self.command, self.path, body, headers)
            response = connection.getresponse()
            content = response.read()
            connection.close()
            return response.status, dict(response.getheaders()), content

        def _answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
            self.send_response(status)
            for name in ("Content-Type", "Idempotent-Replayed", "Retry-After"):
                if name in headers:
                    self.send_header(name, headers[name])
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: object) -> None:
            """Keep the test's output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    flaky.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield flaky
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
