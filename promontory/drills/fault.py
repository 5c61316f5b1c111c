"""The fault drill: break the sample app on purpose and wait for the on-call mail that must follow.

The way of the mail is the whole point: app → metrics → scrape → rule → Alertmanager → SMTP → mailbox. The fault is
cleared whatever happens, and expires by itself should this process be killed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import requests

from promontory.drills.alerts import has_reached_alertmanager, how_far
from promontory.drills.switch import switched_on
from promontory.errors import DrillFailed, Interrupted
from promontory.mailbox import Mail, Mailbox, Message
from promontory.stack import Access, Stack

ALERT = "SampleAppErrorRatioHigh"
ROUTE = "/login"             # public, and asked for by every user
FAULT_PERCENT = 50           # some users are hit and some are not, as in most real faults
FAULT = {"route": ROUTE, "kind": "error", "percent": FAULT_PERCENT}
REQUESTS_PER_S = 5.0         # far above the volume floor of the alert
DEFAULT_TIMEOUT_S = 180.0    # scrape 15 s + `for` 15 s + group wait 10 s, and room for a slow machine
_QUIET_TIMEOUT_S = 420.0     # the alert looks back one minute, and Alertmanager's usual group interval is 5 min
_EXPIRES_MARGIN_S = 60.0
_RESOLVED = "resolved"       # what the subject of an end's mail says, in any case


@dataclass(frozen=True)
class Drill:
    """What a drill found.

    Attributes:
        mail: The on-call mail.
        mail_after_s: Seconds from switching the fault on until the mail was readable.
        requests: Requests made meanwhile.
        failed_requests: Those answered with 5xx: the users hurt.
    """

    alert: str
    route: str
    mail: Message
    mail_after_s: float
    requests: int
    failed_requests: int


def run_drill(
    stack: Stack, *, timeout_s: float = DEFAULT_TIMEOUT_S, report: Callable[[str], None] = lambda text: None
) -> Drill:
    """Inject a fault, wait for its mail, clear the fault.

    Args:
        timeout_s: Longest wait for the mail, seconds.
        report: Is told each step in a sentence.
    Raises:
        DrillFailed: The fault did not bite, or no mail came in time; says how far it got.
        ServiceUnreachable: The app, the mailbox or their door does not answer.
        Interrupted: Ctrl-C; the fault is cleared.
    """
    app, mailbox = stack.door("sample_app"), Mailbox(stack.door("mailbox"))
    token = stack.secret("sample_app_admin_token")
    try:
        _wait_until_quiet(stack, mailbox, report)
        started_at, started = time.time(), time.monotonic()
        with switched_on(app, token, FAULT, expires_s=timeout_s + _EXPIRES_MARGIN_S), Visitors(app) as load:
            report(f"{FAULT_PERCENT} % of the requests to {ROUTE} now fail; waiting for the mail of {ALERT}.")
            found = mailbox.wait_for(
                lambda mail: _is_expected(mailbox, mail), since=f"{started_at:.3f}", timeout_s=timeout_s
            )
            mail_after_s = time.monotonic() - started
            if found is None:
                raise DrillFailed(
                    f"No mail of {ALERT} within {timeout_s:.0f} s, though {load.failed} of {load.total} requests failed. "
                    f"{how_far(stack, ALERT)}",
                    hint="Look at the open alerts of Prometheus and Alertmanager (URLs: promontory status).",
                )
            message = mailbox.message(found.id)
    except KeyboardInterrupt:
        raise Interrupted("The drill was stopped; its fault is cleared.", hint="promontory drill") from None
    report(f"The mail came after {mail_after_s:.0f} s; the fault is cleared.")
    return Drill(
        alert=ALERT, route=ROUTE, mail=message, mail_after_s=mail_after_s,
        requests=load.total, failed_requests=load.failed,
    )


def _is_expected(mailbox: Mailbox, mail: Mail) -> bool:
    if _RESOLVED in mail.subject.lower():
        return False
    return ALERT in mail.subject or ALERT in mailbox.message(mail.id).text


class Visitors:
    """Visitors of the sample app: one request at a time, about REQUESTS_PER_S of them."""

    def __init__(self, app: Access) -> None:
        self.total = 0
        self.failed = 0
        self._app = app
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._visit, name="drill-load", daemon=True)

    def __enter__(self) -> Visitors:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join(timeout=15)

    def _visit(self) -> None:
        with self._app.session() as session:
            while not self._stop.wait(1 / REQUESTS_PER_S):
                try:
                    status = session.get(self._app.url + ROUTE.lstrip("/"), timeout=10, allow_redirects=False).status_code
                except requests.RequestException:
                    status = 599   # no answer hurts a user as a 5xx does
                self.total += 1
                self.failed += status >= 500


def _wait_until_quiet(stack: Stack, mailbox: Mailbox, report: Callable[[str], None]) -> None:
    """Wait until an earlier alert is over and its end was mailed: until then Alertmanager sends no second mail.

    Raises:
        DrillFailed: The alert stays open, so the app is failing without our help.
    """
    deadline = time.monotonic() + _QUIET_TIMEOUT_S
    told = False
    while (is_open := has_reached_alertmanager(stack, ALERT)) or not _end_was_mailed(mailbox):
        if time.monotonic() > deadline:
            if not is_open:
                return   # ends may not be mailed in this stack; the drill will show
            raise DrillFailed(
                f"{ALERT} is firing without a drill: the sample app fails its users.",
                hint="Mend the app first; its mail is in the mailbox: promontory mail list",
            )
        if not told:
            report(f"{ALERT} was fired before; waiting until it is over and its end was mailed.")
            told = True
        time.sleep(2)


def _end_was_mailed(mailbox: Mailbox) -> bool:
    mails = mailbox.messages(subject=ALERT)
    return not mails or _RESOLVED in mails[0].subject.lower()
