"""Downloads over HTTP(S) with the standard library alone."""

from __future__ import annotations

import http.client
import shutil
import urllib.error
import urllib.request
from pathlib import Path

from ansible_collections.promontory.stack.plugins.module_utils.errors import ComponentError

_TIMEOUT_S = 20.0


def download(url: str, destination: Path) -> None:
    """Fetch a URL into a file.

    Raises:
        ComponentError: The source did not answer with the file; it names the URL and the answer.
    """
    try:
        with _open(url, timeout_s=_TIMEOUT_S) as answer, destination.open("wb") as handle:
            shutil.copyfileobj(answer, handle, 1 << 20)
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError, ValueError) as error:
        destination.unlink(missing_ok=True)
        raise ComponentError(
            f"{url}: {reason(error)}.",
            hint="Put the file into the artifact cache, set stack_artifact_mirror, or install from a package.",
        ) from error


def is_reachable(url: str, *, timeout_s: float = 5.0) -> str:
    """Ask for a URL's header; return an empty string when it is there, else why not."""
    try:
        with _open(url, timeout_s=timeout_s, method="HEAD"):
            return ""
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError, ValueError) as error:
        return reason(error)


def _open(url: str, *, timeout_s: float, method: str = "GET") -> http.client.HTTPResponse:
    if not url.startswith(("https://", "http://")):
        raise ValueError(f"{url} is no http or https URL")
    request = urllib.request.Request(url, method=method)  # noqa: S310 - the scheme was just judged
    answer: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=timeout_s)  # noqa: S310
    return answer


def reason(error: Exception) -> str:
    """Say in a few words why a download failed."""
    if isinstance(error, urllib.error.HTTPError):
        return f"answered {error.code} {error.reason}"
    if isinstance(error, urllib.error.URLError):
        return f"not reachable ({error.reason})"
    return f"not reachable ({error or type(error).__name__})"
