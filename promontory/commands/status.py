"""`promontory status`: what runs where, in which version."""

from __future__ import annotations

import click

from promontory import report
from promontory.commands.options import stack_command
from promontory.session import Session
from promontory.stack import load_json, load_stack


@click.command()
@stack_command()
def status(session: Session) -> None:
    """Show what runs where: versions, units, whether it answers, and the URLs."""
    run = session.play("status", "Asking the hosts")
    found = load_json(session.project.build / "status.json", f"Run `{session.project.command('up')}` first.")
    session.document["status"] = found
    report.print_status(session.out, found)
    if (session.project.build / "stack.json").is_file():
        session.out.print()
        report.print_doors(session.out, load_stack(session.project))
    session.require(run)
