"""Asking programs over HTTP(S) for the proof."""

from __future__ import annotations

import base64
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ansible_collections.promontory.stack.plugins.module_utils.http_client import Client
from ansible_collections.promontory.stack.plugins.module_utils.readback import Readback

_REQUEST_TIMEOUT_S = 10.0


def client(http: Mapping[str, Any] | None = None) -> Client:
    """Return a client for one endpoint.

    Args:
        http: ``ca_file``, ``server_name``, ``username`` and ``password_file``; all may be absent.
    """
    return Client(Readback(**{key: str(value or "") for key, value in (http or {}).items()}))


def answer(asker: Client, url: str) -> Any:
    """Return a JSON answer.

    Raises:
        OSError: No 200, or no JSON.
    """
    try:
        return json.loads(asker.get(url))
    except ValueError as error:
        raise OSError(f"{url} answers, but not in JSON") from error


def data(asker: Client, url: str) -> Any:
    """Return ``data`` of an answer in Prometheus' envelope."""
    return answer(asker, url)["data"]


def query(asker: Client, url: str, expression: str) -> list[dict[str, Any]]:
    """Return the samples of an instant query to the Prometheus at ``url``."""
    result: list[dict[str, Any]] = data(asker, f"{url}/api/v1/query?query={quote(expression)}")["result"]
    return result


def endpoint_of(job: Mapping[str, Any]) -> tuple[str, Client]:
    """Return base URL and client for the first target of a static scrape job.

    Args:
        job: One entry of ``scrape_configs``; its TLS names and credentials are used.
    """
    target = job["static_configs"][0]["targets"][0]
    tls, auth = job.get("tls_config") or {}, job.get("basic_auth") or {}
    http = {"ca_file": tls.get("ca_file"), "server_name": tls.get("server_name"), **auth}
    return f"{job.get('scheme', 'http')}://{target}", client(http)


def status_of(url: str, *, username: str = "", password: str = "", ca_file: str = "") -> int:
    """Return the status code of a GET, redirects followed; a refusal is an answer too.

    Raises:
        OSError: Nothing answers.
    """
    request = urllib.request.Request(url)  # noqa: S310  the scheme comes from the topology
    if username:
        request.add_header("Authorization", "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode())
    context = ssl.create_default_context(cafile=ca_file or None)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(request, timeout=_REQUEST_TIMEOUT_S) as said:
            return int(said.status)
    except urllib.error.HTTPError as error:
        return int(error.code)
    except urllib.error.URLError as error:
        raise OSError(f"{url}: {error.reason}") from error
