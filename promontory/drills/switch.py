"""The sample app's fault switch: a fault is on while a context lasts, and expires by itself should this process be killed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import requests

from promontory.errors import ServiceUnreachable
from promontory.stack import Access

LONGEST_S = 3600.0   # the app takes no fault for longer
_TRIES = 5
_PAUSE_S = 2.0


@contextmanager
def switched_on(app: Access, token: str, fault: Mapping[str, Any], *, expires_s: float) -> Iterator[None]:
    """Have the sample app suffer a fault, at the longest for `expires_s` seconds or LONGEST_S.

    Args:
        token: The app's admin token.
        fault: route, kind, percent and latency_s, as the app's /admin/faults takes them.
    Raises:
        ServiceUnreachable: The app does not answer, or does not take the fault; or it cannot be reached any more to end it,
            and then it ends by itself.
    """
    headers = {"Authorization": f"Bearer {token}"}
    wish = {**fault, "expires_s": min(expires_s, LONGEST_S)}
    try:
        # Inside the try: an interrupted request may still have switched the fault on.
        app.request("POST", "admin/faults", json=wish, headers=headers, auth=_NoAuth())
        yield
    finally:
        mine = {"route": fault["route"], "kind": fault["kind"]}
        _insist(lambda: app.request("DELETE", "admin/faults", params=mine, headers=headers, auth=_NoAuth()))


def _insist(ask: Callable[[], object]) -> None:
    """Ask a service that the fault itself may keep from answering, several times if need be."""
    for left in reversed(range(_TRIES)):
        try:
            ask()
        except ServiceUnreachable:
            if not left:
                raise
            time.sleep(_PAUSE_S)
        else:
            return


class _NoAuth(requests.auth.AuthBase):
    """Keeps requests from replacing our bearer token by what a .netrc holds."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request
