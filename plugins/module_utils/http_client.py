"""Questions to one program over HTTP(S), with the link's TLS names and credentials.

A module of its own because it is slow to load: a run that changes nothing asks no program.
"""

from __future__ import annotations

import base64
import http.client
import ssl
import urllib.error
import urllib.request
from pathlib import Path

from ansible_collections.promontory.stack.plugins.module_utils.readback import Readback

_REQUEST_TIMEOUT_S = 5.0
_ACTION_TIMEOUT_S = 60.0


class Client:
    """Asks one program over HTTP(S) with the link's TLS names and credentials."""

    def __init__(self, readback: Readback) -> None:
        self._readback = readback

    def get(self, url: str) -> str:
        """Return the body of a 200 answer.

        Raises:
            OSError: Anything else, with the answer's first line as its text.
        """
        return self.ask("GET", url, timeout_s=_REQUEST_TIMEOUT_S)

    def post(self, url: str) -> str:
        """Have the program do something that takes its time, and return the body of its 2xx answer.

        Raises:
            PermissionError: It does not take the credentials.
            OSError: Anything else, with the answer's first line as its text.
        """
        return self.ask("POST", url, body=b"", timeout_s=_ACTION_TIMEOUT_S)

    def ask(self, method: str, url: str, *, body: bytes | None = None, timeout_s: float) -> str:
        """Send one request and return the body of its 2xx answer.

        Args:
            method: Such as ``PUT``.
            url: Where to.
            body: JSON, as bytes; None for none.
            timeout_s: How long an answer may take, seconds.
        Raises:
            PermissionError: 401 or 403.
            OSError: Anything else; ``errno`` is not set, the text has status and first words of the answer.
        """
        spec = self._readback
        try:
            request = urllib.request.Request(url, data=body, method=method)  # noqa: S310 - the role's own URL
        except ValueError as error:
            raise OSError(f"{url!r} is no URL: {error}") from error
        if body is not None:
            request.add_header("Content-Type", "application/json")
        if spec.username:
            password = Path(spec.password_file).read_text(encoding="utf-8").rstrip("\n")
            request.add_header(
                "Authorization", "Basic " + base64.b64encode(f"{spec.username}:{password}".encode()).decode()
            )
        if spec.bearer:
            request.add_header("Authorization", f"Bearer {spec.bearer}")
        handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]  # a proxy cannot see loopback
        if url.startswith("https:"):
            handlers.append(_named_https(spec))
        try:
            with urllib.request.build_opener(*handlers).open(request, timeout=timeout_s) as answer:
                return str(answer.read().decode("utf-8", "replace"))
        except urllib.error.HTTPError as error:
            kind = PermissionError if error.code in (401, 403) else OSError
            raise kind(f"{url} answers {error.code}: {error.read(400).decode('utf-8', 'replace').strip()}") from error
        except urllib.error.URLError as error:
            raise OSError(f"{url}: {error.reason}") from error
        except http.client.HTTPException as error:
            raise OSError(f"{url}: {error!r}") from error

    def metric(self, url: str, name: str) -> float | None:
        """Return the value of a metric without labels; None when it is not exposed."""
        for line in self.get(url).splitlines():
            if line.startswith(f"{name} "):
                return float(line.split()[1])
        return None


def _named_https(spec: Readback) -> urllib.request.HTTPSHandler:
    context = ssl.create_default_context(cafile=spec.ca_file or None)
    if not spec.server_name:
        return urllib.request.HTTPSHandler(context=context)

    class Named(http.client.HTTPSConnection):
        """Connects to the URL's address and expects the certificate of another name."""

        def connect(self) -> None:
            http.client.HTTPConnection.connect(self)
            self.sock = context.wrap_socket(self.sock, server_hostname=spec.server_name)

    class Handler(urllib.request.HTTPSHandler):
        """Opens https URLs with that connection."""

        def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(Named, req)

    return Handler(context=context)
