"""nginx' status page (ngx_http_stub_status_module)."""

from __future__ import annotations

import http.client
import re
import urllib.request
from dataclasses import dataclass

_TIMEOUT_S = 2.0
_PAGE_BYTES = 4096
_PAGE = re.compile(
    r"Active connections:\s*(\d+)\s+server accepts handled requests\s+(\d+)\s+(\d+)\s+(\d+)\s+"
    r"Reading:\s*(\d+)\s+Writing:\s*(\d+)\s+Waiting:\s*(\d+)"
)


@dataclass(frozen=True)
class Status:
    """What nginx counts itself: connections now, and connections and requests since its start."""

    active: int
    accepted: int
    handled: int
    requests: int
    reading: int
    writing: int
    waiting: int


class StatusError(Exception):
    """nginx does not answer, or not with its status page."""


def ask(url: str) -> Status:
    """Ask nginx for its numbers.

    Args:
        url: Its status page, plain HTTP on this host.
    Raises:
        StatusError: Nothing answers there, or something else does.
    """
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - the configuration says http://
            text = answer.read(_PAGE_BYTES).decode("ascii", "replace")
    except (OSError, http.client.HTTPException) as error:
        raise StatusError(f"{url}: {error}") from error
    found = _PAGE.search(text)
    if not found:
        raise StatusError(f"{url} answers, but not with nginx' status page: {text[:80]!r}")
    active, accepted, handled, requests, reading, writing, waiting = (int(number) for number in found.groups())
    return Status(active, accepted, handled, requests, reading, writing, waiting)
