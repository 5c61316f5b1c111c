"""`promontory lab`: the throw-away hosts on this machine."""

from __future__ import annotations

import os

import click

from promontory.commands.options import stack_command
from promontory.commands.remove import remove_lab
from promontory.errors import UsageError
from promontory.lab import ssh_command
from promontory.session import Session


@click.group()
def lab() -> None:
    """Make, enter and delete lab hosts: systemd containers reached over SSH."""


@lab.command("up")
@stack_command()
def lab_up(session: Session) -> None:
    """Make the lab hosts without provisioning them."""
    if not session.inventory.is_lab:
        raise UsageError(
            f"Inventory {session.project.inventory_name} is no lab: not all of its hosts are in the group lab_hosts."
        )
    run = session.play("lab", "Making the lab hosts", extra_vars={"lab_state": "present"})
    session.require(run)
    session.out.print(f"Lab hosts: {', '.join(session.inventory.hosts)}; changed={run.changed}.", highlight=False)


@lab.command("remove")
@click.option("--purge-cache", is_flag=True, help="Delete the downloaded archives as well.")
@stack_command()
def lab_remove(session: Session, purge_cache: bool) -> None:
    """Delete the lab hosts with network, image, keys and generated files."""
    remove_lab(session, purge_cache=purge_cache)


@lab.command("ssh", context_settings={"ignore_unknown_options": True})
@click.argument("host")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@stack_command(runs_playbooks=False)
def lab_ssh(session: Session, host: str, command: tuple[str, ...]) -> None:
    """Open a shell on HOST, or run COMMAND there."""
    words = ssh_command(session.project, session.inventory, host, command)
    os.execvp(words[0], words)  # noqa: S606 - ssh takes over the terminal; there is nothing left for us to do
