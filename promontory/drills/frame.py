"""The frame of every drill: break, wait for the mails that must follow, mend, wait for the mails of the end.

What is broken is mended whatever happens. A drill is over when its alerts are: by their mails, and by what Prometheus and
Alertmanager say.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from promontory.drills.alerts import about_to_fire, fires_already, is_over, wait_until_over
from promontory.drills.breakage import Play
from promontory.drills.expect import RESOLVED, Arrival, Expected, alert_of, judge
from promontory.drills.waiting import Wait
from promontory.errors import DrillFailed, Interrupted, UsageError
from promontory.mailbox import Mail, Mailbox
from promontory.stack import Stack

TIMEOUT_S = 360.0    # a silent Watchdog takes longest: its end at Alertmanager after 2 min, told within one more
END_TIMEOUT_S = 900.0   # an alert on failures of the last five minutes is kept firing for five more
SETTLE_S = 75.0      # a second mail of the same would come within a group interval and the peers' waits
_EXPIRES_MARGIN_S = 120.0
_ENDS_TOO = re.compile(r"\b\d+ firing, \d+ resolved\b")

Say = Callable[[str], None]


@dataclass(frozen=True)
class Field:
    """What a drill works on.

    Attributes:
        variables: Of the inventory, by host.
        root: The project's tree, which holds the load generator.
        say: Is told each step in a sentence.
    """

    stack: Stack
    play: Play
    variables: Mapping[str, Mapping[str, object]]
    root: Path = Path()
    say: Say = lambda text: None

    def hosts(self, component: str) -> list[str]:
        """Return the hosts that run a component, by name."""
        return sorted(str(host["name"]) for host in self.stack.hosts if component in host["components"])

    def mailbox(self) -> Mailbox:
        """Return the mailbox of the stack."""
        return Mailbox(self.stack.door("mailbox"))


Broken = AbstractContextManager[None]


@dataclass(frozen=True)
class Plan:
    """What a drill does to a field.

    Attributes:
        broken: What is broken, nested, in this order.
        expected: The mails while it is.
        around: What goes on from before the breakage until the end is mailed.
    """

    broken: Sequence[Broken]
    expected: Sequence[Expected]
    around: Sequence[Broken] = ()


@dataclass(frozen=True)
class Drill:
    """A named drill.

    Attributes:
        purpose: What it shows, one sentence.
        needs: Least number of hosts by component.
        plan: Makes the plan; takes the field and the seconds after which what is broken mends itself.
        hold_s: How long it stays broken at least, seconds; can be told otherwise.
        fires_within_s: How long to wait for the firing mails, seconds; None: TIMEOUT_S.
        ends_within_s: The same for the mails of the end; None: END_TIMEOUT_S.
        after_mending: Whether the firing mails come only once the last breakage is over (the mail server is what is broken).
        companions: Alerts that may come along, whose mails are neither waited for nor wrong.
        alert: The one alert that it sets off, where it is about one.
        about_s: How long it takes from the breakage to the end, about, seconds; 0: some minutes.
    """

    name: str
    purpose: str
    needs: Mapping[str, int]
    plan: Callable[[Field, float], Plan]
    hold_s: float = 0.0
    fires_within_s: float | None = None
    ends_within_s: float | None = None
    after_mending: bool = False
    companions: frozenset[str] = frozenset()
    alert: str = ""
    about_s: float = 0.0


@dataclass(frozen=True)
class Outcome:
    """What a drill found.

    Attributes:
        others: Mails about alerts that nobody expected.
        retold: Mails sent once more beside an older end.
        accompanied: Mails about alerts that were expected to come along.
        broken_s: How long it was broken, seconds.
        still_open: The drill's alert, when Prometheus or Alertmanager still show it though its end was waited for.
    """

    drill: Drill
    arrivals: Sequence[Arrival]
    others: Sequence[Mail]
    retold: Sequence[Mail]
    broken_s: float
    accompanied: Sequence[Mail] = field(default_factory=list)
    still_open: Sequence[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether every mail came exactly once, no other did, and the alerts are over."""
        return not self.others and not self.still_open and all(arrival.ok for arrival in self.arrivals)


def run(drill: Drill, field: Field, *, hold_s: float | None, report: Say) -> Outcome:
    """Break, wait for the mails, mend, wait for the mails of the end, and look for any that should not be there.

    Args:
        hold_s: How long it stays broken at least, seconds; None: the drill's own.
        report: Is told each step in a sentence.
    Raises:
        UsageError: The stack has not what this drill needs.
        DrillFailed: One of its alerts fires before it begins.
        RunFailed: A host could not be broken or mended.
        ServiceUnreachable: The mailbox does not answer.
        Interrupted: Ctrl-C; everything is mended, and the alerts are over unless Ctrl-C came again.
    """
    field = replace(field, say=report)
    _require_hosts(drill, field)
    hold = drill.hold_s if hold_s is None else hold_s
    fires_within_s = TIMEOUT_S if drill.fires_within_s is None else drill.fires_within_s
    ends_within_s = END_TIMEOUT_S if drill.ends_within_s is None else drill.ends_within_s
    plan = drill.plan(field, hold + fires_within_s + _EXPIRES_MARGIN_S)
    alerts = {one.alert for one in plan.expected}
    before = fires_already(field.stack)
    if known := sorted(before & alerts):
        raise DrillFailed(
            f"{', '.join(known)} fires already: the mails of the drill could not be told from those.",
            hint="Mend it or wait until its end is mailed: promontory alerts status",
        )
    before |= about_to_fire(field.stack) - alerts
    if before:
        report(f"Mails about {', '.join(sorted(before))} are not counted: that fires already, or is about to.")
    mails = Wait(field.stack, report)
    try:
        begun, mended = _break_and_mend(drill, plan, mails, hold, fires_within_s, ends_within_s, report)
    except KeyboardInterrupt:
        raise _interrupted(drill, field, ends_within_s) from None
    found = [mail for mail in field.mailbox().messages(since=mails.since) if alert_of(mail) not in before]
    retold = [mail for mail in found if _tells_an_older_end(field.mailbox(), mail)]
    expected = [*plan.expected, *(replace(one, state=RESOLVED) for one in plan.expected)]
    arrivals, others = judge([mail for mail in found if mail not in retold], expected, mails.came)
    return Outcome(
        drill, arrivals, [mail for mail in others if alert_of(mail) not in drill.companions], retold, mended - begun,
        accompanied=[mail for mail in others if alert_of(mail) in drill.companions],
        still_open=[drill.alert] if drill.alert and not is_over(field.stack, drill.alert) else [],
    )


def _break_and_mend(
    drill: Drill, plan: Plan, mails: Wait, hold_s: float, fires_within_s: float, ends_within_s: float, report: Say
) -> tuple[float, float]:
    """Carry the plan out; return when it was broken and when mended, by the monotonic clock."""
    resolved = [replace(one, state=RESOLVED) for one in plan.expected]
    with ExitStack() as around:
        for context in plan.around:
            around.enter_context(context)
        with ExitStack() as broken, ExitStack() as last:
            for context in plan.broken[:-1]:
                broken.enter_context(context)
            begun = time.monotonic()
            last.enter_context(plan.broken[-1])
            report(f"Broken at {_clock()}: {drill.purpose}.")
            if not drill.after_mending:
                mails.for_all(plan.expected, begun=begun, timeout_s=fires_within_s)
            _hold(begun + hold_s - time.monotonic(), report)
            last.close()
            if drill.after_mending:
                mails.for_all(plan.expected, begun=time.monotonic(), timeout_s=fires_within_s)
        if not drill.after_mending:
            report(f"Mended at {_clock()}; waiting for the mails of the end.")
        mended = time.monotonic()
        mails.for_all(resolved, begun=mended, timeout_s=ends_within_s)
        report(f"Listening {SETTLE_S:.0f} s more for a mail that should not come.")
        time.sleep(SETTLE_S)
    return begun, mended


def _interrupted(drill: Drill, field: Field, ends_within_s: float) -> Interrupted:
    """See the alert of a drill that was broken off to its end, unless Ctrl-C comes again."""
    said = ""
    if drill.alert:
        field.say(f"Stopped; everything is mended. Waiting until {drill.alert} is over (Ctrl-C again: not waiting).")
        try:
            over = wait_until_over(field.stack, drill.alert, timeout_s=ends_within_s)
        except KeyboardInterrupt:
            over = False
        said = f", and {drill.alert} is over" if over else f"; {drill.alert} may take a while to end"
    return Interrupted(f"The drill was stopped; everything is mended{said}.", hint=f"promontory drill {drill.name}")


def _require_hosts(drill: Drill, field: Field) -> None:
    for component, least in drill.needs.items():
        have = len(field.hosts(component))
        if have < least:
            raise UsageError(
                f"The drill {drill.name} needs {least} host{'s' if least > 1 else ''} with {component}, this stack has {have}.",
                hint="promontory drill --list shows what each needs; molecule/cluster/inventory is a stack that has it all.",
            )


def _tells_an_older_end(mailbox: Mailbox, mail: Mail) -> bool:
    """Tell whether a mail says again that something else is over.

    Prometheus repeats for 15 minutes that an alert has ended, and Alertmanager forgets what it told of it: when another
    alert of the same group fires meanwhile, both are mailed once more. In a drill nothing ends while it is broken.
    """
    return not mail.subject.startswith("[RESOLVED") and bool(_ENDS_TOO.search(mailbox.message(mail.id).text))


def _hold(left_s: float, report: Say) -> None:
    if left_s > 0:
        report(f"It stays broken for {left_s:.0f} s more.")
        time.sleep(left_s)


def _clock() -> str:
    return datetime.now(UTC).strftime("%H:%M:%S UTC")
