"""The truth, from the program itself: is it ready, which version answers, did the reload take."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ansible_collections.promontory.stack.plugins.module_utils import versions
from ansible_collections.promontory.stack.plugins.module_utils.errors import ComponentError
from ansible_collections.promontory.stack.plugins.module_utils.release import fill

_STALE_S = 5.0  # a reload of a large configuration takes Prometheus some seconds
_KEYS = {"ready", "version", "reload", "timeout_s", "settle_s", "http"}


@dataclass(frozen=True)
class Readback:
    """What to ask a program after it was started or reloaded.

    Attributes:
        ready_url: Answers 200 once the program serves; empty when it cannot be asked.
        ready_json: Dotted path into that answer, which must be JSON then; empty takes any 200.
        ready_is: What stands there once the program serves.
        version_url: Answers JSON or metrics that hold the version; empty when it cannot be asked.
        version_json: Dotted path into that JSON; empty takes the first version in the text.
        version_metric: Metric whose label ``version`` holds it, such as ``node_exporter_build_info``.
        reload_url: The program's metrics.
        reload_success: Metric that is 1 when the last reload succeeded.
        reload_at: Metric with the time of the last successful reload, seconds since the epoch.
        reload_posts: URLs to post to instead of sending a signal; each answers once it has read anew.
        timeout_s: How long the program may take to become ready, seconds.
        settle_s: How long it must stay up afterwards, seconds.
        ca_file: Certificate authority for https; empty for the system's.
        server_name: Name in the certificate where it differs from the URL's host.
        username: For basic authentication; empty for none.
        password_file: File with the password.
        bearer: Token to send instead; secret.
    """

    ready_url: str = ""
    ready_json: str = ""
    ready_is: str = ""
    version_url: str = ""
    version_json: str = ""
    version_metric: str = ""
    reload_url: str = ""
    reload_success: str = ""
    reload_at: str = ""
    reload_posts: tuple[str, ...] = ()
    timeout_s: float = 60.0
    settle_s: float = 2.0
    ca_file: str = ""
    server_name: str = ""
    username: str = ""
    password_file: str = ""
    bearer: str = field(default="", repr=False)


def from_mapping(component: str, options: Mapping[str, Any], places: Mapping[str, str]) -> Readback:
    """Make a readback from a role's ``readback`` mapping.

    Raises:
        ComponentError: A key is unknown.
    """
    unknown = sorted(set(options) - _KEYS)
    if unknown:
        raise ComponentError(
            f"{component}: readback.{unknown[0]} is unknown.", hint=f"Known: {', '.join(sorted(_KEYS))}."
        )
    ready, version = options.get("ready") or {}, options.get("version") or {}
    reload_, http_ = options.get("reload") or {}, options.get("http") or {}

    def text(mapping: Mapping[str, Any], key: str) -> str:
        return fill(str(mapping.get(key) or ""), places)

    return Readback(
        ready_url=text(ready, "url"),
        ready_json=text(ready, "json"),
        ready_is=text(ready, "is"),
        version_url=text(version, "url"),
        version_json=text(version, "json"),
        version_metric=text(version, "metric"),
        reload_url=text(reload_, "url"),
        reload_success=text(reload_, "success"),
        reload_at=text(reload_, "at"),
        reload_posts=tuple(fill(str(url), places) for url in reload_.get("post") or []),
        timeout_s=float(options.get("timeout_s") or Readback.timeout_s),
        settle_s=float(Readback.settle_s if options.get("settle_s") is None else options["settle_s"]),
        ca_file=text(http_, "ca_file"),
        server_name=text(http_, "server_name"),
        username=text(http_, "username"),
        password_file=text(http_, "password_file"),
    )


class Client(Protocol):
    """Asks one program; see ``http_client.Client``."""

    def get(self, url: str) -> str: ...
    def metric(self, url: str, name: str) -> float | None: ...
    def post(self, url: str) -> str: ...


def wait_until_ready(client: Client, readback: Readback, *, alive: Callable[[], None]) -> None:
    """Wait until the program says that it serves.

    Args:
        client: How to ask.
        readback: What to ask.
        alive: Raises once the program has died; called between the questions.
    Raises:
        ComponentError: It died, or is not ready after ``timeout_s``.
    """
    if not readback.ready_url:
        return
    deadline = time.monotonic() + readback.timeout_s
    while True:
        alive()
        try:
            _require_ready(client.get(readback.ready_url), readback)
            return
        except OSError as error:
            if time.monotonic() >= deadline:
                raise ComponentError(f"It is not ready after {readback.timeout_s:.0f} s: {error}.") from error
        time.sleep(0.1)


def _require_ready(body: str, readback: Readback) -> None:
    """Raise an ``OSError`` where the answer does not say yet what it must."""
    if not readback.ready_json:
        return
    try:
        said = str(_dig(json.loads(body), readback.ready_json))
    except (ValueError, KeyError, TypeError) as error:
        raise OSError(f"{readback.ready_url} says nothing at {readback.ready_json}: {body[:80]!r}") from error
    if said != readback.ready_is:
        raise OSError(f"{readback.ready_url} says {readback.ready_json}: {said}, expected {readback.ready_is}")


def post_reload(client: Client, readback: Readback) -> None:
    """Have the program read its files again, request by request.

    Raises:
        PermissionError: It does not take the credentials.
        ComponentError: It refuses what it reads, in its own words.
    """
    for url in readback.reload_posts:
        try:
            client.post(url)
        except PermissionError:
            raise
        except OSError as error:
            raise ComponentError(f"It refused the new configuration when told to reload: {error}.") from error


def require_version(client: Client, readback: Readback, expected: str) -> None:
    """Refuse a program that answers with another version than the one installed."""
    if not readback.version_url:
        return
    body = client.get(readback.version_url)
    said = body
    try:
        if readback.version_json:
            said = str(_dig(json.loads(body), readback.version_json))
        elif readback.version_metric:
            found = re.search(rf'^{re.escape(readback.version_metric)}{{.*\bversion="([^"]*)"', body, re.MULTILINE)
            said = found.group(1) if found else f"no {readback.version_metric}"
    except (ValueError, KeyError, TypeError) as error:
        raise ComponentError(
            f"{readback.version_url} tells no version at {readback.version_json}: {body[:80]!r}."
        ) from error
    if versions.key(versions.find(said)) != versions.key(expected):
        raise ComponentError(f"Version {versions.find(said) or said[:80]!r} answers, expected {expected}.")


def refused_last_reload(client: Client, readback: Readback) -> bool:
    """Tell whether the program says, before it is told to reload, that it refused the reload before that."""
    if not readback.reload_url or not readback.reload_success:
        return False
    try:
        return client.metric(readback.reload_url, readback.reload_success) == 0
    except OSError:
        return False


def wait_until_reloaded(
    client: Client, readback: Readback, *, since: float, refused_before: bool, alive: Callable[[], None]
) -> None:
    """Wait until the program says that it has taken the new configuration.

    Args:
        client: How to ask.
        readback: What to ask.
        since: Time before the signal was sent, seconds since the epoch.
        refused_before: Whether it already said then that it had refused the last reload. It goes on saying so for
            a moment, which is no word about this reload.
        alive: Raises once the program has died.
    Raises:
        ComponentError: It refused the configuration or said nothing in time.
    """
    if not readback.reload_url or not readback.reload_success:
        return
    began = time.monotonic()
    deadline = began + readback.timeout_s
    while True:
        alive()
        try:
            success = client.metric(readback.reload_url, readback.reload_success)
            at = client.metric(readback.reload_url, readback.reload_at)
        except OSError:
            success = at = None
        if success == 0 and (not refused_before or time.monotonic() >= began + _STALE_S):
            raise ComponentError("It refused the new configuration when told to reload.")
        if success == 1 and at is not None and at >= since:
            return
        if time.monotonic() >= deadline:
            raise ComponentError(f"It has not confirmed the reload after {readback.timeout_s:.0f} s.")
        time.sleep(0.1)


def _dig(document: Any, path: str) -> Any:
    for part in path.split("."):
        document = document[part]
    return document
