"""`promontory drill`: break a part of the stack on purpose and see the right mails come."""

from __future__ import annotations

from collections.abc import Callable

import click

from promontory import report
from promontory.commands.drill_output import (
    catalogue_as_json,
    drill_as_json,
    outcome_as_json,
    print_catalogue,
    print_outcome,
)
from promontory.commands.options import stack_command
from promontory.drills import frame
from promontory.drills.app import APP_DRILLS
from promontory.drills.failure import FAILURE_DRILLS
from promontory.drills.fault import DEFAULT_TIMEOUT_S, run_drill
from promontory.errors import DrillFailed, UsageError
from promontory.session import Session
from promontory.stack import load_stack

DRILLS = {**APP_DRILLS, **FAILURE_DRILLS}
_EPILOG = """\
\b
Examples:
  promontory drill                          the sample app fails its users; the on-call mail must come
  promontory drill --list                   all drills, the alert of each, and about how long it takes
  promontory drill sample-app-latency       set one alert of the sample app off, and see it to its end
  promontory drill prometheus-down --yes    on hosts of your own: a drill really stops programs there
  promontory drill mail-server-away --hold 120
"""


@click.command(epilog=_EPILOG)
@click.argument("name", required=False, metavar="[NAME]")
@click.option("--list", "lists", is_flag=True, help="Name the drills and end.")
@click.option(
    "--timeout", "timeout_s", default=DEFAULT_TIMEOUT_S, show_default=True, help="Longest wait for the mail without a NAME, s."
)
@click.option("--hold", "hold_s", type=click.FloatRange(min=0), help="Least time that it stays broken, s.  [default: the drill's own]")
@click.option("--yes", is_flag=True, help="Break hosts that are no lab hosts, too.")
@stack_command(runs_playbooks=False)
def drill(session: Session, name: str | None, lists: bool, timeout_s: float, hold_s: float | None, yes: bool) -> None:
    """Break a part of the stack, wait for the mails that must follow, mend it.

    Without a name: inject a fault into the sample app and wait for the on-call mail, a minute in all. The other drills
    wait for the end as well, and tell, for every mail, whether it came exactly once. What is broken is mended whatever
    happens: by this command, or by the app or the host itself after a while. Exit code 4 when a mail is missing, comes
    twice, or one comes that should not.
    """
    if lists:
        session.document["drills"] = list(DRILLS)
        session.document["catalogue"] = catalogue_as_json(DRILLS.values())
        print_catalogue(session.out, DRILLS.values())
        return
    say = _teller(session)
    if name is None:
        _fault(session, timeout_s, say)
        return
    if name not in DRILLS:
        raise UsageError(f"There is no drill {name}.", hint=f"Known: {', '.join(DRILLS)}")
    if not session.inventory.is_lab and not yes:
        raise UsageError(
            f"The drill {name} breaks a stack whose hosts are no lab hosts.", hint="If you mean it, add --yes."
        )
    field = frame.Field(
        load_stack(session.project), lambda variables: session.require(session.play("drill", "Drill", extra_vars=variables)),
        session.inventory.variables, root=session.project.root,
    )  # fmt: skip
    outcome = frame.run(DRILLS[name], field, hold_s=hold_s, report=say)
    session.document["drill"] = outcome_as_json(outcome)
    print_outcome(session.out, outcome)
    if not outcome.ok:
        raise DrillFailed(f"The drill {name} did not give the right mails, each exactly once.", hint="promontory mail list")


def _fault(session: Session, timeout_s: float, say: Callable[[str], None]) -> None:
    found = run_drill(load_stack(session.project), timeout_s=timeout_s, report=say)
    session.document["drill"] = drill_as_json(found)
    report.print_mail_teaser(session.out, found.mail, session.project.command(f"mail show {found.mail.head.id}"))
    session.out.print(
        f"Mail after {found.mail_after_s:.0f} s; {found.failed_requests} of {found.requests} requests had failed by then.",
        highlight=False,
    )


def _teller(session: Session) -> Callable[[str], None]:
    return lambda text: session.err.print(text, markup=False, highlight=False, soft_wrap=True)
