"""Talks to a running Grafana: reads dashboards, finds what was edited by hand, uploads.

An upload leaves a mark in the history of the dashboard ("promontory: <hash>"). A newest version without it was made by
somebody else; it is reported, and overwritten only when the caller says so.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

from promontory.dashboards.diff import differences
from promontory.errors import Drifted, ServiceUnreachable, UsageError

_TIMEOUT_S = 30
_MARK = "promontory: "


@dataclass(frozen=True)
class Live:
    """A dashboard as a Grafana has it.

    Attributes:
        body: Its JSON.
        provisioned: Whether it comes from a file on the server, which the API may not change.
        edited_by: Who made the newest version by hand; empty when it is one of our uploads.
    """

    body: Mapping[str, Any]
    provisioned: bool
    edited_by: str


@dataclass(frozen=True)
class Pushed:
    """What an upload did: `created`, `updated` or `unchanged`, and what became different."""

    uid: str
    state: str
    changes: tuple[str, ...] = ()


class Grafana:
    """A running Grafana.

    Args:
        url: Where people reach it, such as http://203.0.113.10/grafana/.
        session: With what is needed to sign in: basic authentication, or a header with a token.
    """

    def __init__(self, url: str, session: requests.Session) -> None:
        """Keep the address; nothing is asked yet."""
        self.url = url.rstrip("/") + "/"
        self._session = session

    def dashboard(self, uid: str) -> Live | None:
        """Read a dashboard; None when there is none of that uid.

        Raises:
            ServiceUnreachable: No answer, or a refusal; it carries Grafana's own words.
        """
        answer = self._ask("GET", f"api/dashboards/uid/{uid}", missing_is_fine=True)
        if answer is None:
            return None
        meta = answer.get("meta", {})
        provisioned = bool(meta.get("provisioned"))
        return Live(answer["dashboard"], provisioned, "" if provisioned else self._editor(uid, meta))

    def folder(self, uid: str, title: str) -> None:
        """Make a folder unless it is there."""
        if self._ask("GET", f"api/folders/{uid}", missing_is_fine=True) is None:
            self._ask("POST", "api/folders", {"uid": uid, "title": title})

    def push(self, body: Mapping[str, Any], *, folder: str, overwrite: bool = False) -> Pushed:
        """Upload one dashboard.

        Args:
            folder: uid of the folder; empty for the top.
            overwrite: Also when somebody edited it by hand.
        Raises:
            Drifted: Somebody edited it by hand; the message says what differs.
            UsageError: It is provisioned from files, so an upload would not last.
            ServiceUnreachable: Grafana refuses; it carries Grafana's own words.
        """
        uid = str(body["uid"])
        live = self.dashboard(uid)
        changes = differences(live.body, body) if live else []
        if live is not None and not changes:
            return Pushed(uid, "unchanged")
        if live is not None and live.provisioned:
            raise UsageError(
                f"Grafana reads {uid} from files on its host, so an upload is refused there.",
                hint="Run `promontory up`: the role grafana delivers the files. `promontory dashboards diff --grafana` compares.",
            )
        if live is not None and live.edited_by and not overwrite:
            listed = "\n".join(f"  {change}" for change in changes)
            raise Drifted(
                f"{uid} was edited in Grafana by {live.edited_by}; an upload would undo that:\n{listed}",
                hint="Take the edit over into its module, or push again with --overwrite to throw it away.",
            )
        self._ask("POST", "api/dashboards/db", {
            "dashboard": {**body, "id": None}, "folderUid": folder, "message": f"{_MARK}{fingerprint(body)}",
            "overwrite": True,
        })  # fmt: skip
        return Pushed(uid, "updated" if live else "created", tuple(changes))

    def _editor(self, uid: str, meta: Mapping[str, Any]) -> str:
        told = self._ask("GET", f"api/dashboards/uid/{uid}/versions?limit=1", missing_is_fine=True) or {}
        versions = told.get("versions", []) if isinstance(told, dict) else told
        if versions and str(versions[0].get("message", "")).startswith(_MARK):
            return ""
        return str((versions[0] if versions else {}).get("createdBy") or meta.get("updatedBy") or "somebody")

    def _ask(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, missing_is_fine: bool = False
    ) -> Any:
        url = self.url + path
        try:
            answer = self._session.request(method, url, json=body, timeout=_TIMEOUT_S)
        except requests.RequestException as error:
            raise ServiceUnreachable(
                f"Grafana does not answer at {url}: {error}", hint="Name its address with --url, as a browser has it."
            ) from error
        if answer.status_code == 404 and missing_is_fine:
            return None
        if answer.status_code >= 400:
            raise ServiceUnreachable(f"Grafana answers {answer.status_code} for {method} {url}: {_words(answer)}")
        try:
            return answer.json()
        except ValueError as error:
            raise ServiceUnreachable(f"{url} does not answer in JSON; is there a Grafana?") from error


def fingerprint(body: Mapping[str, Any]) -> str:
    """Return a short hash of a dashboard's content."""
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:16]


def _words(answer: requests.Response) -> str:
    """Grafana's own message, else the beginning of what it sent."""
    try:
        told = answer.json()
    except ValueError:
        return answer.text[:300].strip()
    return str(told.get("message") or told) if isinstance(told, dict) else str(told)
