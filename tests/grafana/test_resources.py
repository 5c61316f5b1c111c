"""Our dashboards as resources of the v2 model, before a real Grafana's resource API."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from promontory.dashboards import v2
from promontory.dashboards.build import build
from promontory.project import Project
from tests.grafana import real

ROOT = Path(__file__).resolve().parents[2]
# Under names of their own: the server is shared, and what its files provide cannot be put in or removed by the API.
BOARDS = [
    {**board.body, "uid": f"{board.body['uid']}-api"}
    for _, board in build(Project(root=ROOT, inventory=ROOT / "inventories/lab")).boards
]
STRICT = {"fieldValidation": "Strict", "dryRun": "All"}


class Api:
    """The resource API, as the administrator."""

    def __init__(self, server: real.Server, session: requests.Session) -> None:
        self.base = f"{server.url}/apis/{v2.GROUP}"
        self.session = session

    def ask(self, method: str, version: str, name: str = "", **more: Any) -> requests.Response:
        """Ask for the dashboards of the first organisation."""
        url = f"{self.base}/{version}/namespaces/default/dashboards{'/' if name else ''}{name}"
        return self.session.request(method, url, timeout=60, **more)


@pytest.fixture
def resources(server: real.Server) -> Iterator[Api]:
    """The API; dashboards that a test leaves are removed."""
    with requests.Session() as session:
        session.trust_env = False
        session.auth = ("admin", real.PASSWORD)
        api = Api(server, session)
        yield api
        for board in BOARDS:
            api.ask("DELETE", "v1beta1", board["uid"])


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board["uid"])
def test_grafana_converts_to_the_same(resources: Api, board: dict[str, Any]) -> None:
    """The classic file put in, the v2 resource taken out: ours, to the last field."""
    classic = {"apiVersion": f"{v2.GROUP}/v1beta1", "kind": "Dashboard", "metadata": {"name": board["uid"]}, "spec": board}
    stored = resources.ask("POST", "v1beta1", json=classic, params={"fieldValidation": "Strict"})
    assert stored.status_code == 201, stored.text
    assert resources.ask("GET", "v2beta1", board["uid"]).json()["spec"] == v2.resource(board)["spec"]


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board["uid"])
def test_grafana_takes_the_resource(resources: Api, board: dict[str, Any]) -> None:
    """Judged strictly; read back as it was put in."""
    made = v2.resource(board)
    judged = resources.ask("POST", "v2beta1", json=made, params=STRICT)
    assert judged.status_code == 201, judged.text
    stored = resources.ask("POST", "v2beta1", json=made)
    assert stored.status_code == 201, stored.text
    assert resources.ask("GET", "v2beta1", board["uid"]).json()["spec"] == made["spec"]


@pytest.mark.parametrize(
    ("path", "value", "status"),
    [(("nonsense",), 1, 400), (("timeSettings", "hideTimepicker"), "yes", 400), (("layout", "kind"), "Heap", 422)],
    ids=["unknown field", "type", "kind of layout"],
)
def test_grafana_judges(resources: Api, path: tuple[str, ...], value: object, status: int) -> None:
    """A wrong resource is refused; else the two above would say nothing."""
    made = copy.deepcopy(v2.resource(BOARDS[0]))
    inner = made["spec"]
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    assert resources.ask("POST", "v2beta1", json=made, params=STRICT).status_code == status
