"""What several members of a cluster send about one thing is one message to who keeps mail."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.mailbox.alertmanager import Alertmanager, alert
from tests.mailbox.conftest import Mailbox, wait_for
from tests.mailbox.reading import header, mail

pytestmark = pytest.mark.network
_MESSAGE_ID = re.compile(r"<[A-Za-z0-9.]+@alertmanager\.promontory>")


def duplicates(mailbox: Mailbox) -> float:
    """Return how many messages the mailbox has taken and not kept."""
    name = "mailbox_messages_duplicates_total "
    return next(float(line.split()[-1]) for line in mailbox.get("/metrics").decode().splitlines() if line.startswith(name))


def test_two_members_that_do_not_hear_each_other_are_one_mail_each_time(
    start_alertmanager: Callable[..., Alertmanager], mailbox: Mailbox
) -> None:
    members = [start_alertmanager(mailbox), start_alertmanager(mailbox)]
    started = [alert(instance="app-1", minutes_ago=0), alert(instance="app-2", minutes_ago=0)]
    ended = [alert(instance=one["labels"]["instance"], minutes_ago=0, lasted_s=1) | {"startsAt": one["startsAt"]} for one in started]

    for member in members:
        member.fire(*started)
    wait_for(lambda: duplicates(mailbox) == 1, "the second member's mail of the beginning")
    for member in members:
        member.fire(*ended)
    wait_for(lambda: duplicates(mailbox) == 2, "the second member's mail of the end")

    subjects = [entry["subject"] for entry in mailbox.json("/api/messages")]
    assert [subject.partition("]")[0] for subject in subjects] == ["[RESOLVED:2", "[FIRING:2"]


def test_other_news_is_another_message(alertmanager: Alertmanager, mailbox: Mailbox) -> None:
    alertmanager.fire(alert(instance="app-1"))
    first = mail(mailbox, "[FIRING:1]", alertmanager)
    alertmanager.fire(alert(instance="app-2", minutes_ago=1))
    second = mail(mailbox, "[FIRING:2]", alertmanager)

    ids = [header(sent, "Message-Id") for sent in (first, second)]
    assert all(_MESSAGE_ID.fullmatch(one) for one in ids), ids
    assert ids[0] != ids[1]
