"""A backtest over the past of a real Prometheus, with the routes of a real Alertmanager."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from promontory.backtest import picture, variants
from promontory.backtest.history import Past, Rule, Span, deployed_routes
from promontory.backtest.study import study
from promontory.errors import ServiceUnreachable, UsageError
from promontory.stack import Access
from tests.mailbox.alertmanager import relocate
from tests.support.processes import free_port

pytestmark = pytest.mark.network

START = datetime(2026, 11, 2, 0, 0, tzinfo=UTC).timestamp()
DAY = 86400
STEP = 60
HIGH = (START + 6 * 3600, START + 7 * 3600)        # an hour at 0.95
PEAK = (START + 12 * 3600, START + 12 * 3600 + 180)   # three minutes at 0.85
RULES = {
    "groups": [
        {
            "name": "disk",
            "interval": "1m",
            "rules": [
                {
                    "alert": "DiskFull",
                    "expr": "disk_used_ratio > 0.9",
                    "for": "5m",
                    "labels": {"severity": "critical"},
                    "annotations": {"summary": "full"},
                }
            ],
        }
    ]
}
ROUTES = {
    "route": {"receiver": "people", "group_by": ["alertname"], "group_wait": "30s", "group_interval": "5m"},
    "receivers": [{"name": "people", "email_configs": [{"to": "a@example.net", "send_resolved": True}]}],
    "global": {"smtp_smarthost": "127.0.0.1:1", "smtp_from": "b@example.net"},
}


def openmetrics() -> str:
    """A day of a disk on two hosts; the second one is always well."""
    lines = ["# TYPE disk_used_ratio gauge"]
    for host in ("db1", "db2"):
        for now in range(int(START), int(START) + DAY, STEP):
            value = 0.5
            if host == "db1" and HIGH[0] <= now < HIGH[1]:
                value = 0.95
            if host == "db1" and PEAK[0] <= now < PEAK[1]:
                value = 0.85
            lines.append(f'disk_used_ratio{{instance="{host}"}} {value} {now}')
    return "\n".join([*lines, "# EOF"]) + "\n"


@pytest.fixture(scope="module")
def servers(
    real_program: Callable[[str, str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Access, Access]]:
    """Doors of a Prometheus that has that day, and of an Alertmanager."""
    folder = tmp_path_factory.mktemp("past")
    prometheus = real_program("prometheus", "sid")
    alertmanager = relocate(real_program("alertmanager", "sid") / "alertmanager", folder)
    for template in ("default.tmpl", "email.tmpl"):
        (folder / template).touch()   # where the relocated program looks
    (folder / "day.om").write_text(openmetrics())
    subprocess.run(
        [prometheus / "promtool", "tsdb", "create-blocks-from", "openmetrics", "day.om", "data"],
        cwd=folder, check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    (folder / "rules.yml").write_text(yaml.safe_dump(RULES))
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(ROUTES))
    (folder / "prometheus.yml").write_text(
        yaml.safe_dump({"global": {"external_labels": {"environment": "test", "replica": "a"}}, "rule_files": ["rules.yml"]})
    )
    ports = free_port(), free_port()
    commands: list[list[Any]] = [
        [
            prometheus / "prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=data",
            "--storage.tsdb.retention.time=100y", f"--web.listen-address=127.0.0.1:{ports[0]}",
        ],
        [
            alertmanager, "--config.file=alertmanager.yml", "--storage.path=am", "--cluster.listen-address=",
            f"--web.listen-address=127.0.0.1:{ports[1]}",
        ],
    ]  # fmt: skip
    processes = []
    for command in commands:
        with (folder / "log").open("ab") as log:
            processes.append(subprocess.Popen(command, cwd=folder, stdout=log, stderr=log))
    try:
        for port in ports:
            _wait_ready(f"http://127.0.0.1:{port}/-/ready", folder / "log")
        yield (
            Access("prometheus", "here", f"http://127.0.0.1:{ports[0]}/"),
            Access("alertmanager", "here", f"http://127.0.0.1:{ports[1]}/"),
        )
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(20)


def _wait_ready(url: str, log: Path) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            if requests.get(url, timeout=2).ok:
                return
        except requests.RequestException:
            pass
        time.sleep(0.1)
    pytest.fail(f"{url} is not ready: {log.read_text()[-2000:]}")


def test_it_tells_when_the_deployed_rule_would_have_fired_and_been_mailed(servers: tuple[Access, Access]) -> None:
    prometheus, alertmanager = servers
    past = Past(prometheus)
    span = Span(START, START + DAY - STEP, STEP)

    (finding,) = study(past, past.rules(), span, deployed_routes(alertmanager), with_curves=True)

    (fired,) = finding.firings
    assert (fired.pending_at, fired.fired_at) == (HIGH[0], HIGH[0] + 300)
    assert fired.ended_at == HIGH[1]
    assert fired.labels == {"alertname": "DiskFull", "instance": "db1", "severity": "critical", "environment": "test"}
    assert [(mail.at, mail.firing, mail.resolved) for mail in finding.mails] == [
        (HIGH[0] + 330, 1, 0),
        (HIGH[0] + 330 + 3300, 0, 1),
    ]
    assert finding.watched is not None
    assert finding.watched[0].expr == "disk_used_ratio"
    assert [series.labels["instance"] for series in finding.watched[1]] == ["db1", "db2"], "the most telling first"


def test_a_long_past_is_asked_for_in_pieces(servers: tuple[Access, Access]) -> None:
    span = Span(START, START + DAY - STEP, 5)   # 17,269 evaluations
    told: list[float] = []

    (series,) = Past(servers[0]).series('disk_used_ratio{instance="db1"}', span, told.append)

    assert told == [0.5, 1.0]
    assert sorted(series.values) == span.times()


def test_what_prometheus_refuses_is_said_in_its_words(servers: tuple[Access, Access]) -> None:
    with pytest.raises(ServiceUnreachable, match="parse error"):
        Past(servers[0]).series("rate(", Span(START, START + 600, STEP))


def test_another_threshold_stands_beside_what_is_deployed(servers: tuple[Access, Access], tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    groups = json.loads(json.dumps(RULES))
    groups["groups"][0]["rules"][0]["expr"] = "disk_used_ratio > 0.9  # threshold: disk_used_ratio"
    (rules / "disk.yml").write_text(yaml.safe_dump(groups))
    (rules / "files.yml").write_text("disk: node_exporter\n")
    entry = {"alert": "DiskFull", "unit": "ratio", "scope": "host", "min": 0.1, "max": 1, "description": "x"}
    (rules / "thresholds.yml").write_text(yaml.safe_dump({"disk_used_ratio": entry}))
    past = Past(servers[0])
    deployed = past.rules()
    short = [Rule(rule.name, rule.expr, for_s=60, interval_s=60) for rule in deployed]

    (tried,) = variants.with_thresholds(rules, variants.parse_settings(["rules_disk_used_ratio=0.8"]), short)
    findings = study(past, [*short, tried], Span(START, START + DAY - STEP, STEP), ROUTES, with_curves=True)

    assert tried.variant == "disk_used_ratio=0.8"
    assert [len(finding.firings) for finding in findings] == [1, 2]
    for name in ("a.png", "a.svg", "a.html"):
        picture.draw(findings, Span(START, START + DAY - STEP, STEP), tmp_path / name)
    drawn = (tmp_path / "a.svg").read_text()
    assert all(text in drawn for text in ("DiskFull", "0.9 (deployed)", "0.8 (disk_used_ratio=0.8)", "mails (4)"))
    assert (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"
    assert "https://cdn" not in (tmp_path / "a.html").read_text()


@pytest.mark.parametrize(
    ("text", "message"),
    [("x", "expected NAME=NUMBER"), ("x=high", "expected NAME=NUMBER"), ("nothing=1", "no such threshold")],
)
def test_a_wrong_setting_is_refused(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "files.yml").write_text("")
    (tmp_path / "thresholds.yml").write_text("")

    with pytest.raises(UsageError, match=message):
        variants.with_thresholds(tmp_path, variants.parse_settings([text]), [])
