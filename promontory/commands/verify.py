"""`promontory verify`: ask the running stack whether it is as declared."""

from __future__ import annotations

from dataclasses import asdict

import click

from promontory import report
from promontory.commands.options import stack_command
from promontory.errors import VerificationFailed
from promontory.session import Session
from promontory.stack import load_proof


@click.command()
@click.option("--quick", is_flag=True, help="Without the synthetic alert, which takes some seconds.")
@stack_command()
def verify(session: Session, quick: bool) -> None:
    """Ask the running stack: targets, rules, configuration, alerts' way to the mailbox.

    Exit code 3 when something is not as declared. The findings are also in build/verify.json.
    """
    run = session.play("verify", "Verifying", extra_vars={"verify_synthetic": not quick})
    found = load_proof(session.project, newer_than=session.started_at)
    session.document["verify"] = asdict(found) if found else None
    if found:
        report.print_proof(session.out, found)
    session.require(run)
    if found is None or not found.ok:
        misses = ", ".join(check.name for check in found.misses) if found else "no findings were written"
        raise VerificationFailed(f"The running stack is not as declared: {misses}.")
