"""A client that says to the ingress exactly what a test wrote, from an address of its choice."""

from __future__ import annotations

import re
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

_ANSWER_LIMIT_S = 5.0


@dataclass(frozen=True)
class Answers:
    """Everything that came back until the connection ended.

    Attributes:
        statuses: Of each answer, in order.
        text: All of it.
    """

    statuses: list[int]
    text: str

    @property
    def has_metrics(self) -> bool:
        """Whether any exposition is in it, or the hub spoke."""
        return bool(re.search(r"# (TYPE|HELP) |metrics_hub_|fintech_build_info|Show a bearer token", self.text))


@dataclass(frozen=True)
class Attacker:
    """Someone at an address.

    Attributes:
        port: Of the ingress.
        source: Address of this machine's loopback that it comes from.
        authority: Whom it trusts.
    """

    port: int
    source: str
    authority: Path

    def says(self, request: bytes) -> Answers:
        """Send bytes as they are; end when the other side does, or says no more."""
        context = ssl.create_default_context(cafile=str(self.authority))
        received = b""
        with (
            socket.create_connection(("127.0.0.1", self.port), _ANSWER_LIMIT_S, source_address=(self.source, 0)) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as connection,
        ):
            connection.sendall(request)
            try:
                while part := connection.recv(65_536):
                    received += part
            except (TimeoutError, ConnectionError, ssl.SSLError):
                pass  # what came until then is judged
        statuses = [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3}) ", received)]
        return Answers(statuses, received.decode("utf-8", "replace"))

    def gets(self, path: str, host: str, **headers: str) -> Answers:
        """Send a usual request; headers in Python's spelling."""
        lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        return self.says("\r\n".join([*lines, "", ""]).encode("latin-1"))
