"""`promontory drill`: break the sample app on purpose and see the mail come."""

from __future__ import annotations

from typing import Any

import click

from promontory import report
from promontory.commands.options import stack_command
from promontory.drill import DEFAULT_TIMEOUT_S, Drill, run_drill
from promontory.session import Session
from promontory.stack import load_stack


@click.command()
@click.option("--timeout", "timeout_s", default=DEFAULT_TIMEOUT_S, show_default=True, help="Longest wait for the mail, s.")
@stack_command(runs_playbooks=False)
def drill(session: Session, timeout_s: float) -> None:
    """Inject a fault into the sample app, wait for the on-call mail, clear the fault.

    Exit code 4 when no mail comes. The fault is cleared whatever happens.
    """
    stack = load_stack(session.project)
    found = run_drill(
        stack, timeout_s=timeout_s, report=lambda text: session.err.print(text, markup=False, highlight=False, soft_wrap=True)
    )
    session.document["drill"] = drill_as_json(found)
    report.print_mail_teaser(session.out, found.mail, session.project.command(f"mail show {found.mail.head.id}"))
    session.out.print(
        f"Mail after {found.mail_after_s:.0f} s; {found.failed_requests} of {found.requests} requests had failed by then.",
        highlight=False,
    )


def drill_as_json(drill: Drill) -> dict[str, Any]:
    """A drill as plain data; see docs/reference/cli-json.md."""
    return {
        "alert": drill.alert, "route": drill.route, "mail_id": drill.mail.head.id, "subject": drill.mail.head.subject,
        "mail_after_s": round(drill.mail_after_s, 1),
        "requests": drill.requests, "failed_requests": drill.failed_requests,
    }
