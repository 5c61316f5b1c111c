"""`promontory alerts` against a real Alertmanager that mails to a real mailbox."""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.promontory.stack.plugins.plugin_utils.alertmanager import render
from click.testing import Result

from tests.alerts import running, settings
from tests.alerts.running import Alertmanager
from tests.mailbox.conftest import Mailbox

pytestmark = pytest.mark.network
Promontory = Callable[..., Result]

RULES = """\
groups:
  - name: g
    rules:
      - {alert: HostDown, expr: up == 0, labels: {severity: critical, team: platform, service: host}}
      - {alert: HostSlow, expr: latency > 1, labels: {severity: warning, team: platform, service: host}}
      - {alert: PromontorySynthetic, expr: promontory_synthetic_alert == 1, labels: {severity: info, route: synthetic}}
"""
HOURS = {"location": "UTC", "weekdays": ["monday:friday"], "times": [{"start_time": "08:00", "end_time": "18:00"}]}


@pytest.fixture
def mailbox(tmp_path: Path) -> Iterator[Mailbox]:
    """A mailbox that takes the mails."""
    folder = tmp_path / "mailbox"
    folder.mkdir()
    started = Mailbox(folder).start()
    yield started
    started.stop()


@pytest.fixture
def alertmanager(
    real_program: Callable[[str, str], Path],
    tmp_path: Path,
    root: Path,
    mailbox: Mailbox,
    write_stack: Callable[..., None],
) -> Iterator[Alertmanager]:
    """Alertmanager with the role's configuration, warnings in working hours, and a stack.json that leads to it."""
    (root / "rules").mkdir()
    (root / "rules/rules.yml").write_text(RULES, encoding="utf-8")
    window = {
        "name": "db",
        "matchers": ['instance="db9"'],
        "location": "UTC",
        "start": "2026-12-01 22:00",
        "end": "2026-12-02 02:00",
    }
    rendered = render(
        settings.settings(
            working_hours=HOURS,
            maintenance=[window],
            smarthost={"host": "127.0.0.1", "port": mailbox.smtp_port, "require_tls": False},
            own_inhibit_rules=[
                {"name": "host-down", "source_matchers": ['alertname="HostDown"'], "target_matchers": ['alertname!="HostDown"'],
                 "equal": ["environment", "instance"]},
            ],
        )
    )  # fmt: skip
    path = settings.write(rendered, tmp_path / "am", running.quick(rendered.config))
    with running.running(real_program("alertmanager", "sid") / "alertmanager", path) as manager:
        write_stack(alertmanager=manager.url, mailbox=mailbox.url)
        yield manager


@pytest.fixture
def offline(root: Path, write_stack: Callable[..., None]) -> None:
    """A stack that does not answer: what is refused is refused before anything is asked."""
    (root / "rules").mkdir()
    (root / "rules/rules.yml").write_text(RULES, encoding="utf-8")
    write_stack(alertmanager="http://127.0.0.1:1/")


@contextmanager
def chain(alertmanager: Alertmanager) -> Iterator[tuple[str, list[str]]]:
    """Stand in for Pushgateway and Prometheus: what is pushed fires, what is deleted ends."""
    asked: list[str] = []
    firing: dict[str, dict[str, str]] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            token = self.path.rpartition("/")[2]
            firing[token] = {
                "alertname": "PromontorySynthetic",
                "severity": "info",
                "route": "synthetic",
                "token": token,
            }
            alertmanager.fire(firing[token])
            self._answer("PUT", {})

        def do_DELETE(self) -> None:
            token = self.path.rpartition("/")[2]
            now = datetime.now(UTC)
            ended = {
                "labels": firing.pop(token, {}),
                "startsAt": (now - timedelta(minutes=1)).isoformat(),
                "endsAt": now.isoformat(),
            }
            alertmanager._post("api/v2/alerts", [ended])
            self._answer("DELETE", {})

        def do_GET(self) -> None:
            self._answer(
                "GET",
                {
                    "data": {
                        "alerts": [{"labels": labels, "state": "firing"} for labels in firing.values()],
                        "result": [],
                    }
                },
            )

        def _answer(self, method: str, body: Any) -> None:
            asked.append(f"{method} {self.path.partition('?')[0]}")
            raw = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *arguments: object) -> None:
            """Keep the test's output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def document(result: Result) -> dict[str, Any]:
    """The JSON that a command printed."""
    loaded: dict[str, Any] = json.loads(result.stdout)
    return loaded


# -- route -----------------------------------------------------------------------------------------


def test_route_says_who_is_told_when(promontory: Promontory, alertmanager: Alertmanager) -> None:
    """A name alone brings the labels of its rule along."""
    result = promontory("alerts", "route", "HostDown", "instance=db1", "--json")

    routing = document(result)["routing"]
    assert result.exit_code == 0, result.output
    assert routing["labels"] == {
        "alertname": "HostDown", "environment": "test", "instance": "db1", "service": "host", "severity": "critical", "team": "platform",
    }  # fmt: skip
    [told] = routing["told"]
    assert (told["receiver"], told["addresses"], told["muted_by"]) == ("oncall", ["email to oncall@example.net"], [])
    assert routing["inhibitions"] == []


def test_route_at_a_time_says_until_when_a_warning_waits(promontory: Promontory, alertmanager: Alertmanager) -> None:
    result = promontory("alerts", "route", "HostSlow", "--at", "2026-11-28T10:00+00:00", "--json")

    [told] = document(result)["routing"]["told"]
    assert told["muted_by"] == ["working-hours"]
    assert told["first_at"] == "2026-11-30T08:00:00Z"  # the Monday after that Saturday


def test_route_in_a_maintenance_window_says_when_it_ends(promontory: Promontory, alertmanager: Alertmanager) -> None:
    result = promontory(
        "alerts", "route", "{alertname=HostDown, instance=db9}", "--at", "2026-12-01T23:00+00:00", "--json"
    )

    [told] = document(result)["routing"]["told"]
    assert (told["muted_by"], told["first_at"]) == (["maintenance-db"], "2026-12-02T02:00:00Z")


def test_route_names_what_mutes_the_alert_now(promontory: Promontory, alertmanager: Alertmanager) -> None:
    alertmanager.fire({"alertname": "HostDown", "environment": "test", "instance": "db1", "severity": "critical"})

    result = promontory("alerts", "route", "HostSlow", "instance=db1")

    assert (
        'Muted while alertname="HostDown" fires with environment=test, instance=db1 (host-down); now by HostDown'
        in result.stdout
    )


def test_route_walks_a_file_that_is_not_deployed(promontory: Promontory, root: Path) -> None:
    file = root / "alertmanager.yml"
    file.write_text(
        "{route: {receiver: a, routes: [{matchers: ['x=\"y\"'], receiver: b}]}, receivers: [{name: a}, {name: b}]}"
    )

    result = promontory("alerts", "route", "x=y", "--config", str(file), "--json")

    assert [told["receiver"] for told in document(result)["routing"]["told"]] == ["b"]
    assert result.exit_code == 3  # a receiver without an address reaches nobody
    assert "Nobody would be told: b has no address" in result.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(["severity~critical"], "cannot be read", id="no matcher"),
        pytest.param(["severity!=critical"], "is no label", id="a condition is no label"),
        pytest.param(["a=b", "a=c"], "given twice", id="a label twice"),
        pytest.param(
            ["HostDown", "severity=info"], "The rules have no HostDown with these labels", id="labels that no rule has"
        ),
        pytest.param(["HostDown", "--at", "tomorrow"], "'tomorrow' is no time", id="no time"),
    ],
)
def test_route_refuses_what_it_cannot_read(
    promontory: Promontory, offline: None, words: list[str], message: str
) -> None:
    result = promontory("alerts", "route", *words)

    assert (result.exit_code, message in result.stderr) == (2, True), result.stderr


# -- silences --------------------------------------------------------------------------------------


def test_a_silence_is_made_listed_and_ended(promontory: Promontory, alertmanager: Alertmanager) -> None:
    alertmanager.fire({"alertname": "HostDown", "environment": "test", "instance": "db1", "severity": "critical"})

    made = promontory(
        "alerts",
        "silence",
        "HostDown",
        'instance=~"db[0-9]"',
        "--for",
        "2h",
        "--comment",
        "new disk",
        "--author",
        "ann",
        "--json",
    )
    listed = promontory("alerts", "silences", "list", "--json")
    routed = promontory("alerts", "route", "HostDown", "instance=db1")
    ended = promontory("alerts", "silences", "expire", document(made)["silence"]["id"][:8])

    silence = document(made)["silence"]
    assert silence["matchers"] == ['alertname="HostDown"', 'instance=~"db[0-9]"']
    assert (silence["author"], silence["comment"], silence["alerts"]) == ("ann", "new disk", 1)
    length = datetime.fromisoformat(silence["ends_at"]) - datetime.fromisoformat(silence["starts_at"])
    assert timedelta(minutes=119) < length <= timedelta(hours=2)
    assert [one["id"] for one in document(listed)["silences"]] == [silence["id"]]
    assert "by ann: new disk" in routed.stdout
    assert ended.exit_code == 0
    assert document(promontory("alerts", "silences", "list", "--json"))["silences"] == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(["HostDown", "--comment", "x"], "A silence needs an end", id="endless"),
        pytest.param(
            ["HostDown", "--comment", "x", "--for", "1h", "--until", "23:00"], "exclude each other", id="two ends"
        ),
        pytest.param(["HostDown", "--for", "1h"], "says who made it and why", id="no reason"),
        pytest.param(["HostDown", "--for", "1h", "--comment", " "], "says who made it and why", id="an empty reason"),
        pytest.param(
            ["HostDown", "--for", "100w", "--comment", "x"], "A silence may last 31 days", id="as good as endless"
        ),
        pytest.param(["HostDown", "--for", "soon", "--comment", "x"], "'soon' is no duration", id="no duration"),
        pytest.param(["HostDown", "--until", "2020-01-01", "--comment", "x"], "is past", id="over before it begins"),
        pytest.param(
            ["severity=info", "--for", "1h", "--comment", "x"], "would silence the Watchdog", id="the Watchdog"
        ),
        pytest.param(
            ['instance!="db1"', "--for", "1h", "--comment", "x"], "hide almost everything", id="everything else"
        ),
        pytest.param(
            ['instance=~"("', "--for", "1h", "--comment", "x"], "broken regular expression", id="a broken expression"
        ),
    ],
)
def test_a_silence_that_hides_too_much_is_refused(
    promontory: Promontory, offline: None, words: list[str], message: str
) -> None:
    result = promontory("alerts", "silence", *words)

    assert (result.exit_code, message in result.stderr) == (2, True), result.stderr


def test_an_unknown_silence_cannot_be_ended(promontory: Promontory, alertmanager: Alertmanager) -> None:
    result = promontory("alerts", "silences", "expire", "feed")

    assert result.exit_code == 2
    assert "0 silences in force have an id that begins with 'feed'" in result.stderr


# -- status ----------------------------------------------------------------------------------------


def test_status_shows_alerts_silences_and_why_nobody_is_told(
    promontory: Promontory, alertmanager: Alertmanager
) -> None:
    alertmanager.fire({"alertname": "HostDown", "environment": "test", "instance": "db1", "severity": "critical"})
    promontory("alerts", "silence", "HostDown", "--for", "1h", "--comment", "x")

    shown = promontory("alerts", "status")
    told = document(promontory("alerts", "status", "--json"))["alerting"]

    assert shown.exit_code == 0
    assert "Alertmanager 0.33.1" in shown.stdout
    assert [(alert["labels"]["alertname"], alert["muted"]) for alert in told["alerts"]] == [("HostDown", "silenced")]
    assert (len(told["silences"]), told["problems"], told["cluster"]) == (1, [], "disabled")


def test_status_ends_with_three_when_notifications_fail(
    promontory: Promontory, alertmanager: Alertmanager, write_stack: Callable[..., None]
) -> None:
    """What Prometheus has seen of the last quarter of an hour counts, of every member."""

    def answer(path: str) -> Any:
        metric = "notifications_failed" if "notifications_failed" in path else path
        samples = {
            "notifications_failed": [{"metric": {"instance": "mon1", "integration": "email"}, "value": [0, "7"]}],
        }.get(metric, [])
        if "last_reload_successful" in path:
            samples = [
                {"metric": {"instance": name}, "value": [0, value]} for name, value in (("mon1", "1"), ("mon2", "0"))
            ]
        return {"data": {"result": samples}}

    with answering(answer) as prometheus:
        write_stack(alertmanager=alertmanager.url, prometheus=prometheus)
        result = promontory("alerts", "status")

    assert result.exit_code == 3
    assert "Alertmanager on mon1 failed to deliver 7 notifications by email in the last 15m." in result.stderr
    assert "Alertmanager on mon2 refused its last configuration" in result.stderr


@contextmanager
def answering(answer: Callable[[str], Any]) -> Iterator[str]:
    """Answer every GET with JSON."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            raw = json.dumps(answer(self.path)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *arguments: object) -> None:
            """Keep the test's output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


# -- send ------------------------------------------------------------------------------------------


def test_send_follows_an_alert_through_the_whole_chain_and_back(
    promontory: Promontory, alertmanager: Alertmanager, mailbox: Mailbox, write_stack: Callable[..., None]
) -> None:
    with chain(alertmanager) as (url, asked):
        write_stack(alertmanager=alertmanager.url, mailbox=mailbox.url, pushgateway=url, prometheus=url)
        result = promontory("alerts", "send", "--json", "--timeout", "30")

    sent = document(result)["sent"]
    assert result.exit_code == 0, result.output
    assert list(sent["stations"]) == [
        "fires in Prometheus", "arrives in Alertmanager", "lies in the mailbox", "is over in Alertmanager", "is over in the mailbox",
    ]  # fmt: skip
    assert sent["token"] in sent["subject"]
    assert [line for line in asked if line.startswith("DELETE")], "the metric is taken back"


def test_send_with_labels_waits_for_the_mail_that_the_routes_send(
    promontory: Promontory, alertmanager: Alertmanager, mailbox: Mailbox
) -> None:
    result = promontory(
        "alerts", "send", "--labels", "HostDown instance=test1", "--author", "ann", "--timeout", "30", "--json"
    )

    sent = document(result)["sent"]
    assert result.exit_code == 0, result.output
    assert "HostDown" in sent["subject"]
    with urllib.request.urlopen(f"{mailbox.url}/api/messages/{sent['mail_id']}") as answer:
        assert "A test alert, sent by ann" in json.loads(answer.read())["text"]


def test_send_ends_with_four_when_no_mail_comes_and_takes_the_metric_back(
    promontory: Promontory, alertmanager: Alertmanager, mailbox: Mailbox, write_stack: Callable[..., None]
) -> None:
    with chain(alertmanager) as (url, asked), answering(lambda path: []) as empty:
        write_stack(alertmanager=alertmanager.url, mailbox=empty, pushgateway=url, prometheus=url)
        result = promontory("alerts", "send", "--timeout", "2")

    assert result.exit_code == 4
    assert (
        "did not get this far within 2 s: lies in the mailbox (before that: fires in Prometheus"
        in result.stderr.replace("\n", " ")
    )
    assert [line for line in asked if line.startswith("DELETE")]


def test_send_without_a_pushgateway_says_what_to_do(promontory: Promontory, offline: None) -> None:
    result = promontory("alerts", "send")

    assert result.exit_code == 2
    assert "no Pushgateway" in result.stderr


def test_send_tells_that_nobody_would_be_told(promontory: Promontory, alertmanager: Alertmanager) -> None:
    promontory("alerts", "silence", "HostDown", "--for", "1h", "--comment", "x")

    result = promontory("alerts", "send", "--labels", "HostDown instance=test1")

    assert result.exit_code == 2
    assert "Nothing was sent, because nobody would be told: the alert is silenced until" in result.stderr
    assert alertmanager.get("api/v2/alerts") == []
