"""What on-call people read, captured from real Alertmanagers over real SMTP."""

from __future__ import annotations

import json
import re
import urllib.parse
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.mailbox.alertmanager import Alertmanager, alert, relocate, start
from tests.mailbox.conftest import Mailbox, wait_for

pytestmark = pytest.mark.network
EXTERNAL_URL = "http://lab.test/alertmanager"


@pytest.fixture(scope="module", params=["trixie", "sid"])
def program(
    request: pytest.FixtureRequest,
    real_program: Callable[[str, str], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """Give Alertmanager 0.28 and 0.33 in turn."""
    return relocate(
        real_program("alertmanager", request.param) / "alertmanager", tmp_path_factory.mktemp(request.param)
    )


@pytest.fixture
def alertmanager(program: Path, mailbox: Mailbox, tmp_path: Path) -> Iterator[Alertmanager]:
    """Run an Alertmanager that sends to the test's mailbox."""
    running = start(program, mailbox, tmp_path / "alertmanager", EXTERNAL_URL)
    yield running
    running.stop()


def mail(mailbox: Mailbox, subject: str, alertmanager: Alertmanager) -> dict[str, Any]:
    """Wait for the one mail whose subject contains a text."""
    query = urllib.parse.quote(subject)
    try:
        found = wait_for(lambda: mailbox.json(f"/api/messages?subject={query}"), f"a mail with {subject!r}")
    except pytest.fail.Exception as failure:
        raise AssertionError(f"{failure}; Alertmanager says: {alertmanager.log.read_text()[-3000:]}") from failure
    message: dict[str, Any] = mailbox.json(f"/api/messages/{found[0]['id']}")
    return message


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: dict[str, list[str]] = {}
        self.sources: list[str] = []
        self._href = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "a":
            self._href = values.get("href") or ""
        elif values.get("src") or tag in {"link", "script", "img"}:
            self.sources.append(tag)

    def handle_data(self, data: str) -> None:
        if self._href:
            self.links.setdefault(data.strip(), []).append(self._href)
            self._href = ""


def page(html: str) -> _Page:
    """Read the links of a mail by their text, and what it would load."""
    parsed = _Page()
    parsed.feed(html)
    return parsed


def matchers(url: str) -> dict[str, str]:
    """Read a silence link as the page of Alertmanager does: percent-decoded, each value a JSON string."""
    prefix = f"{EXTERNAL_URL}/#/silences/new?filter="
    assert url.startswith(prefix), url
    filter_ = urllib.parse.unquote(url.removeprefix(prefix))
    assert filter_[0] + filter_[-1] == "{}"
    pairs = re.findall(r'([a-zA-Z_]\w*)=("(?:[^"\\]|\\.)*")(?:,|$)', filter_[1:-1])
    assert ",".join(f"{name}={value}" for name, value in pairs) == filter_[1:-1]
    return {name: json.loads(value) for name, value in pairs}


def test_one_alert_tells_what_where_since_value_impact_and_first_action(
    alertmanager: Alertmanager, mailbox: Mailbox
) -> None:
    firing = alert()

    alertmanager.fire(firing)

    sent = mail(mailbox, "SampleAppErrorRatioHigh", alertmanager)
    assert sent["subject"] == "[CRITICAL][lab] SampleAppErrorRatioHigh (1) sample_app @ app-1"
    assert sent["to"] == ["oncall@lab.test"]
    assert {"name": "Auto-Submitted", "value": "auto-generated"} in sent["headers"]
    assert sent["problems"] == []
    since = firing["startsAt"][:19].replace("T", " ") + " UTC"
    for part in (sent["text"], re.sub(r"<[^>]+>", "", sent["html"]).replace("&#39;", "'")):
        assert since in part
        for annotation in ("summary", "description", "impact", "action"):
            assert firing["annotations"][annotation] in part
    links = page(sent["html"]).links
    assert links["Runbook"] == [firing["annotations"]["runbook_url"]]
    assert links["Graph"] == [firing["generatorURL"]]
    assert links["Alertmanager"] == [f"{EXTERNAL_URL}/#/alerts?receiver=on%20call%20%26%20co"]
    assert matchers(links["Silence"][0]) == firing["labels"]
    assert links["Alertmanager"][0] in sent["text"]
    assert "Dashboard" not in links


def test_the_mail_loads_nothing_and_has_no_script(alertmanager: Alertmanager, mailbox: Mailbox) -> None:
    alertmanager.fire(alert())

    html = mail(mailbox, "SampleAppErrorRatioHigh", alertmanager)["html"]

    assert page(html).sources == []
    assert "url(" not in html
    assert "@import" not in html
    assert "ZgotmplZ" not in html


def test_silence_links_survive_quotes_slashes_spaces_and_unicode(alertmanager: Alertmanager, mailbox: Mailbox) -> None:
    hostile = {
        "mountpoint": '/srv/Größe & "Raum"',
        "path": "C:\\temp\\new",
        "query": "a=1&b=2#c?d+e%20",
        "note": "磁盘 🔥 <b>x</b> 'q' {y,z}",
    }
    firing = alert(**hostile)

    alertmanager.fire(firing)

    sent = mail(mailbox, "SampleAppErrorRatioHigh", alertmanager)
    links = page(sent["html"]).links
    in_text = re.findall(r"Silence:\s+(\S+)", sent["text"])
    assert [matchers(url) for url in (*links["Silence"], *in_text, *links["Silence all of this mail"])] == [
        firing["labels"]
    ] * 3
    assert "<b>x</b>" not in sent["html"]
    assert f"note={hostile['note']}" in sent["text"]


def test_firing_comes_before_resolved_and_the_duration_is_told(alertmanager: Alertmanager, mailbox: Mailbox) -> None:
    alertmanager.fire(alert(instance="app-2", minutes_ago=20))
    mail(mailbox, "(1) sample_app @ app-2", alertmanager)
    alertmanager.fire(alert(instance="app-1"))
    mail(mailbox, "(2) sample_app @ 2 hosts", alertmanager)

    alertmanager.fire(alert(instance="app-2", minutes_ago=20, lasted_s=14 * 60 + 3))

    sent = mail(mailbox, "(1) sample_app @ app-1", alertmanager)
    assert sent["subject"] == "[CRITICAL][lab] SampleAppErrorRatioHigh (1) sample_app @ app-1"
    assert sent["text"].index("FIRING: The sample app on app-1") < sent["text"].index(
        "RESOLVED: The sample app on app-2"
    )
    assert re.search(r"Lasted: +14m[234]s, from ", sent["text"])
    assert "1 firing, 1 resolved" in sent["html"]
    assert re.search(r"lasted 14m[234]s", sent["html"])


def test_all_resolved_is_green_and_says_so_in_the_subject(alertmanager: Alertmanager, mailbox: Mailbox) -> None:
    alertmanager.fire(alert())
    mail(mailbox, "[CRITICAL]", alertmanager)

    alertmanager.fire(alert(lasted_s=65))

    sent = mail(mailbox, "[RESOLVED]", alertmanager)
    assert sent["subject"] == "[RESOLVED][lab] SampleAppErrorRatioHigh (1) sample_app @ app-1"
    assert "#15803d" in sent["html"]
    assert "FIRING" not in sent["text"]
    assert "Silence all" not in sent["html"]


def test_sixty_alerts_are_one_mail_with_ten_of_them_and_the_count_of_the_rest(
    alertmanager: Alertmanager, mailbox: Mailbox
) -> None:
    alertmanager.fire(*(alert(instance=f"app-{number:02}", minutes_ago=0) for number in range(60)))

    sent = mail(mailbox, "60 hosts", alertmanager)
    assert sent["subject"] == "[CRITICAL][lab] SampleAppErrorRatioHigh (60) sample_app @ 60 hosts"
    assert sent["text"].count("FIRING: ") == 10
    assert "and 50 more firing" in sent["text"]
    assert "and 50 more firing" in sent["html"]
    assert len(page(sent["html"]).links["Silence"]) == 10
    assert sent["size"] < 100_000
    assert len(mailbox.json("/api/messages")) == 1


def test_a_rule_of_somebody_else_gives_a_whole_mail(alertmanager: Alertmanager, mailbox: Mailbox) -> None:
    alertmanager.fire(
        {
            "labels": {"alertname": "TheirAlert", "severity": "page"},
            "annotations": {"runbook_url": "javascript:alert(1)"},
        }
    )

    sent = mail(mailbox, "TheirAlert", alertmanager)
    assert sent["subject"] == "[PAGE] TheirAlert (1)"
    assert "FIRING: TheirAlert" in sent["text"]
    assert "javascript:" not in json.dumps(page(sent["html"]).links)
    assert set(page(sent["html"]).links) == {"Silence", "Silence all of this mail", "Alertmanager"}


def test_a_runbook_that_is_a_path_is_told_but_no_link(alertmanager: Alertmanager, mailbox: Mailbox) -> None:
    alertmanager.fire(alert(annotations={"runbook_url": "docs/runbooks/TargetDown.md"}))

    sent = mail(mailbox, "SampleAppErrorRatioHigh", alertmanager)
    assert "Runbook: docs/runbooks/TargetDown.md" in sent["html"]
    assert "Runbook" not in page(sent["html"]).links


def test_the_token_of_a_synthetic_alert_is_in_the_subject(alertmanager: Alertmanager, mailbox: Mailbox) -> None:
    alertmanager.fire(alert("PromontorySynthetic", "mon-1", severity="info", service="alerting", token="3f2a9c"))

    sent = mail(mailbox, "3f2a9c", alertmanager)
    assert sent["subject"] == "[INFO][lab] PromontorySynthetic (1) alerting @ mon-1 [3f2a9c]"


def test_a_mixed_group_has_the_worst_severity(alertmanager: Alertmanager, mailbox: Mailbox) -> None:
    alertmanager.fire(
        alert(instance="a", severity="info"),
        alert(instance="b", severity="critical"),
        alert(instance="c", severity="warning"),
    )

    sent = mail(mailbox, "(3)", alertmanager)
    assert sent["subject"] == "[CRITICAL][lab] SampleAppErrorRatioHigh (3) sample_app @ 3 hosts"
    assert "#b91c1c" in sent["html"]
