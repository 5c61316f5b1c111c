"""One line of the access log, as nginx' log format `edge_metrics` writes it into a syslog message.

The format is JSON: {"site", "method", "status", "time", "upstream", "received", "sent"}. `upstream` is nginx' own list of
seconds: one for each server that was tried, `-` where none answered, and " : " where an internal redirect came between.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
OTHER = "other"
_BETWEEN_TRIES = re.compile(r"[,:]")


class LineError(ValueError):
    """A message is no such line; says what is wrong with it."""


@dataclass(frozen=True)
class Request:
    """One request that nginx has answered.

    Attributes:
        site: Which part of the edge it was for, as the configuration names it.
        method: One of METHODS, or `other`: clients may send any word.
        status: Code that the client got, 100 to 599, and 499 where it went away before.
        duration_s: Seconds from the first byte read to the last one sent.
        upstream_s: Seconds that the servers behind took together; None where none was asked.
        tries: Servers that were asked.
        received_bytes: Length of the request, head and body.
        sent_bytes: Length of the answer, head and body.
    """

    site: str
    method: str
    status: int
    duration_s: float
    upstream_s: float | None
    tries: int
    received_bytes: int
    sent_bytes: int

    @property
    def status_class(self) -> str:
        """`2xx` and the like."""
        return f"{self.status // 100}xx"


def parse(message: bytes) -> Request:
    """Read one syslog message.

    Raises:
        LineError: It holds no line in the format above.
    """
    start = message.find(b"{")
    if start < 0:
        raise LineError("no line of the format edge_metrics")
    try:
        told = json.loads(message[start:])
        tries = [part.strip() for part in _BETWEEN_TRIES.split(told["upstream"]) if part.strip()]
        seconds = [float(part) for part in tries if part != "-"]
        method, status = told["method"], int(told["status"])
        if not 100 <= status <= 599:
            raise LineError(f"status {status} is none of HTTP")
        return Request(
            site=str(told["site"]),
            method=method if method in METHODS else OTHER,
            status=status,
            duration_s=float(told["time"]),
            upstream_s=sum(seconds) if tries else None,
            tries=len(tries),
            received_bytes=int(told["received"]),
            sent_bytes=int(told["sent"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise error if isinstance(error, LineError) else LineError(f"{type(error).__name__}: {error}") from error
