"""Pods that answer what a test tells them to, well or badly."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from metrics_hub.targets import Target

ENOUGH_S = 10.0


@dataclass
class Pod:
    """A listener with metrics.

    Attributes:
        name: Sent as its name; None sends none.
        registry: What it shows.
        headers: Sent beside the usual ones, or in their place.
        body: Sent in place of the registry's exposition.
        host: Where it listens.
        asked: Headers of each request.
    """

    name: str | None = None
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    status: int = 200
    host: str = "127.0.0.1"
    asked: list[dict[str, str]] = field(default_factory=list)
    server: ThreadingHTTPServer | None = None

    def start(self) -> Pod:
        pod = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                pod.asked.append(dict(self.headers))
                encode, content_type = choose_encoder(self.headers.get("Accept", ""))
                body = encode(pod.registry) if pod.body is None else pod.body
                usual = {"Content-Type": content_type, "Content-Length": str(len(body))}
                named = {"X-Pod-Name": pod.name} if pod.name else {}
                self.send_response(pod.status)
                for header, value in (usual | named | pod.headers).items():
                    self.send_header(header, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer((self.host, 0), Handler)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    @property
    def target(self) -> Target:
        assert self.server
        return Target(self.host, self.server.server_address[1])

    def stop(self) -> None:
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None


@dataclass
class RawPod:
    """A listener that does as it likes with each connection, until the other side closes it or `stop` is called."""

    behave: Callable[[socket.socket, threading.Event], None]
    stopped: threading.Event = field(default_factory=threading.Event)

    def start(self) -> RawPod:
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def _accept(self) -> None:
        while not self.stopped.is_set():
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                connection.recv(4096)
                self.behave(connection, self.stopped)
            except OSError:
                pass  # the hub has had enough

    @property
    def target(self) -> Target:
        return Target("127.0.0.1", self.listener.getsockname()[1])

    def stop(self) -> None:
        self.stopped.set()
        # Closing alone would not wake the thread that waits for a connection.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
