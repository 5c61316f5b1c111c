"""Every query of every dashboard against a real Prometheus that scrapes the real programs under load.

PROMONTORY_PROMETHEUS names one that runs already, such as http://admin:PASSWORD@HOST/prometheus; without it a lab host
is made, provisioned, put under load, and removed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from promontory.dashboards.queries import Window, panels_of
from promontory.dashboards.render import prometheus as render
from promontory.dashboards.render.filled import fill
from promontory.dashboards.render.page import as_svg
from promontory.dashboards.render.theme import THEMES
from tests.dashboards.asking import Answer, Prometheus, ask_everything, empty_panels
from tests.e2e.stack import Stack

pytestmark = pytest.mark.lab

ROOT = Path(__file__).resolve().parents[2]
HOST = "mon1"
COMPONENTS = (
    "prometheus", "alertmanager", "node_exporter", "blackbox_exporter", "pushgateway", "sample_app", "edge", "mailbox",
    "heartbeat", "postgresql",
)  # fmt: skip
VARIABLES = {
    "lab_name": "boards",
    "stack_environment": "boards",
    "stack_install_from": "package",
    "stack_scrape_interval": "2s",       # rates need some scrapes, and nobody waits for minutes
    "stack_evaluation_interval": "2s",
    "alertmanager_oncall_email": "oncall@boards.example",
}
LOAD_S = 100          # the longest range of a rule is filled, and every rate has its samples
REQUESTS_PER_S = 15
WINDOW_MIN = 10.0
SLOWEST = "slo:error_budget_left:ratio30d"   # made of rules that are evaluated every two minutes
SLOWEST_LIMIT_S = 300

# Dashboards of what this lab does not have: Grafana comes from a vendor that test machines need not reach.
NOT_HERE = {"promontory-grafana": "no Grafana is installed here"}
# Panels that have nothing to show in this lab, beside those whose own text says why they may be empty.
EMPTY_HERE: dict[tuple[str, str], str] = {}


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Give a Prometheus with some minutes of the whole stack under load."""
    named = os.environ.get("PROMONTORY_PROMETHEUS")
    with requests.Session() as session:
        session.trust_env = False
        if named:
            parts = urlsplit(named)
            session.auth = (parts.username or "", parts.password or "")
            yield Prometheus(named.replace(f"{parts.username}:{parts.password}@", "").rstrip("/"), session)
            return
        stack = Stack(tmp_path_factory.mktemp("boards"))
        stack.lab.groups = {name: [HOST] for name in ("lab_hosts", *COMPONENTS)}
        stack.lab.variables = dict(VARIABLES)
        made = stack.playbook(stack.lab, "playbooks/lab.yml")
        try:
            assert made.returncode == 0, made.output
            run = stack.provision(stack.lab)
            assert run.returncode == 0, run.output
            doors = {door["component"]: door for door in json.loads((stack.clone / "build/stack.json").read_text())["urls"]}
            _load(stack.clone, doors["sample_app"]["url"])
            auth = doors["prometheus"]["auth"]
            session.auth = (auth["username"], (stack.clone / auth["password_file"]).read_text().strip())
            prometheus = Prometheus(doors["prometheus"]["url"].rstrip("/"), session)
            _wait_for(prometheus, SLOWEST)
            yield prometheus
        finally:
            removed = stack.playbook(stack.lab, "playbooks/lab.yml", "-e", "lab_state=absent")
        assert removed.returncode == 0, removed.output


def _wait_for(prometheus: Prometheus, metric: str) -> None:
    """Wait until a recording rule has its first value."""
    end = time.monotonic() + SLOWEST_LIMIT_S
    while not prometheus.has(metric):
        assert time.monotonic() < end, f"{metric} has no value after {SLOWEST_LIMIT_S} s"
        time.sleep(2)


def _load(clone: Path, url: str) -> None:
    """Act as customers for a while."""
    done = subprocess.run(
        [sys.executable, "-m", "fintech.load", url, "--rate", str(REQUESTS_PER_S), "--duration", str(LOAD_S), "--users", "6"],
        cwd=clone / "sample_app", capture_output=True, text=True, timeout=LOAD_S + 60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def answers(prometheus: Prometheus) -> list[Answer]:
    """Ask everything once."""
    files = sorted((ROOT / "dashboards/json").glob("*.json"))
    boards = [json.loads(path.read_text(encoding="utf-8")) for path in files]
    time.sleep(1)
    return ask_everything(prometheus, [board for board in boards if board["uid"] not in NOT_HERE], minutes=WINDOW_MIN)


def test_prometheus_takes_every_query(answers: list[Answer]) -> None:
    """Panels, variables and annotations; none is refused."""
    assert {answer.asked.kind for answer in answers} == {"panel", "variable", "annotation"}
    assert [(answer.asked.dashboard, answer.asked.name, answer.error) for answer in answers if answer.error] == []


def test_no_panel_is_empty_without_saying_why(answers: list[Answer]) -> None:
    """A panel whose emptiness is good news says so itself; the rest shows something."""
    silent = [(asked.dashboard, asked.name) for asked in empty_panels(answers) if not asked.may_be_empty]
    assert [each for each in silent if each not in EMPTY_HERE] == []
    assert set(EMPTY_HERE) <= set(silent), "these have something to show now; take them off the list"


def test_every_variable_offers_something(answers: list[Answer]) -> None:
    """A variable without a value would empty the whole dashboard."""
    bare = [(answer.asked.dashboard, answer.asked.name) for answer in answers if answer.asked.kind == "variable" and answer.is_empty]
    assert bare == []


def test_every_annotation_has_events_or_good_news(answers: list[Answer]) -> None:
    """Starts and reloads have happened; alerts need not have fired."""
    bare = [answer.asked for answer in answers if answer.asked.kind == "annotation" and answer.is_empty]
    assert [asked.name for asked in bare if not asked.may_be_empty] == []


def test_what_may_be_empty_is_a_short_list() -> None:
    """The allowance is no way out for dashboards that show nothing."""
    boards = [json.loads(path.read_text(encoding="utf-8")) for path in (ROOT / "dashboards/json").glob("*.json")]
    panels = [panel for board in boards for panel in panels_of(board)]
    allowed = [panel for panel in panels if panel["fieldConfig"]["defaults"].get("noValue")]
    assert len(allowed) < 0.2 * len(panels)


def test_every_dashboard_is_drawn(prometheus: Prometheus) -> None:
    """With all its rows: no query is refused, and the picture is whole."""
    end = time.time()
    asked = render.Prometheus(prometheus.url, prometheus.session)
    for path in sorted((ROOT / "dashboards/json").glob("*.json")):
        board = json.loads(path.read_text(encoding="utf-8"))
        filled = fill(board, asked, Window(end - 60 * WINDOW_MIN, end), open_rows=True)
        assert filled.refused == [], path.name
        assert ET.fromstring(as_svg(filled, THEMES["dark"], 1400, open_rows=True)).tag.endswith("svg")  # noqa: S314
