"""The service at one URL: sends a request and says what came back, whatever the network does."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from typing import Any


@dataclass(frozen=True)
class Answer:
    """What came back.

    Args:
        status: The HTTP status, or None when nothing came.
        reason: Why nothing came.
        body: A JSON object, if it was one.
        retry_after_s: Seconds after which the service wants to be asked again, if it said so.
        replayed: Whether this is the answer to an earlier request of the same idempotency key.
    """

    status: int | None
    reason: str = ""
    body: dict[str, Any] | None = None
    retry_after_s: float | None = None
    replayed: bool = False

    @property
    def failed(self) -> bool:
        """Whether it is the service's failure: a 5xx, or nothing."""
        return self.status is None or self.status >= 500

    def __str__(self) -> str:
        return f"status {self.status}" if self.status else self.reason


class Site:
    """The service at one URL.

    Args:
        url: Where it is, prefix included, such as "http://203.0.113.10/app/".
        timeout_s: Seconds to wait for an answer.
        ca_file: Certificate authority to trust instead of the system's.
    """

    def __init__(self, url: str, *, timeout_s: float, ca_file: str | None = None) -> None:
        self._url = url.rstrip("/")
        self._timeout_s = timeout_s
        context = ssl.create_default_context(cafile=ca_file)
        # No proxy of the machine in between: the site is on a lab network as often as not.
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )

    def ask(
        self,
        method: str,
        path: str,
        fields: Mapping[str, str] | None = None,
        *,
        token: str | None = None,
        key: str | None = None,
    ) -> Answer:
        """Send one request and wait for its answer; never raises for what a network can do.

        Args:
            method: Of HTTP.
            path: Below the URL, with its slash.
            fields: Sent as a JSON object.
            token: Sent as the bearer token.
            key: Sent as the Idempotency-Key.
        """
        headers = {"Accept": "application/json, text/html;q=0.5", "User-Agent": "fintech-load"}
        content = None
        if fields is not None:
            content = json.dumps(fields).encode()
            headers["Content-Type"] = "application/json"
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if key:
            headers["Idempotency-Key"] = key
        request = urllib.request.Request(self._url + path, content, headers, method=method)  # noqa: S310 - checked
        try:
            with self._opener.open(request, timeout=self._timeout_s) as response:
                return _answer(response.status, response.headers, response.read())
        except urllib.error.HTTPError as error:
            with error:
                return _answer(error.code, error.headers, _rest(error))
        except urllib.error.URLError as error:
            return Answer(None, _name(error.reason))
        except (OSError, http.client.HTTPException) as error:
            return Answer(None, _name(error))


def _rest(error: urllib.error.HTTPError) -> bytes:
    try:
        return error.read()
    except (OSError, http.client.HTTPException):
        return b""  # the status came, and says enough


def _answer(status: int, headers: Message, content: bytes) -> Answer:
    retry_after = headers.get("Retry-After") or ""
    return Answer(
        status,
        body=_json(content) if "json" in (headers.get("Content-Type") or "") else None,
        retry_after_s=float(retry_after) if retry_after.isascii() and retry_after.isdigit() else None,
        replayed=(headers.get("Idempotent-Replayed") or "").lower() == "true",
    )


def _json(content: bytes) -> dict[str, Any] | None:
    try:
        body = json.loads(content)
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _name(error: object) -> str:
    if isinstance(error, TimeoutError | socket.timeout):
        return "timed out"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__
