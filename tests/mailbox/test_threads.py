"""The mails of an incident are one conversation, whichever way a mail program puts conversations together."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.mailbox.alertmanager import Alertmanager, alert
from tests.mailbox.conftest import Mailbox
from tests.mailbox.reading import header, mail

pytestmark = pytest.mark.network
_ID = re.compile(r"<[A-Za-z0-9-]+@alertmanager\.promontory>")


def base_subject(subject: str) -> str:
    """Leave out what RFC 5256 (section 2.1) leaves out in front: brackets, as long as something is left.

    Gmail does so too, and splits a conversation where the rest differs, whatever References says.
    """
    while (shorter := re.sub(r"^\[[^\[\]]*\]\s*", "", subject)) not in ("", subject):
        subject = shorter
    return subject


def references(message: dict[str, Any]) -> list[str]:
    """Return the ids that a mail names, each of the form that RFC 5322 asks for."""
    ids = header(message, "References").split(" ")
    assert all(_ID.fullmatch(one) for one in ids), ids
    assert header(message, "In-Reply-To") == ids[0]
    return ids


def test_an_incident_of_one_instance_is_one_conversation(alertmanager: Alertmanager, mailbox: Mailbox) -> None:
    """More alerts come and go on the instance: state and count change, nothing else that programs compare."""
    alertmanager.fire(alert(mountpoint="/a"))
    first = mail(mailbox, "[FIRING:1]", alertmanager)
    alertmanager.fire(alert(mountpoint="/b", minutes_ago=1))
    second = mail(mailbox, "[FIRING:2]", alertmanager)
    alertmanager.fire(alert(mountpoint="/a", lasted_s=20), alert(mountpoint="/b", minutes_ago=1, lasted_s=20))
    last = mail(mailbox, "[RESOLVED:2]", alertmanager)

    mails = (first, second, last)
    assert {base_subject(sent["subject"]) for sent in mails} == {"SampleAppErrorRatioHigh sample_app @ app-1"}
    assert len({header(sent, "In-Reply-To") for sent in mails}) == 1
    for sent in mails:
        topic = header(sent, "Thread-Topic")
        assert topic == base_subject(sent["subject"])
        assert sent["subject"].endswith(topic)   # where Exchange believes Thread-Topic (MS-OXCMAIL 2.2.3.2.7)


def test_a_storm_is_one_conversation_until_one_place_is_left(alertmanager: Alertmanager, mailbox: Mailbox) -> None:
    alertmanager.fire(*(alert(instance=f"app-{number:02}", minutes_ago=0) for number in range(30)))
    first = mail(mailbox, "[FIRING:30]", alertmanager)
    alertmanager.fire(*(alert(instance=f"app-{number:02}", lasted_s=60) for number in range(12)))
    second = mail(mailbox, "[FIRING:18]", alertmanager)

    assert base_subject(first["subject"]) == base_subject(second["subject"])
    assert references(first)[0] == references(second)[0]


def test_a_conversation_holds_when_its_oldest_alert_is_over(alertmanager: Alertmanager, mailbox: Mailbox) -> None:
    """The root is named after the day of the oldest alert; the alerts that go on tie both days together."""
    old, young = {"instance": "app-1", "minutes_ago": 3 * 24 * 60}, {"instance": "app-2"}
    alertmanager.fire(alert(**old))
    mail(mailbox, "@ app-1", alertmanager)
    alertmanager.fire(alert(**young))
    both = mail(mailbox, "[FIRING:2]", alertmanager)
    alertmanager.fire(alert(**old, lasted_s=3 * 24 * 3600))
    mail(mailbox, "[FIRING:1][critical][lab] SampleAppErrorRatioHigh sample_app @ app-2", alertmanager)
    alertmanager.fire(alert(**young, lasted_s=100))
    last = mail(mailbox, "[RESOLVED:1]", alertmanager)

    assert references(both)[0] != references(last)[0]
    assert set(references(both)) & set(references(last))


def test_a_begin_that_is_told_otherwise_later_stays_in_the_conversation(alertmanager: Alertmanager, mailbox: Mailbox) -> None:
    """Two Prometheus of a pair see it at different seconds; Alertmanager takes the earlier one when it learns it."""
    alertmanager.fire(alert() | {"startsAt": "2026-01-12T12:00:11Z"})
    first = mail(mailbox, "[FIRING:1]", alertmanager)
    alertmanager.fire(alert() | {"startsAt": "2026-01-12T12:00:02Z"}, alert(mountpoint="/srv"))
    second = mail(mailbox, "[FIRING:2]", alertmanager)

    assert "12:00:11 UTC" in first["text"]
    assert "12:00:02 UTC" in second["text"]
    assert set(references(first)) <= set(references(second))


def test_what_is_another_incident_is_another_conversation(alertmanager: Alertmanager, mailbox: Mailbox) -> None:
    alertmanager.fire(alert(environment="lab"))
    lab = mail(mailbox, "[critical][lab]", alertmanager)
    alertmanager.fire(alert(environment="prod"))
    prod = mail(mailbox, "[critical][prod]", alertmanager)
    alertmanager.fire(alert("HostDown"))
    other = mail(mailbox, "HostDown", alertmanager)

    named = [references(sent) for sent in (lab, prod, other)]
    assert len({one for ids in named for one in ids}) == sum(len(ids) for ids in named)


def test_labels_of_any_kind_make_a_right_id(alertmanager: Alertmanager, mailbox: Mailbox) -> None:
    alertmanager.fire(alert("Größe <a@b> \"x\"", environment="a b\nc", service="e" * 300))

    sent = mail(mailbox, "Größe", alertmanager)
    assert len(references(sent)) == 2
    assert len(header(sent, "References")) < 500
