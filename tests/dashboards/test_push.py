"""Uploads against a server that answers as Grafana 12 does."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest
import requests

from promontory.dashboards.server import Grafana
from promontory.errors import Drifted, ServiceUnreachable, UsageError

BOARD = {"uid": "mine", "title": "Mine", "panels": [], "templating": {"list": []}, "annotations": {"list": []}, "schemaVersion": 42}


class Answers(BaseHTTPRequestHandler):
    """A Grafana's API over dictionaries."""

    boards: ClassVar[dict[str, Any]] = {}
    provisioned: ClassVar[set[str]] = set()
    versions: ClassVar[dict[str, list[dict[str, Any]]]] = {}
    folders: ClassVar[set[str]] = set()
    refuse: ClassVar[str] = ""

    def do_GET(self) -> None:
        """Read a dashboard, its versions, or a folder."""
        path = self.path.removeprefix("/grafana/api/")
        if path.startswith("folders/"):
            self._say(200 if path.split("/")[1] in self.folders else 404, {"message": "folder not found"})
            return
        uid = path.split("/")[2].partition("?")[0]
        if uid not in self.boards:
            self._say(404, {"message": "Dashboard not found"})
        elif "/versions" in path:
            self._say(200, {"versions": self.versions.get(uid, [])[:1]})
        else:
            meta = {"provisioned": uid in self.provisioned, "updatedBy": "admin"}
            self._say(200, {"dashboard": {**self.boards[uid], "id": 3, "version": 2}, "meta": meta})

    def do_POST(self) -> None:
        """Take a dashboard or a folder."""
        told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.refuse:
            self._say(412, {"message": self.refuse, "status": "name-exists"})
        elif self.path.endswith("/folders"):
            self.folders.add(told["uid"])
            self._say(200, {})
        else:
            uid = told["dashboard"]["uid"]
            self.boards[uid] = told["dashboard"]
            self.versions.setdefault(uid, []).insert(0, {"message": told["message"], "createdBy": "sa-promontory"})
            self._say(200, {"status": "success"})

    def _say(self, code: int, document: dict[str, Any]) -> None:
        text = json.dumps(document).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: Any) -> None:
        """Be quiet."""


@pytest.fixture
def server() -> Iterator[type[Answers]]:
    """Give the state of a running server; `url` says where it is."""
    state = type("State", (Answers,), {"boards": {}, "provisioned": set(), "versions": {}, "folders": set(), "refuse": ""})
    running = ThreadingHTTPServer(("127.0.0.1", 0), state)
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{running.server_port}/grafana"  # type: ignore[attr-defined]
    yield state
    running.shutdown()
    running.server_close()
    thread.join()


@pytest.fixture
def grafana(server: Any) -> Iterator[Grafana]:
    """Give a client."""
    with requests.Session() as session:
        session.trust_env = False
        yield Grafana(server.url, session)


def test_a_dashboard_is_created_then_left_alone(server: Any, grafana: Grafana) -> None:
    """The second upload of the same finds nothing to do."""
    grafana.folder("promontory", "Promontory")
    assert server.folders == {"promontory"}
    assert grafana.push(BOARD, folder="promontory").state == "created"
    assert grafana.push(BOARD, folder="promontory").state == "unchanged"
    assert len(server.versions["mine"]) == 1
    assert server.versions["mine"][0]["message"].startswith("promontory: ")


def test_our_own_version_is_updated(server: Any, grafana: Grafana) -> None:
    """And what became different is told."""
    grafana.push(BOARD, folder="")
    pushed = grafana.push({**BOARD, "title": "Other"}, folder="")
    assert (pushed.state, pushed.changes) == ("updated", ("title Mine → Other",))


def test_an_edit_by_hand_is_never_overwritten_silently(server: Any, grafana: Grafana) -> None:
    """The message says who, and what an upload would undo; --overwrite is said on purpose."""
    grafana.push(BOARD, folder="")
    server.boards["mine"] = {**BOARD, "title": "By hand"}
    server.versions["mine"].insert(0, {"message": "", "createdBy": "jane"})
    with pytest.raises(Drifted, match=r"edited in Grafana by jane(.|\n)*title By hand → Mine"):
        grafana.push(BOARD, folder="")
    assert server.boards["mine"]["title"] == "By hand"
    assert grafana.push(BOARD, folder="", overwrite=True).state == "updated"
    assert server.boards["mine"]["title"] == "Mine"


def test_a_provisioned_dashboard_is_refused(server: Any, grafana: Grafana) -> None:
    """An upload would not last; the way out is named."""
    server.boards["mine"] = {**BOARD, "title": "From a file"}
    server.provisioned.add("mine")
    with pytest.raises(UsageError, match="reads mine from files") as refused:
        grafana.push(BOARD, folder="")
    assert "promontory up" in refused.value.hint


def test_a_refusal_shows_grafanas_own_words(server: Any, grafana: Grafana) -> None:
    """Not only a status."""
    server.refuse = "A dashboard with the same name in the folder already exists"
    with pytest.raises(ServiceUnreachable, match=r"412 for POST .*A dashboard with the same name"):
        grafana.push(BOARD, folder="")


def test_no_grafana_at_all(grafana: Grafana) -> None:
    """The address is named, and the option that sets it."""
    with requests.Session() as session:
        session.trust_env = False
        with pytest.raises(ServiceUnreachable, match=r"does not answer at http://127\.0\.0\.1:9/api") as refused:
            Grafana("http://127.0.0.1:9", session).dashboard("x")
    assert "--url" in refused.value.hint
