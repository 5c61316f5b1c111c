"""An alert of one's own, followed on its way until its mail lies in the mailbox."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from promontory.alerts import words
from promontory.alerts.client import Alertmanager
from promontory.errors import DrillFailed, Interrupted, UsageError
from promontory.mailbox import Mailbox, Message
from promontory.stack import Access, Stack

METRIC = "promontory_synthetic_alert"
ALERT = "PromontorySynthetic"
_JOB_PATH = "metrics/job/promontory_alerts_send/instance/{host}/token/{token}"
DEFAULT_TIMEOUT_S = 120.0  # scrape 15 s, evaluation 5 s, and room for a slow machine
_OVER = "[RESOLVED"  # how the subject of an end's mail begins
_INTERVAL_S = 0.5
_SURVIVES_S = 300.0  # a posted alert ends by itself this long after we gave up, should this process be killed


@dataclass
class Sent:
    """What was sent, and how far it got.

    Attributes:
        token: Tells it from every other alert.
        begins_in: `metric` (Prometheus sees it first) or `alertmanager`.
        stations: Seconds from the start by station, in the order they were reached.
        mail: The mail; None where this stack has no mailbox to look into.
    """

    token: str
    begins_in: str
    stations: dict[str, float] = field(default_factory=dict)
    mail: Message | None = None


def through_the_chain(
    stack: Stack, *, timeout_s: float = DEFAULT_TIMEOUT_S, report: Callable[[str], None] = lambda text: None
) -> Sent:
    """Set a metric at the Pushgateway and follow it: scrape, rule, Alertmanager, mail, and back to quiet.

    Args:
        timeout_s: Longest wait for each station, seconds.
        report: Is told each station in a sentence.
    Raises:
        UsageError: The stack has no Pushgateway, Prometheus or Alertmanager.
        DrillFailed: A station was not reached in time; it is named.
        Interrupted: Ctrl-C; the metric is taken back.
    """
    gateway, prometheus = stack.door("pushgateway"), stack.door("prometheus")
    alertmanager = Alertmanager(stack.door("alertmanager"))
    sent = Sent(uuid.uuid4().hex[:12], "metric")
    follow = _Follow(sent, timeout_s, report, hint=f"Which target, rule or route stops it? {_LOOK}")
    path = _JOB_PATH.format(host=gateway.host, token=sent.token)
    try:
        gateway.request("PUT", path, data=f"# TYPE {METRIC} gauge\n{METRIC} 1\n")
        follow.until("fires in Prometheus", lambda: _fires(prometheus, sent.token))
        follow.until("arrives in Alertmanager", lambda: bool(alertmanager.alerts([f'token="{sent.token}"'])))
        sent.mail = _mail(stack, sent, follow)
    except KeyboardInterrupt:
        raise Interrupted("Stopped; the metric is taken back, and the alert ends by itself.") from None
    finally:
        gateway.request("DELETE", path)
    follow.until("is over in Alertmanager", lambda: not alertmanager.alerts([f'token="{sent.token}"']))
    if sent.mail is not None:
        follow.until(
            "is over in the mailbox", lambda: _find(Mailbox(stack.door("mailbox")), sent.token, over=True) is not None
        )
    return sent


def straight_to_alertmanager(
    stack: Stack,
    labels: Mapping[str, str],
    *,
    author: str,
    timeout_s: float,
    is_mailed: bool,
    report: Callable[[str], None] = lambda text: None,
) -> Sent:
    """Post an alert with labels of one's choice and wait for its mail.

    Args:
        labels: Of the alert; a token is added.
        author: Who is told in the mail to have sent it.
        timeout_s: Longest wait for the mail, seconds.
        is_mailed: Whether a mail is expected at all.
        report: Is told each station in a sentence.
    Raises:
        UsageError: The stack has no Alertmanager.
        DrillFailed: No mail came in time.
        Interrupted: Ctrl-C; the alert is ended.
    """
    alertmanager = Alertmanager(stack.door("alertmanager"))
    sent = Sent(uuid.uuid4().hex[:12], "alertmanager")
    follow = _Follow(sent, timeout_s, report, hint=f"Is it muted, or the mail server away? {_LOOK}")
    now = datetime.now(UTC)
    alert = {
        "labels": {**labels, "token": sent.token},
        "annotations": {
            "summary": f"A test alert, sent by {author}",
            "description": "promontory alerts send posted this alert; nothing is wrong.",
            "impact": "None.",
            "action": "Nothing.",
        },
        "startsAt": words.iso(now),
        "endsAt": words.iso(words.later(now, timeout_s + _SURVIVES_S)),
    }
    try:
        alertmanager.post(alert)
        follow.until("arrives in Alertmanager", lambda: bool(alertmanager.alerts([f'token="{sent.token}"'])))
        sent.mail = _mail(stack, sent, follow) if is_mailed else None
    except KeyboardInterrupt:
        raise Interrupted("Stopped; the alert is ended.") from None
    finally:
        alertmanager.post({**alert, "endsAt": words.iso(datetime.now(UTC))})
    return sent


@dataclass
class _Follow:
    sent: Sent
    timeout_s: float
    report: Callable[[str], None]
    hint: str
    started: float = field(default_factory=time.monotonic)

    def until(self, station: str, is_reached: Callable[[], bool]) -> None:
        """Wait for a station; it counts from the first one on."""
        deadline = time.monotonic() + self.timeout_s
        while not is_reached():
            if time.monotonic() > deadline:
                passed = ", ".join(f"{name} after {at:.0f} s" for name, at in self.sent.stations.items())
                raise DrillFailed(
                    f"The alert with the token {self.sent.token} did not get this far within {self.timeout_s:.0f} s: {station}"
                    + (f" (before that: {passed})." if passed else "."),
                    hint=self.hint,
                )
            time.sleep(_INTERVAL_S)
        self.sent.stations[station] = time.monotonic() - self.started
        self.report(f"{station} after {self.sent.stations[station]:.0f} s")


_LOOK = "promontory alerts status and promontory verify tell more."


def _mail(stack: Stack, sent: Sent, follow: _Follow) -> Message | None:
    if not any(door.component == "mailbox" for door in stack.doors):
        follow.report("This stack has no mailbox to look into: the mail is on its way to the real one.")
        return None
    mailbox, found = Mailbox(stack.door("mailbox")), list[str]()

    def lies_there() -> bool:
        head = _find(mailbox, sent.token, over=False)
        found.extend([head] if head else [])
        return bool(found)

    follow.until("lies in the mailbox", lies_there)
    return mailbox.message(found[0])


def _find(mailbox: Mailbox, token: str, *, over: bool) -> str | None:
    """Return the id of the mail about a token: its subject has it, or its text where it is one of several alerts."""
    for head in mailbox.messages()[:20]:
        is_over = head.subject.startswith(_OVER)
        if is_over == over and (token in head.subject or token in mailbox.message(head.id).text):
            return head.id
    return None


def _fires(prometheus: Access, token: str) -> bool:
    alerts = prometheus.request("GET", "api/v1/alerts").json()["data"]["alerts"]
    return any(alert["labels"].get("token") == token and alert["state"] == "firing" for alert in alerts)


def require_way(stack: Stack) -> None:
    """Refuse to send a metric where nothing can carry it.

    Raises:
        UsageError: The stack has no Pushgateway.
    """
    if not any(door.component == "pushgateway" for door in stack.doors):
        raise UsageError(
            "This stack has no Pushgateway that could carry a metric to Prometheus.",
            hint="Give --labels to begin at Alertmanager, or run `promontory verify`, which sends an alert from the host itself.",
        )
