"""What verify makes of a Grafana: well only when everything that was deployed is there and shows something."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.promontory.stack.plugins.module_utils.proof import grafana as proof
from ansible_collections.promontory.stack.plugins.module_utils.proof.finding import Finding, prove
from ansible_collections.promontory.stack.plugins.plugin_utils.grafana.dashboards import digest

from tests.grafana.pretended import Answer, Pretended

BOARD = {"uid": "orders", "title": "Orders", "panels": [{"id": 1}], "schemaVersion": 42}
QUERY = {"refId": "A", "expr": "up"}
FULL = {"results": {"A": {"status": 200, "frames": [{"data": {"values": [[1], [0.5]]}}]}}}
EMPTY = {"results": {"A": {"status": 200, "frames": [{"data": {"values": []}}]}}}


def panel(title: str, number: int, *, may_be_empty: bool = False) -> dict[str, Any]:
    """A panel as it is expected."""
    return {"panel": title, "panel_id": number, "may_be_empty": may_be_empty, "queries": [QUERY]}


@pytest.fixture
def look(pretended: Pretended, tmp_path: Path) -> Callable[..., dict[str, Finding]]:
    """Ask a well Grafana, or one with other answers; findings by name."""
    answers: dict[str, Any] = {
        "GET /api/health": {"database": "ok", "version": "12.4.0"},
        "GET /api/datasources/uid/prometheus/health": {"status": "OK", "message": "Successfully queried"},
        "GET /api/datasources/proxy/uid/alertmanager/api/v2/status": {"cluster": {}},
        "GET /api/dashboards/uid/orders": {
            "meta": {"provisioned": True, "folderUid": "shop"},
            "dashboard": {**BOARD, "id": 5, "version": 2},
        },
        "POST /api/ds/query": FULL,
    }

    def ask(changed: dict[str, Any] | None = None, panels: list[dict[str, Any]] | None = None) -> dict[str, Finding]:
        for path, body in {**answers, **(changed or {})}.items():
            pretended.extra[path] = body if callable(body) else _always(body)
        expected = {
            "version": "12.4.0",
            "data_sources": {"prometheus": "prometheus", "alertmanager": "alertmanager"},
            "dashboards": [
                {
                    "uid": "orders", "title": "Orders", "folder": "shop", "digest": digest(BOARD),
                    "panels": panels or [panel("Rate", 1)],
                }
            ],
        }  # fmt: skip
        (tmp_path / "expectations.json").write_text(json.dumps(expected))
        (tmp_path / "password").write_text(pretended.password)
        asked = {
            "url": pretended.url,
            "http": {"username": "admin", "password_file": str(tmp_path / "password"), "ca_file": ""},
            "expectations": str(tmp_path / "expectations.json"),
            "range_s": 600,
        }
        return {finding.name: finding for finding in prove(proof.of_grafana(asked), timeout_s=0)}

    return ask


def _always(body: Any) -> Callable[[Any], Answer]:
    return lambda _: body if isinstance(body, Answer) else Answer(body)


def test_all_well_says_what_was_seen(look: Callable[..., dict[str, Finding]]) -> None:
    found = look()

    assert {name: finding.detail for name, finding in found.items()} == {
        "grafana": "12.4.0, database ok",
        "data sources": "2 of 2 answer through Grafana",
        "dashboards": "1 of 1 as deployed",
        "panels": "1 of 1 panels answer",
    }
    assert all(finding.ok and not finding.look for finding in found.values())


@pytest.mark.parametrize(
    ("changed", "name", "said"),
    [
        pytest.param(
            {"GET /api/health": {"database": "failing"}}, "grafana", "its database is 'failing'", id="database"
        ),
        pytest.param(
            {"GET /api/health": {"database": "ok", "version": "11.0.0"}}, "grafana", "version 11.0.0 answers", id="version"
        ),
        pytest.param(
            {"GET /api/datasources/uid/prometheus/health": Answer({"message": "connection refused"}, 400)},
            "data sources", "prometheus is not well (connection refused)", id="data source down",
        ),
        pytest.param(
            {"GET /api/datasources/uid/prometheus/health": Answer({"message": "not found"}, 404)},
            "data sources", "prometheus is not there", id="data source missing",
        ),
        pytest.param(
            {"GET /api/datasources/proxy/uid/alertmanager/api/v2/status": Answer({"message": "bad gateway"}, 502)},
            "data sources", "alertmanager is not well (bad gateway)", id="alertmanager down",
        ),
        pytest.param(
            {"GET /api/dashboards/uid/orders": Answer({"message": "Dashboard not found"}, 404)},
            "dashboards", "Orders (orders) is not there", id="dashboard missing",
        ),
        pytest.param(
            {"GET /api/dashboards/uid/orders": {"meta": {"provisioned": False}, "dashboard": BOARD}},
            "dashboards", "was not made from its file", id="dashboard by hand",
        ),
        pytest.param(
            {"GET /api/dashboards/uid/orders": {"meta": {"provisioned": True, "folderUid": "x"}, "dashboard": BOARD}},
            "dashboards", "lies in the folder 'x'", id="other folder",
        ),
        pytest.param(
            {"GET /api/dashboards/uid/orders": {"meta": {"provisioned": True, "folderUid": "shop"}, "dashboard": {**BOARD, "title": "X"}}},
            "dashboards", "is not the one that was deployed", id="other content",
        ),
        pytest.param({"POST /api/ds/query": EMPTY}, "panels", "Orders: Rate shows nothing", id="empty panel"),
        pytest.param(
            {"POST /api/ds/query": {"results": {"A": {"error": "parse error", "frames": []}}}},
            "panels", "Orders: Rate fails (parse error)", id="failing query",
        ),
        pytest.param(
            {"POST /api/ds/query": Answer({"message": "bad request"}, 400)},
            "panels", "Orders: Rate is refused (bad request)", id="refused query",
        ),
    ],
)  # fmt: skip
def test_what_is_not_well_is_named(
    look: Callable[..., dict[str, Finding]], changed: dict[str, Any], name: str, said: str
) -> None:
    found = look(changed)

    assert not found[name].ok
    assert said in found[name].detail
    assert found[name].look
    assert all(finding.ok for other, finding in found.items() if other != name)


def test_a_panel_that_may_be_empty_is_counted_and_no_miss(look: Callable[..., dict[str, Finding]]) -> None:
    found = look({"POST /api/ds/query": EMPTY}, [panel("Errors", 1, may_be_empty=True)])

    assert found["panels"].detail == "1 of 1 panels answer, 1 of them empty as they may be"


def test_a_wrong_password_is_a_miss_and_not_a_crash(
    look: Callable[..., dict[str, Finding]], pretended: Pretended, tmp_path: Path
) -> None:
    look()
    pretended.password = "changed by hand"
    found = {
        finding.name: finding
        for finding in prove(
            proof.of_grafana(
                {
                    "url": pretended.url,
                    "http": {"username": "admin", "password_file": str(tmp_path / "password")},
                    "expectations": str(tmp_path / "expectations.json"),
                }
            ),
            timeout_s=0,
        )
    }

    assert not found["dashboards"].ok
    assert "Invalid username or password" in found["dashboards"].detail


def test_panels_that_are_well_are_not_asked_again(pretended: Pretended, tmp_path: Path) -> None:
    from ansible_collections.promontory.stack.plugins.module_utils.grafana.api import Api
    from ansible_collections.promontory.stack.plugins.module_utils.readback import Readback

    (tmp_path / "password").write_text(pretended.password)
    api = Api(pretended.url, Readback(username="admin", password_file=str(tmp_path / "password")))
    answers = iter([FULL, EMPTY, FULL])
    pretended.extra["POST /api/ds/query"] = lambda _: Answer(next(answers))
    told = {"dashboards": [{"uid": "o", "title": "O", "panels": [panel("One", 1), panel("Two", 2)]}]}
    panels = proof.Panels(600)

    first, second = panels.find(api, told), panels.find(api, told)

    assert first.detail == "O: Two shows nothing"
    assert second.ok
    assert pretended.asked.count("POST /api/ds/query") == 3
