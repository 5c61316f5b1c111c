"""`promontory plan`: what a run would change, host by host, without changing anything."""

from __future__ import annotations

import click

from promontory.commands.options import stack_command
from promontory.lab import missing_hosts
from promontory.plan import make_plan, print_plan
from promontory.session import Session


@click.command()
@stack_command()
def plan(session: Session) -> None:
    """Show per host what `up` would change, as a diff. Changes nothing.

    Works on hosts that have nothing installed, and before the lab exists: then it says what would be made.
    """
    inventory = session.inventory
    missing = missing_hosts(inventory) if inventory.is_lab else []
    run = None
    if set(missing) != set(inventory.hosts):
        limit = ["--limit", ",".join(["all", *(f"!{host}" for host in missing)])] if missing else []
        run = session.play(
            "site", "Planning", arguments=["--check", "--diff", *limit], skip_tags=["verify"],
            components=inventory.components,
        )
    made = make_plan(inventory, run, missing)
    session.document["plan"] = made.as_json()
    print_plan(session.out, made)
    if run is not None:
        session.require(run)
