"""Drills that break a part of the stack itself: what is broken, and which mails must come of it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from promontory.drills import breakage
from promontory.drills.breakage import Play
from promontory.drills.expect import FIRING, RESOLVED, Arrival, Expected, alert_of, judge, open_ends, wait
from promontory.errors import DrillFailed, Interrupted, UsageError
from promontory.mailbox import Mail, Mailbox
from promontory.stack import Stack

TIMEOUT_S = 360.0    # a silent Watchdog takes longest: its end at Alertmanager after 2 min, told within one more
END_TIMEOUT_S = 900.0   # an alert on failures of the last five minutes is kept firing for five more
SETTLE_S = 75.0      # a second mail of the same would come within a group interval and the peers' waits
_EXPIRES_MARGIN_S = 120.0
_RESTART_PAUSE_S = 3.0
_ENDS_TOO = re.compile(r"\b\d+ firing, \d+ resolved\b")
_PORTS = {"alertmanager_port": 9093, "alertmanager_cluster_port": 9094}

# What may be stopped so that nothing but its own alert comes of it, in this order.
_HARMLESS = ("pushgateway", "node_exporter", "blackbox_exporter")


@dataclass(frozen=True)
class Field:
    """What a drill works on."""

    stack: Stack
    play: Play
    variables: Mapping[str, Mapping[str, object]]   # of the inventory, by host

    def hosts(self, component: str) -> list[str]:
        """Return the hosts that run a component, by name."""
        return sorted(str(host["name"]) for host in self.stack.hosts if component in host["components"])

    def mailbox(self) -> Mailbox:
        """Return the mailbox of the stack."""
        return Mailbox(self.stack.door("mailbox"))


# What is broken (nested, in this order), and the mails expected while it is.
Plan = tuple[Sequence[AbstractContextManager[None]], Sequence[Expected]]


@dataclass(frozen=True)
class FailureDrill:
    """A named drill.

    Attributes:
        purpose: What it shows, one sentence.
        needs: Least number of hosts by component.
        hold_s: How long it stays broken at least, seconds; can be told otherwise.
        plan: Makes the plan; takes the field and the seconds after which what is broken mends itself.
        after_mending: Whether the firing mails come only once the last breakage is over (the mail server is what is broken).
    """

    name: str
    purpose: str
    needs: Mapping[str, int]
    hold_s: float
    plan: Callable[[Field, float], Plan]
    after_mending: bool = False


@dataclass(frozen=True)
class Outcome:
    """What a drill found.

    Attributes:
        broken_s: How long it was broken, seconds.
        others: Mails about alerts that nobody expected.
    """

    drill: FailureDrill
    arrivals: Sequence[Arrival]
    others: Sequence[Mail]
    retold: Sequence[Mail]
    broken_s: float

    @property
    def ok(self) -> bool:
        """Whether every mail came exactly once, and no other."""
        return not self.others and all(arrival.ok for arrival in self.arrivals)


def run(drill: FailureDrill, field: Field, *, hold_s: float | None, report: Callable[[str], None]) -> Outcome:
    """Break, wait for the mails, mend, wait for the mails of the end, and look for any that should not be there.

    Args:
        hold_s: How long it stays broken at least, seconds; None: the drill's own.
        report: Is told each step in a sentence.
    Raises:
        UsageError: The stack has not enough hosts for this drill.
        DrillFailed: One of its alerts fires before it begins.
        RunFailed: A host could not be broken or mended.
        ServiceUnreachable: The mailbox does not answer.
        Interrupted: Ctrl-C; everything is mended.
    """
    _require_hosts(drill, field)
    hold = drill.hold_s if hold_s is None else hold_s
    mailbox = field.mailbox()
    contexts, firing = drill.plan(field, hold + TIMEOUT_S + _EXPIRES_MARGIN_S)
    before = _firing_already(field, firing)
    if before:
        report(f"Mails about {', '.join(sorted(before))} are not counted: that fires already.")
    resolved = [replace(one, state=RESOLVED) for one in firing]
    since = f"{time.time() - 0.001:.3f}"   # rounding must not put it after the first mail
    came: dict[Expected, float] = {}
    try:
        with ExitStack() as broken, ExitStack() as last:
            for context in contexts[:-1]:
                broken.enter_context(context)
            begun = time.monotonic()
            last.enter_context(contexts[-1])
            report(f"Broken at {_clock()}: {drill.purpose}.")
            if not drill.after_mending:
                came |= wait(mailbox, firing, since=since, begun=begun, timeout_s=TIMEOUT_S, told=report)
            _hold(begun + hold - time.monotonic(), report)
            last.close()
            mended = time.monotonic()
            if drill.after_mending:
                came |= wait(mailbox, firing, since=since, begun=mended, timeout_s=TIMEOUT_S, told=report)
        if not drill.after_mending:
            report(f"Mended at {_clock()}; waiting for the mails of the end.")
        ended = time.monotonic()
        came |= wait(mailbox, resolved, since=since, begun=ended, timeout_s=END_TIMEOUT_S, told=report)
        report(f"Listening {SETTLE_S:.0f} s more for a mail that should not come.")
        time.sleep(SETTLE_S)
    except KeyboardInterrupt:
        raise Interrupted("The drill was stopped; everything is mended.", hint=f"promontory drill {drill.name}") from None
    mails = [mail for mail in mailbox.messages(since=since) if alert_of(mail) not in before]
    retold = [mail for mail in mails if _tells_an_older_end(mailbox, mail)]
    arrivals, others = judge([mail for mail in mails if mail not in retold], [*firing, *resolved], came)
    return Outcome(drill, arrivals, others, retold, ended - begun)


def _require_hosts(drill: FailureDrill, field: Field) -> None:
    for component, least in drill.needs.items():
        have = len(field.hosts(component))
        if have < least:
            raise UsageError(
                f"The drill {drill.name} needs {least} host{'s' if least > 1 else ''} with {component}, this stack has {have}.",
                hint="promontory drill --list shows what each needs; molecule/cluster/inventory is a stack that has it all.",
            )


def _firing_already(field: Field, firing: Sequence[Expected]) -> set[str]:
    """Return the alerts that fire before the drill, or whose end is not mailed yet; none may be one that it waits for."""
    alerts = field.stack.door("alertmanager").request("GET", "api/v2/alerts").json()
    names = {str(alert["labels"]["alertname"]) for alert in alerts if not alert["labels"].get("route")}
    names |= open_ends(field.mailbox().messages())
    if known := sorted(names & {one.alert for one in firing}):
        raise DrillFailed(
            f"{', '.join(known)} fires already: the mails of the drill could not be told from those.",
            hint="Mend it or wait until its end is mailed: promontory alerts status",
        )
    return names


def _tells_an_older_end(mailbox: Mailbox, mail: Mail) -> bool:
    """Tell whether a mail says again that something else is over.

    Prometheus repeats for 15 minutes that an alert has ended, and Alertmanager forgets what it told of it: when another
    alert of the same group fires meanwhile, both are mailed once more. In a drill nothing ends while it is broken.
    """
    return not mail.subject.startswith("[RESOLVED") and bool(_ENDS_TOO.search(mailbox.message(mail.id).text))


def _hold(left_s: float, report: Callable[[str], None]) -> None:
    if left_s > 0:
        report(f"It stays broken for {left_s:.0f} s more.")
        time.sleep(left_s)


def _clock() -> str:
    return datetime.now(UTC).strftime("%H:%M:%S UTC")


def _target_down(host: str) -> Expected:
    return Expected("TargetDown", host, FIRING)


def _one_program(field: Field, expires_s: float) -> Plan:
    unit = next((name for name in _HARMLESS if field.hosts(name)), _HARMLESS[0])
    host = field.hosts(unit)[0]
    return [breakage.stopped(field.play, [host], unit, expires_s=expires_s)], [_target_down(host)]


def _one_prometheus(field: Field, expires_s: float) -> Plan:
    host = field.hosts("prometheus")[-1]
    return [breakage.stopped(field.play, [host], "prometheus", expires_s=expires_s)], [_target_down(host)]


def _every_prometheus(field: Field, expires_s: float) -> Plan:
    broken = breakage.stopped(field.play, field.hosts("prometheus"), "prometheus", expires_s=expires_s)
    return [broken], [Expected("WatchdogSilent", "", FIRING)]


def _lonely_alertmanager(field: Field) -> str:
    """Return one on a host without Prometheus where there is one: a local Prometheus would still reach it."""
    hosts = field.hosts("alertmanager")
    return next((host for host in reversed(hosts) if host not in field.hosts("prometheus")), hosts[-1])


def _one_alertmanager(field: Field, expires_s: float) -> Plan:
    host = field.hosts("alertmanager")[-1]
    return [breakage.stopped(field.play, [host], "alertmanager", expires_s=expires_s)], [_target_down(host)]


def _alertmanager_cut_off(field: Field, expires_s: float) -> Plan:
    host = _lonely_alertmanager(field)
    variables = field.variables.get(host, {})
    ports = [int(str(variables.get(name, default))) for name, default in _PORTS.items()]
    return [breakage.cut_off(field.play, [host], ports, expires_s=expires_s)], [_target_down(host)]


def _mail_server_away(field: Field, expires_s: float) -> Plan:
    contexts, expected = _one_program(field, expires_s)
    refused = breakage.mail_refused(field.stack.door("mailbox"), expires_s=expires_s)
    # The program is down before, while and after the mail server is away; what noticed that is told as well.
    noticed = [Expected("AlertmanagerFailedToSend", "", FIRING, may_repeat=len(field.hosts("alertmanager")) > 1)]
    if field.hosts("blackbox_exporter"):
        noticed.append(Expected("BlackboxProbeFailed", "", FIRING))
    return [*contexts, refused], [*expected, *noticed]


def _rolling_restart(field: Field, expires_s: float) -> Plan:
    units = {str(host["name"]): list(host["components"]) for host in field.stack.hosts}
    return [breakage.restarted(field.play, units, pause_s=_RESTART_PAUSE_S)], []


FAILURE_DRILLS = {
    drill.name: drill
    for drill in (
        FailureDrill("program-down", "a program is dead", {"prometheus": 1, "mailbox": 1}, 0, _one_program),
        FailureDrill(
            "rolling-restart", "every program is restarted, one after the other, and nobody is mailed",
            {"prometheus": 1, "mailbox": 1}, 120, _rolling_restart,
        ),
        FailureDrill("prometheus-down", "one of two Prometheus is dead", {"prometheus": 2, "mailbox": 1}, 60, _one_prometheus),
        FailureDrill(
            "all-prometheus-down", "every Prometheus is dead, and only the heartbeat can notice",
            {"prometheus": 1, "heartbeat": 1, "mailbox": 1}, 0, _every_prometheus,
        ),
        FailureDrill(
            "alertmanager-down", "one of several Alertmanagers is dead", {"alertmanager": 2, "mailbox": 1}, 60, _one_alertmanager
        ),
        FailureDrill(
            "alertmanager-cut-off", "one of several Alertmanagers is cut off from the others and from Prometheus",
            {"alertmanager": 2, "mailbox": 1}, 60, _alertmanager_cut_off,
        ),
        FailureDrill(
            "mail-server-away", "the mail server takes no mail while a program is dead",
            {"alertmanager": 1, "mailbox": 1}, 600, _mail_server_away, after_mending=True,
        ),
    )
}  # fmt: skip
