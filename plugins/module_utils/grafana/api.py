"""A thin client of Grafana's HTTP API, with its own words where it refuses."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, urlencode

from ansible_collections.promontory.stack.plugins.module_utils.errors import ComponentError
from ansible_collections.promontory.stack.plugins.module_utils.http_client import Client
from ansible_collections.promontory.stack.plugins.module_utils.readback import Readback

_TIMEOUT_S = 30.0
_PAGE = 1000  # Grafana's largest page of a search


class Refused(ComponentError):
    """Grafana does not do what it was asked; the detail is its own message."""


class NotAllowed(Refused):
    """Grafana does not take the credentials."""


class Missing(Refused):
    """What was asked for is not there."""


class Api:
    """One Grafana server and one account on it.

    Args:
        url: Base URL without a slash at the end.
        readback: TLS names and credentials, as for a component's readback.
    """

    def __init__(self, url: str, readback: Readback) -> None:
        self.url = url.rstrip("/")
        self._client = Client(readback)

    def get(self, path: str, **query: Any) -> Any:
        """Return the JSON answer to a GET below ``/api``.

        Raises:
            Missing: 404. NotAllowed: 401 or 403. Refused: any other refusal. OSError: nobody answers.
        """
        return self._ask("GET", path + (f"?{urlencode(query)}" if query else ""), None)

    def post(self, path: str, body: Any) -> Any:
        """Send a POST; raises as :meth:`get`."""
        return self._ask("POST", path, body)

    def put(self, path: str, body: Any) -> Any:
        """Send a PUT; raises as :meth:`get`."""
        return self._ask("PUT", path, body)

    def patch(self, path: str, body: Any) -> Any:
        """Send a PATCH; raises as :meth:`get`."""
        return self._ask("PATCH", path, body)

    def delete(self, path: str) -> Any:
        """Send a DELETE; raises as :meth:`get`."""
        return self._ask("DELETE", path, None)

    def all_pages(self, path: str, key: str) -> list[dict[str, Any]]:
        """Return everything that a search finds, page by page."""
        found: list[dict[str, Any]] = []
        page = 1
        while True:
            answer = self.get(path, perpage=_PAGE, page=page)
            items = answer[key]
            found += items
            if len(items) < _PAGE:
                return found
            page += 1

    def _ask(self, method: str, path: str, body: Any) -> Any:
        url = f"{self.url}/api/{path}"
        sent = None if body is None else json.dumps(body).encode()
        try:
            text = self._client.ask(method, url, body=sent, timeout_s=_TIMEOUT_S)
        except PermissionError as error:
            raise NotAllowed(f"Grafana does not allow {method} /api/{path}.", detail=str(error)) from error
        except OSError as error:
            status = str(error).partition(" answers ")[2].partition(":")[0]
            if status == "404":
                raise Missing(f"Grafana knows no /api/{path}.", detail=str(error)) from error
            if status:
                raise Refused(f"Grafana refuses {method} /api/{path}.", detail=str(error)) from error
            raise
        try:
            return json.loads(text) if text.strip() else {}
        except ValueError as error:
            raise Refused(f"{url} answers, but not in JSON: {text[:80]!r}.") from error


def quoted(text: object) -> str:
    """Write a text as one part of a path."""
    return quote(str(text), safe="")
