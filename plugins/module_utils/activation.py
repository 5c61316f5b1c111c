"""A generation brought to serve: its service started or reloaded, then asked until it says that it serves."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from ansible_collections.promontory.stack.plugins.module_utils import readback
from ansible_collections.promontory.stack.plugins.module_utils.declaration import places
from ansible_collections.promontory.stack.plugins.module_utils.errors import ComponentError
from ansible_collections.promontory.stack.plugins.module_utils.journal import Generation
from ansible_collections.promontory.stack.plugins.module_utils.layout import Layout
from ansible_collections.promontory.stack.plugins.module_utils.service import Status

# What a generation's own directory tells of it: how to ask it, and what to journal should the journal be lost.
RECORD = "generation.json"

ClientMaker = Callable[[readback.Readback], readback.Client]


class Service(Protocol):
    """What a transaction needs of systemd; see ``service.Systemd``."""

    def status(self) -> Status: ...
    def daemon_reload(self) -> None: ...
    def restart(self) -> None: ...
    def reload(self) -> None: ...
    def stop(self) -> None: ...
    def last_words(self, *, lines: int = 15) -> str: ...


def start_and_read_back(
    layout: Layout, service: Service, target: Generation, *, reload_only: bool, client: ClientMaker | None = None
) -> None:
    """Start or reload the set that the link points to, and wait until the program itself says that it serves.

    Args:
        layout: The component's paths.
        service: Its unit.
        target: The set; what to ask it lies in its own directory, so that a former one is asked its own questions.
        reload_only: Send the reload signal instead of starting anew.
        client: Makes the client, by HTTP when left out.
    Raises:
        ComponentError: It died, is not ready in time, refused the reload or answers with another version.
    """
    options = record_of(layout.generation(target.id)).get("readback") or {}
    spec = readback.from_mapping(layout.name, options, places(layout, target.release))
    asked = (client or _http_client())(spec)
    since, refused_before = time.time(), False
    if reload_only and spec.reload_posts:
        reload_only = _is_reloaded(asked, spec)
    if reload_only and spec.reload_posts:
        invocation = service.status().invocation
    elif reload_only:
        refused_before = readback.refused_last_reload(asked, spec)
        invocation = service.status().invocation
        service.reload()
    else:
        service.restart()
        invocation = service.status().invocation

    def alive() -> None:
        status = service.status()
        if not status.active or status.invocation != invocation:
            raise ComponentError(
                f"It does not stay up: {layout.unit_name} is {status.state}.", detail=service.last_words()
            )

    if reload_only:
        readback.wait_until_reloaded(asked, spec, since=since, refused_before=refused_before, alive=alive)
    readback.wait_until_ready(asked, spec, alive=alive)
    if not reload_only:
        readback.require_version(asked, spec, target.version)
        settled = time.monotonic() + spec.settle_s
        while time.monotonic() < settled:
            alive()
            time.sleep(0.2)
    alive()


def _is_reloaded(asked: readback.Client, spec: readback.Readback) -> bool:
    """Reload by requests; False where the program does not let us in, and a start is what makes it read its files."""
    try:
        readback.post_reload(asked, spec)
    except PermissionError:
        return False
    return True


def record_of(directory: Path) -> dict[str, Any]:
    """Read what a generation's directory tells of it; empty where it tells nothing."""
    text = text_of(directory / RECORD)
    record: dict[str, Any] = json.loads(text) if text else {}
    return record


def text_of(path: Path) -> str:
    """Read a file as it is, line ends included; empty where there is none."""
    try:
        return path.read_bytes().decode("utf-8", "replace")
    except OSError:
        return ""


def _http_client() -> ClientMaker:
    # Loaded here because it is slow to load and a run that changes nothing asks no program.
    from ansible_collections.promontory.stack.plugins.module_utils.http_client import Client

    return Client
