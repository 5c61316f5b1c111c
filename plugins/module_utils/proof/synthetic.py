"""One alert of our own on its whole way: metric, Prometheus, Alertmanager, mail, and back to quiet."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ansible_collections.promontory.stack.plugins.module_utils.http_client import Client
from ansible_collections.promontory.stack.plugins.module_utils.proof import ask
from ansible_collections.promontory.stack.plugins.module_utils.proof.finding import Finding

METRIC = "promontory_synthetic_alert"
FILE = "promontory_synthetic.prom"


@dataclass
class Way:
    """The stations of the alert, each a question that says True once it was reached.

    Attributes:
        fires: Prometheus sends the alert.
        arrives: An Alertmanager has it.
        is_mailed: The mail that it fires lies in the mailbox; None when no mailbox can be asked.
        is_gone: No Alertmanager has it any more.
        is_mailed_resolved: The mail that it is over lies in the mailbox; None as above.
    """

    fires: Callable[[], bool]
    arrives: Callable[[], bool]
    is_mailed: Callable[[], bool] | None
    is_gone: Callable[[], bool]
    is_mailed_resolved: Callable[[], bool] | None


@dataclass
class SyntheticAlert:
    """Sets the metric off, follows the alert station by station, and takes it back.

    Attributes:
        file: Where the metric is written for node_exporter.
        token: Tells this alert from those of other runs.
        way: Its stations.
    """

    file: Path
    token: str
    way: Way
    name: str = "synthetic alert"
    happens_once: bool = True
    look: str = ""
    _reached: int = 0
    _started: float | None = None
    _at: dict[str, float] = field(default_factory=dict)

    def find(self) -> Finding:
        """Go on from the station that was reached; several may be passed at once."""
        if self._started is None:
            self._write(1)
            self._started = time.monotonic()
        stations = self._stations()
        while self._reached < len(stations):
            name, is_reached, look = stations[self._reached]
            try:
                if not is_reached():
                    return self._missing(name, look)
            except OSError as error:
                return self._missing(f"{name} ({error})", look)
            self._at[name] = time.monotonic() - self._started
            self._reached += 1
            if name == self._turning_point():
                self._write(0)
        return Finding(self.name, ok=True, detail=self._told())

    def take_back(self) -> None:
        """Remove the metric, whatever happened; what may still fire then resolves by itself."""
        self.file.unlink(missing_ok=True)

    def _stations(self) -> list[tuple[str, Callable[[], bool], str]]:
        prometheus, alertmanager = (f"journalctl -u {unit} -n 50 --no-pager" for unit in ("prometheus", "alertmanager"))
        stations: list[tuple[str, Callable[[], bool] | None, str]] = [
            ("fires in Prometheus", self.way.fires, prometheus),
            ("arrives in Alertmanager", self.way.arrives, prometheus),
            ("lies in the mailbox", self.way.is_mailed, alertmanager),
            ("is over in Alertmanager", self.way.is_gone, alertmanager),
            ("is over in the mailbox", self.way.is_mailed_resolved, alertmanager),
        ]
        return [(name, question, look) for name, question, look in stations if question is not None]

    def _turning_point(self) -> str:
        return "lies in the mailbox" if self.way.is_mailed else "arrives in Alertmanager"

    def _missing(self, name: str, look: str) -> Finding:
        passed = f" (before that: {self._told()})" if self._at else ""
        return Finding(self.name, ok=False, detail=f"not seen: {name}{passed}", look=look)

    def _told(self) -> str:
        return ", ".join(f"{name} after {seconds:.0f} s" for name, seconds in self._at.items())

    def _write(self, value: int) -> None:
        """Replace the file at once, so that no scrape reads half of it."""
        text = (
            f"# HELP {METRIC} Set off by promontory's verify to prove the way of an alert; 1 fires.\n"
            f"# TYPE {METRIC} gauge\n"
            f'{METRIC}{{token="{self.token}"}} {value}\n'
        )
        draft = self.file.with_suffix(".tmp")
        draft.write_text(text, encoding="utf-8")
        os.chmod(draft, 0o644)  # node_exporter is another user
        os.replace(draft, self.file)


def new_token() -> str:
    """Return a token that no other run has."""
    return uuid.uuid4().hex[:12]


def way_through(asked: Mapping[str, Any], token: str) -> Way:
    """Build the stations from addresses.

    Args:
        asked: ``prometheus`` (url), ``http``, ``alertmanagers`` (as in prometheus.yml) and ``mailbox`` (its scrape
            job, or None when mails go elsewhere).
        token: Of the alert.
    """
    prometheus, client = str(asked["prometheus"]), ask.client(asked.get("http"))
    members = [ask.endpoint_of(member) for member in asked["alertmanagers"]]
    mailbox = ask.endpoint_of(asked["mailbox"]) if asked.get("mailbox") else None

    def fires() -> bool:
        alerts = ask.data(client, f"{prometheus}/api/v1/alerts")["alerts"]
        return any(alert["labels"].get("token") == token and alert["state"] == "firing" for alert in alerts)

    def held_by() -> list[bool]:
        wanted = quote(f'token="{token}"')
        return [bool(ask.answer(member, f"{url}/api/v2/alerts?filter={wanted}")) for url, member in members]

    def mails(box: tuple[str, Client], word: str) -> bool:
        url, asker = box
        listed: Sequence[Mapping[str, Any]] = ask.answer(asker, f"{url}/api/messages?subject={token}")
        return any((word == "RESOLVED") == ("[RESOLVED" in str(mail["subject"])) for mail in listed)

    return Way(
        fires=fires,
        arrives=lambda: any(held_by()),
        is_mailed=partial(mails, mailbox, "FIRING") if mailbox else None,
        is_gone=lambda: not any(held_by()),
        is_mailed_resolved=partial(mails, mailbox, "RESOLVED") if mailbox else None,
    )
