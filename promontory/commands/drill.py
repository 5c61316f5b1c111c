"""`promontory drill`: break a part of the stack on purpose and see the right mails come."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from promontory import report
from promontory.commands.options import stack_command
from promontory.drills import failure
from promontory.drills.failure import FAILURE_DRILLS, Field, Outcome
from promontory.drills.fault import DEFAULT_TIMEOUT_S, Drill, run_drill
from promontory.errors import DrillFailed, UsageError
from promontory.session import Session
from promontory.stack import load_stack

FAULT = "sample-app-errors"
_FAULT_PURPOSE = "half of the requests to the sample app's login fail"
_EPILOG = """\
\b
Examples:
  promontory drill                          the sample app fails its users; the on-call mail must come
  promontory drill --list                   all drills, and what each needs
  promontory drill prometheus-down --yes    on hosts of your own: a drill really stops programs there
  promontory drill mail-server-away --hold 120
"""


@click.command(epilog=_EPILOG)
@click.argument("name", default=FAULT, metavar="[NAME]")
@click.option("--list", "lists", is_flag=True, help="Name the drills and end.")
@click.option("--timeout", "timeout_s", default=DEFAULT_TIMEOUT_S, show_default=True, help=f"Longest wait for the mail of {FAULT}, s.")
@click.option("--hold", "hold_s", type=click.FloatRange(min=0), help="Least time that it stays broken, s.  [default: the drill's own]")
@click.option("--yes", is_flag=True, help="Break hosts that are no lab hosts, too.")
@stack_command(runs_playbooks=False)
def drill(session: Session, name: str, lists: bool, timeout_s: float, hold_s: float | None, yes: bool) -> None:
    """Break a part of the stack, wait for the mails that must follow, mend it.

    Without a name: inject a fault into the sample app and wait for the on-call mail. The other drills tell, for every
    mail, whether it came exactly once. What is broken is mended whatever happens: by this command, or by the host itself
    after a while. Exit code 4 when a mail is missing, comes twice, or one comes that should not.
    """
    if lists:
        _list(session)
        return
    say = _teller(session)
    if name == FAULT:
        _fault(session, timeout_s, say)
        return
    if name not in FAILURE_DRILLS:
        raise UsageError(f"There is no drill {name}.", hint=f"Known: {', '.join((FAULT, *FAILURE_DRILLS))}")
    if not session.inventory.is_lab and not yes:
        raise UsageError(
            f"The drill {name} stops programs on hosts that are no lab hosts.", hint="If you mean it, add --yes."
        )
    field = Field(load_stack(session.project), lambda variables: session.require(session.play("drill", "Drill", extra_vars=variables)),
                  session.inventory.variables)  # fmt: skip
    outcome = failure.run(FAILURE_DRILLS[name], field, hold_s=hold_s, report=say)
    session.document["drill"] = outcome_as_json(outcome)
    _print(session.out, outcome)
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


def _list(session: Session) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in ("drill", "what happens", "needs"):
        table.add_column(title, overflow="fold")
    table.add_row(FAULT, _FAULT_PURPOSE, "1 sample_app, 1 alertmanager, 1 mailbox")
    for one in FAILURE_DRILLS.values():
        table.add_row(one.name, escape(one.purpose), ", ".join(f"{count} {component}" for component, count in one.needs.items()))
    session.document["drills"] = [FAULT, *FAILURE_DRILLS]
    session.out.print(table)


def _print(console: Console, outcome: Outcome) -> None:
    table = Table(title=f"{outcome.drill.name}: broken for {outcome.broken_s:.0f} s", title_justify="left", box=None, padding=(0, 2, 0, 0))
    for title in ("", "mail", "came", "after"):
        table.add_column(title, overflow="fold", justify="right" if title == "after" else "left")
    for arrival in outcome.arrivals:
        mark = "[green]ok[/]" if arrival.ok else "[red]MISS[/]"
        after = "-" if arrival.after_s is None else f"{arrival.after_s:.0f} s"
        times = {0: "never", 1: "once"}.get(len(arrival.mails), f"{len(arrival.mails)} times")
        times = f"{times}, as members joined" if arrival.ok and len(arrival.mails) > 1 else times
        table.add_row(mark, escape(str(arrival.expected)), times, after)
    for mail in outcome.others:
        table.add_row("[red]MISS[/]", escape(mail.subject), "not expected", "-")
    for mail in outcome.retold:
        table.add_row("[dim]again[/]", escape(mail.subject), "told once more beside an older end", "-")
    console.print(table)


def outcome_as_json(outcome: Outcome) -> dict[str, Any]:
    """A failure drill as plain data; see docs/reference/cli-json.md."""
    return {
        "name": outcome.drill.name,
        "ok": outcome.ok,
        "broken_s": round(outcome.broken_s, 1),
        "mails": [
            {
                "alert": arrival.expected.alert,
                "where": arrival.expected.where,
                "state": arrival.expected.state,
                "count": len(arrival.mails),
                "after_s": None if arrival.after_s is None else round(arrival.after_s, 1),
                "subjects": [mail.subject for mail in arrival.mails],
            }
            for arrival in outcome.arrivals
        ],
        "others": [mail.subject for mail in outcome.others],
        "retold": [mail.subject for mail in outcome.retold],
    }


def drill_as_json(drill: Drill) -> dict[str, Any]:
    """The fault drill as plain data; see docs/reference/cli-json.md."""
    return {
        "name": FAULT, "alert": drill.alert, "route": drill.route, "mail_id": drill.mail.head.id, "subject": drill.mail.head.subject,
        "mail_after_s": round(drill.mail_after_s, 1),
        "requests": drill.requests, "failed_requests": drill.failed_requests,
    }  # fmt: skip


def _teller(session: Session) -> Callable[[str], None]:
    return lambda text: session.err.print(text, markup=False, highlight=False, soft_wrap=True)
