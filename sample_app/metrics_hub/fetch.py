"""Asking one pod for its metrics, within a limit of time and of size that it cannot stretch."""

from __future__ import annotations

import http.client
import socket
import time
from dataclasses import dataclass
from typing import Any

from metrics_hub.errors import ScrapeError
from metrics_hub.exposition import Format
from metrics_hub.targets import Target

POD_NAME_HEADER = "X-Pod-Name"
_CHUNK_BYTES = 65_536


@dataclass(frozen=True)
class Answer:
    """What a pod sent.

    Attributes:
        body: The exposition, not yet looked at.
        name: What the pod calls itself; None when it does not say.
    """

    body: bytes
    name: str | None


class _PatientUntil(socket.socket):
    """A socket on which everything together ends at one moment.

    The time limit of a plain socket begins anew with each read: a pod that sends a byte a second could hold on for ever.
    """

    ends_at: float

    def recv_into(self, *arguments: Any, **options: Any) -> int:
        self.settimeout(self.left_s())
        return super().recv_into(*arguments, **options)

    def left_s(self) -> float:
        left = self.ends_at - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        return left


def fetch(target: Target, form: Format, *, limit_s: float, max_bytes: int) -> Answer:
    """Ask a target for /metrics.

    Args:
        form: The format to ask for; an answer in another one is refused.
        limit_s: Seconds until the last byte must be there.
        max_bytes: Most bytes of an answer.
    Raises:
        ScrapeError: There was no usable answer; the text says why.
    """
    connection = http.client.HTTPConnection(target.host, target.port)
    try:
        connection.sock = _connect(target, time.monotonic() + limit_s)
        # Uncompressed: a small answer that unpacks to a huge one would get past the limit.
        headers = {"Accept": form.content_type, "Accept-Encoding": "identity", "Connection": "close"}
        connection.request("GET", "/metrics", headers=headers)
        response = connection.getresponse()
        return Answer(_body(response, form, max_bytes), response.getheader(POD_NAME_HEADER))
    except TimeoutError as error:
        raise ScrapeError(f"no whole answer within {limit_s:.1f} s") from error
    except (OSError, http.client.HTTPException) as error:
        raise ScrapeError(str(error) or type(error).__name__) from error
    finally:
        connection.close()


def _connect(target: Target, ends_at: float) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)[0]
    connected = _PatientUntil(family, kind, protocol)
    connected.ends_at = ends_at
    try:
        connected.settimeout(connected.left_s())
        connected.connect(address)
    except OSError:
        connected.close()
        raise
    return connected


def _body(response: http.client.HTTPResponse, form: Format, max_bytes: int) -> bytes:
    if response.status != http.client.OK:
        raise ScrapeError(f"it answered with status {response.status}")
    answered = response.getheader("Content-Type", "")
    if answered.partition(";")[0].strip().lower() != form.media_type:
        raise ScrapeError(f"it answered in {answered[:80]!r} and was asked for {form.media_type}")
    if response.getheader("Content-Encoding", "identity").lower() != "identity":
        raise ScrapeError("it answered compressed and was asked not to")
    parts: list[bytes] = []
    size = 0
    while part := response.read(_CHUNK_BYTES):
        parts.append(part)
        size += len(part)
        if size > max_bytes:
            raise ScrapeError(f"its answer is longer than {max_bytes} bytes")
    if response.length:
        raise ScrapeError(f"its answer was cut off, {response.length} bytes are missing")
    return b"".join(parts)
