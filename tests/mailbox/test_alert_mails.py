"""What on-call people read, captured from real Alertmanagers over real SMTP."""

from __future__ import annotations

import json
import re
import urllib.parse
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.mailbox.alertmanager import Alertmanager, alert
from tests.mailbox.conftest import Mailbox
from tests.mailbox.reading import EXTERNAL_URL, header, mail, matchers, page

pytestmark = pytest.mark.network


def test_one_alert_tells_what_where_since_value_impact_and_first_action(
    alertmanager: Alertmanager, mailbox: Mailbox
) -> None:
    firing = alert(mountpoint="/srv")

    alertmanager.fire(firing)

    sent = mail(mailbox, "SampleAppErrorRatioHigh", alertmanager)
    assert sent["subject"] == "[FIRING:1][critical][lab] SampleAppErrorRatioHigh sample_app @ app-1"
    assert sent["to"] == ["oncall@lab.test"]
    assert sent["problems"] == []
    since = firing["startsAt"][:19].replace("T", " ") + " UTC, 3m"
    shown = page(sent["html"])
    for part in (re.sub(r"\s+", " ", sent["text"]), shown.text):
        assert since in part
        assert "app-1, mountpoint=/srv" in part
        order = [part.index(firing["annotations"][name]) for name in ("summary", "impact", "action")]
        assert order == sorted(order)
        assert firing["annotations"]["description"] in part
    links = shown.links
    assert links["Runbook"] == [firing["annotations"]["runbook_url"]]
    assert links["Graph"] == [firing["generatorURL"]]
    assert links["Alertmanager"] == [f"{EXTERNAL_URL}/#/alerts?receiver=on%20call%20%26%20co"]
    assert matchers(links["Silence"][0]) == firing["labels"]
    assert links["Alertmanager"][0] in sent["text"]
    assert "Dashboard" not in links


def test_headers_are_there_for_filters_and_against_answers(alertmanager: Alertmanager, mailbox: Mailbox) -> None:
    alertmanager.fire(alert())

    sent = mail(mailbox, "SampleAppErrorRatioHigh", alertmanager)
    assert {name: header(sent, name) for name in (
        "X-State", "X-Severity", "X-Team", "X-Environment", "X-Service", "X-Alert", "Importance", "X-Priority",
        "Auto-Submitted", "X-Auto-Response-Suppress",
    )} == {
        "X-State": "firing", "X-Severity": "critical", "X-Team": "payments", "X-Environment": "lab",
        "X-Service": "sample_app", "X-Alert": "SampleAppErrorRatioHigh", "Importance": "high", "X-Priority": "1",
        "Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "OOF, AutoReply",
    }  # fmt: skip


@pytest.mark.parametrize("severity", ["warning", "info", "page"])
def test_only_what_is_critical_is_loud(alertmanager: Alertmanager, mailbox: Mailbox, severity: str) -> None:
    alertmanager.fire(alert(severity=severity))

    sent = mail(mailbox, f"[FIRING:1][{severity}][lab]", alertmanager)
    assert (header(sent, "Importance"), header(sent, "X-Priority")) == ("normal", "3")


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
        "lines": "one\ntwo\tthree",
        "hidden": "zero\u200bwidth",
        "template": "{{ .Foo }} $1 ${x}",
    }
    firing = alert(**hostile)

    alertmanager.fire(firing)

    sent = mail(mailbox, "SampleAppErrorRatioHigh", alertmanager)
    links = page(sent["html"]).links
    in_text = re.findall(r"Silence:\s+(\S+)", sent["text"])
    assert [matchers(url) for url in (*links["Silence"], *in_text)] == [firing["labels"]] * 2
    assert "<b>x</b>" not in sent["html"]
    assert f"note={hostile['note']}" in sent["text"]
    assert "template={{ .Foo }} $1 ${x}" in sent["text"]


def test_a_group_is_silenced_by_what_it_has_in_common(alertmanager: Alertmanager, mailbox: Mailbox) -> None:
    first, second = alert(instance="app-1", minutes_ago=0), alert(instance="app-2", minutes_ago=0)

    alertmanager.fire(first, second)

    sent = mail(mailbox, "[FIRING:2]", alertmanager)
    common = {name: value for name, value in first["labels"].items() if name != "instance"}
    (in_text,) = re.findall(r"Silence all 2: (\S+)", sent["text"])
    assert matchers(page(sent["html"]).links["Silence all 2"][0]) == common
    assert matchers(in_text) == common


def test_the_dashboard_opens_at_the_time_of_the_alert(alertmanager: Alertmanager, mailbox: Mailbox) -> None:
    """It is live while the alert lasts, and shows a quarter of an hour more when it is over."""
    base = "http://lab.test/grafana/d/promontory-host?var-environment=lab&var-instance=app%2F1"
    annotations = {"summary": "It is slow", "dashboard_url": base}

    def milliseconds(moment: str, hours: float) -> int:
        return int((datetime.fromisoformat(moment) + timedelta(hours=hours)).timestamp() * 1000)

    firing = alert(annotations=annotations)
    alertmanager.fire(firing)
    sent = mail(mailbox, "[FIRING:1]", alertmanager)
    over = alert(annotations=annotations, lasted_s=60) | {"startsAt": firing["startsAt"]}
    alertmanager.fire(over)
    ended = mail(mailbox, "[RESOLVED:1]", alertmanager)

    begin = milliseconds(firing["startsAt"], -1)
    assert page(sent["html"]).links["Dashboard"] == [f"{base}&from={begin}&to=now"]
    assert f"{base}&from={begin}&to=now\n" in sent["text"].replace("\r", "")
    (link,) = page(ended["html"]).links["Dashboard"]
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(link).query)
    assert query["var-instance"] == ["app/1"]
    assert query["from"] == [str(begin)]
    assert abs(int(query["to"][0]) - milliseconds(over["endsAt"], 0.25)) < 2000


def test_firing_comes_before_resolved_and_the_duration_is_told(alertmanager: Alertmanager, mailbox: Mailbox) -> None:
    alertmanager.fire(alert(instance="app-2", minutes_ago=20))
    mail(mailbox, "@ app-2", alertmanager)
    alertmanager.fire(alert(instance="app-1"))
    mail(mailbox, "[FIRING:2]", alertmanager)

    alertmanager.fire(alert(instance="app-2", minutes_ago=20, lasted_s=14 * 60 + 3))

    sent = mail(mailbox, "@ app-1", alertmanager)
    assert sent["subject"] == "[FIRING:1][critical][lab] SampleAppErrorRatioHigh sample_app @ app-1"
    text = sent["text"].replace("\u00a0", " ")
    shown = page(sent["html"]).text
    assert text.index("Where:     app-1") < text.index("RESOLVED:  app-2")
    assert shown.index("app-1") < shown.index("Resolved: app-2")
    assert re.search(r"Lasted: +14m [234]s, ", text)
    assert "1 firing, 1 resolved" in shown
    assert re.search(r"lasted 14m [234]s, ", shown)


def test_the_end_tells_how_long_it_lasted_and_what_it_was(alertmanager: Alertmanager, mailbox: Mailbox) -> None:
    alertmanager.fire(alert())
    mail(mailbox, "[FIRING:1]", alertmanager)

    over = alert(lasted_s=65)
    alertmanager.fire(over)

    sent = mail(mailbox, "[RESOLVED:1]", alertmanager)
    assert sent["subject"] == "[RESOLVED:1][critical][lab] SampleAppErrorRatioHigh sample_app @ app-1"
    assert header(sent, "X-State") == "resolved"
    assert header(sent, "Importance") == "normal"
    assert "#15803d" in sent["html"]
    assert "Silence" not in page(sent["html"]).links
    for part in (sent["text"].replace("\u00a0", " "), page(sent["html"]).text):
        assert "FIRING" not in part
        assert re.search(r"Lasted:?\s*1m [456]s, ", part)
        assert over["annotations"]["description"] in part


def test_what_all_alerts_have_in_common_is_told_once(alertmanager: Alertmanager, mailbox: Mailbox) -> None:
    alertmanager.fire(*(alert(instance=f"app-{number}", minutes_ago=0) for number in range(3)))

    sent = mail(mailbox, "[FIRING:3]", alertmanager)
    first = alert()
    for part in (sent["text"], page(sent["html"]).text):
        for annotation in ("impact", "action"):
            assert part.count(first["annotations"][annotation]) == 1
    assert len(page(sent["html"]).links["Runbook"]) == 1
    assert len(page(sent["html"]).links["Graph"]) == 1


def test_sixty_alerts_are_one_mail_with_ten_of_them_and_the_names_of_the_rest(
    alertmanager: Alertmanager, mailbox: Mailbox
) -> None:
    alertmanager.fire(*(alert(instance=f"app-{number:02}", minutes_ago=0) for number in range(60)))

    sent = mail(mailbox, "[FIRING:60]", alertmanager)
    assert sent["subject"] == "[FIRING:60][critical][lab] SampleAppErrorRatioHigh sample_app @ several instances"
    assert sent["text"].count("FIRING:  ") == 10
    for part in (sent["text"], page(sent["html"]).text):
        assert "app-00, app-01, app-02, app-03, app-04 and 55 more" in part
        assert "and 50 more firing" in part
        assert "app-10, app-11," in part
        assert "app-59" in part
    assert len(page(sent["html"]).links["Silence"]) == 10
    assert sent["size"] < 100_000
    assert len(mailbox.json("/api/messages")) == 1


def test_a_rule_of_somebody_else_gives_a_whole_mail(alertmanager: Alertmanager, mailbox: Mailbox) -> None:
    alertmanager.fire(
        {
            "labels": {"alertname": "TheirAlert", "severity": "page"},
            "annotations": {"runbook_url": "javascript:alert(1)", "dashboard_url": "javascript:alert(2)"},
        }
    )

    sent = mail(mailbox, "TheirAlert", alertmanager)
    assert sent["subject"] == "[FIRING:1][page] TheirAlert"
    assert sent["text"].startswith("FIRING, page: TheirAlert")
    assert "javascript:" not in json.dumps(page(sent["html"]).links)
    assert set(page(sent["html"]).links) == {"Silence", "Alertmanager"}
    assert header(sent, "X-Team") == "none"


def test_an_alert_with_a_name_alone_gives_a_whole_mail(alertmanager: Alertmanager, mailbox: Mailbox) -> None:
    alertmanager.fire({"labels": {"alertname": "Bare"}})

    sent = mail(mailbox, "Bare", alertmanager)
    assert sent["subject"] == "[FIRING:1][none] Bare"
    assert "Where:     everywhere" in sent["text"]


def test_huge_values_do_not_make_a_huge_mail(alertmanager: Alertmanager, mailbox: Mailbox) -> None:
    """Mail servers refuse header lines over 998 bytes, and Gmail cuts HTML at 102 kB."""
    huge = dict.fromkeys(("summary", "description", "impact", "action"), "x€" * 20000)
    links = dict.fromkeys(("runbook_url", "dashboard_url"), "https://lab.test/?" + "y" * 20000)
    alertmanager.fire(
        *(
            alert(
                instance=f"{number}" + "i" * 3000, minutes_ago=0, annotations=huge | links | {"description": f"{number}" * 9000},
                team="t" * 3000, detail="d" * 5000,
            ) | {"generatorURL": "http://lab.test/" + "g" * 20_000}
            for number in range(12)
        )
    )

    sent = mail(mailbox, "[FIRING:12]", alertmanager)
    assert len(sent["html"].encode()) < 102_000
    raw = mailbox.get(f"/api/messages/{sent['id']}/raw")
    assert max(len(line) for line in raw.splitlines()) <= 998
    assert "… (cut)" in sent["text"]
    assert page(sent["html"]).links.keys() == {"Silence", "Silence all 12", "Alertmanager"}


def test_labels_are_shown_and_do_nothing(alertmanager: Alertmanager, mailbox: Mailbox) -> None:
    """HTML stays text, a template stays text, a line break makes no header."""
    name = "Evil</title><script>alert(1)</script>"
    alertmanager.fire(
        alert(name, instance="{{ .Labels }}\r\nBcc: everybody@lab.test", team="a\r\nX-Injected: 1", environment="<i>lab</i>",
              annotations={"summary": "<img src=x onerror=alert(1)> {{ template \"promontory.email.html\" . }}"})
    )

    sent = mail(mailbox, "Evil", alertmanager)
    assert page(sent["html"]).sources == []
    assert '<img src=x onerror=alert(1)> {{ template "promontory.email.html" . }}' in page(sent["html"]).text
    names = {found["name"].lower() for found in sent["headers"]}
    assert not names & {"bcc", "x-injected"}
    assert header(sent, "X-Team") == "a X-Injected: 1"
    assert sent["subject"].endswith("@ {{ .Labels }} Bcc: everybody@lab.test")


def test_a_label_whose_name_the_page_cannot_read_is_left_out_of_the_silence(
    alertmanager: Alertmanager, mailbox: Mailbox
) -> None:
    """Older pages of Alertmanager read no filter at all when one name in it is not a classic one."""
    firing = alert(**{"k8s.pod.name": "shop-1"})

    alertmanager.fire(firing)

    sent = mail(mailbox, "SampleAppErrorRatioHigh", alertmanager)
    rest = {name: value for name, value in firing["labels"].items() if "." not in name}
    assert matchers(page(sent["html"]).links["Silence"][0]) == rest
    assert "k8s.pod.name=shop-1" in sent["text"]


def test_a_runbook_that_is_a_path_is_told_but_no_link(alertmanager: Alertmanager, mailbox: Mailbox) -> None:
    alertmanager.fire(alert(annotations={"runbook_url": "docs/runbooks/TargetDown.md"}))

    sent = mail(mailbox, "SampleAppErrorRatioHigh", alertmanager)
    assert "docs/runbooks/TargetDown.md" in page(sent["html"]).text
    assert "Runbook" not in page(sent["html"]).links
    assert "Runbook:   docs/runbooks/TargetDown.md" in sent["text"]


def test_the_token_of_a_synthetic_alert_is_in_the_subject(alertmanager: Alertmanager, mailbox: Mailbox) -> None:
    alertmanager.fire(alert("PromontorySynthetic", "mon-1", severity="info", service="alerting", token="3f2a9c"))

    sent = mail(mailbox, "3f2a9c", alertmanager)
    assert sent["subject"] == "[FIRING:1][info][lab] PromontorySynthetic alerting @ mon-1 [3f2a9c]"


def test_a_mixed_group_has_the_worst_severity(alertmanager: Alertmanager, mailbox: Mailbox) -> None:
    alertmanager.fire(
        alert(instance="a", severity="info", minutes_ago=0),
        alert(instance="b", severity="critical", minutes_ago=0),
        alert(instance="c", severity="warning", minutes_ago=0),
    )

    sent = mail(mailbox, "[FIRING:3]", alertmanager)
    assert sent["subject"] == "[FIRING:3][critical][lab] SampleAppErrorRatioHigh sample_app @ several instances"
    assert "#b91c1c" in sent["html"]


def test_alerts_of_several_rules_are_each_named(
    start_alertmanager: Callable[..., Alertmanager], mailbox: Mailbox
) -> None:
    alertmanager = start_alertmanager(mailbox, group_by=("environment",))
    alertmanager.fire(alert("DiskFull", "db-1", minutes_ago=0), alert("HostDown", "web-1", severity="warning", minutes_ago=0))

    sent = mail(mailbox, "[FIRING:2]", alertmanager)
    assert sent["subject"] == "[FIRING:2][critical][lab] Several alerts sample_app @ several instances"
    assert header(sent, "X-Alert") == "none"
    for part in (sent["text"], page(sent["html"]).text):
        assert "DiskFull" in part
        assert "HostDown" in part
        assert "The sample app on web-1 fails its users" in part


def test_times_are_those_of_the_readers_zone(start_alertmanager: Callable[..., Alertmanager], mailbox: Mailbox) -> None:
    alertmanager = start_alertmanager(mailbox, timezone="Asia/Kolkata")
    firing = alert()

    alertmanager.fire(firing)

    sent = mail(mailbox, "SampleAppErrorRatioHigh", alertmanager)
    local = datetime.fromisoformat(firing["startsAt"]).astimezone(ZoneInfo("Asia/Kolkata"))
    assert f"{local:%Y-%m-%d %H:%M:%S} IST" in sent["text"]
    assert f"{local:%Y-%m-%d %H:%M:%S} IST" in sent["html"]


def test_a_zone_that_the_host_lacks_is_utc_and_the_mail_comes(
    start_alertmanager: Callable[..., Alertmanager], mailbox: Mailbox
) -> None:
    alertmanager = start_alertmanager(mailbox, timezone="Nowhere/Atlantis")

    alertmanager.fire(alert())

    sent: dict[str, Any] = mail(mailbox, "SampleAppErrorRatioHigh", alertmanager)
    assert re.search(r"Since: +[-0-9]+ [:0-9]+ UTC", sent["text"])
