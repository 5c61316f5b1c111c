"""`promontory remove`: take the stack off the hosts; and what `up --remove` does with a whole lab."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import click

from promontory import lab, proof
from promontory.commands.options import stack_command
from promontory.errors import UsageError
from promontory.session import Session


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--purge-data", is_flag=True, help="Delete what the programs have stored as well (metrics, mails, …).")
@stack_command()
def remove(session: Session, yes: bool, purge_data: bool) -> None:
    """Take the stack off the hosts of the inventory; the hosts stay.

    Data directories stay too unless --purge-data is given. To delete lab hosts altogether: promontory lab remove.
    """
    hosts = ", ".join(session.inventory.hosts)
    if not (yes or session.inventory.is_lab):
        if not sys.stdin.isatty():
            raise UsageError(f"This would take the stack off {hosts}.", hint="Say so with --yes.")
        click.confirm(f"Take the stack off {hosts}?", abort=True, err=True)
    run = session.play(
        "remove", "Removing", extra_vars={"stack_purge_data": purge_data}, components=session.inventory.components
    )
    proof.forget(session.project)
    session.require(run)
    session.out.print(f"Removed from {hosts}; changed={run.changed}.", highlight=False)


def remove_lab(session: Session, *, purge_cache: bool) -> None:
    """Delete lab hosts, network, image, keys and generated files of this clone.

    Raises:
        UsageError: The inventory has hosts that the lab did not make.
        RunFailed: Something could not be deleted; what is generated stays, so that another try can find it.
    """
    if not session.inventory.is_lab:
        raise UsageError(
            f"Inventory {session.project.inventory_name} has hosts that are not lab hosts; they are not deleted.",
            hint=session.project.command("remove") + " takes the stack off them.",
        )
    session.require(
        session.play("lab", "Removing the lab", extra_vars={"lab_state": "absent", "lab_purge_image": True})
    )
    gone = lab.delete_generated(session.project)
    cache = artifact_cache()
    if purge_cache and cache.exists():
        shutil.rmtree(cache)
        gone.append(cache)
    session.document["deleted"] = [str(path) for path in gone]
    session.out.print("The lab is gone: hosts, network, image, keys and generated files.")
    if session.project.lab_state.exists():
        others = ", ".join(sorted(path.name for path in session.project.lab_state.iterdir()))
        session.out.print(f"Kept: other labs of this clone in {session.project.lab_state}: {others}.", highlight=False)
    if not purge_cache and cache.exists():
        session.out.print(f"Kept: downloaded archives in {cache} (--purge-cache deletes them).", highlight=False)


def artifact_cache() -> Path:
    """Where the playbooks keep downloaded archives on this machine."""
    if chosen := os.environ.get("PROMONTORY_ARTIFACT_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "promontory" / "artifacts"
