"""`promontory up`: from nothing, or from anything in between, to a proven stack."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import click

from promontory import proof as proofs
from promontory import report
from promontory.commands.drill_output import drill_as_json
from promontory.commands.options import stack_command
from promontory.commands.remove import remove_lab
from promontory.display import clock, step
from promontory.drills.fault import Drill, run_drill
from promontory.errors import ServiceUnreachable, UsageError
from promontory.mailbox import Mailbox, Message
from promontory.runner import Run
from promontory.session import Session
from promontory.stack import Proof, Stack, load_proof, load_stack

_DRILL_NEEDS = {"sample_app", "mailbox", "alertmanager"}


@click.command()
@click.option(
    "--proof",
    "wanted",
    type=click.Choice(["auto", "full", "quick"]),
    default="auto",
    show_default=True,
    help="full: with synthetic alert and fault drill; quick: without; auto: full when something changed since the last.",
)
@click.option("--remove", is_flag=True, help="Remove the lab instead: hosts, network, image, keys, generated files.")
@click.option("--purge-cache", is_flag=True, help="With --remove: delete the downloaded archives as well.")
@stack_command()
def up(session: Session, wanted: str, remove: bool, purge_cache: bool) -> None:
    """Make the lab hosts, provision, verify, and prove it with a fault drill.

    With an inventory of your own hosts (-i), nothing is made: they are provisioned and verified.
    A second run changes nothing.
    """
    if remove:
        remove_lab(session, purge_cache=purge_cache)
        return
    if purge_cache:
        raise UsageError("--purge-cache belongs to --remove.")
    if session.inventory.is_lab:
        session.require(session.play("lab", "Making the lab hosts", extra_vars={"lab_state": "present"}))
    for missing in session.missing:
        session.err.print(f"{missing.component} is left out: {missing.reason}.", markup=False, highlight=False, soft_wrap=True)
    mark = proofs.fingerprint(session.project, session.extra_vars)
    known = proofs.load(session.project)
    is_proven = known is not None and known.fingerprint == mark
    full = wanted == "full" or (wanted == "auto" and not is_proven)

    run = _provision(session, full=full)
    if run.changed and wanted == "auto" and not full:
        # Nothing here had changed, yet the hosts were not as declared: what was proven is no longer what runs.
        full = True
        session.require(_verify_in_full(session))

    stack = load_stack(session.project)
    found = load_proof(session.project, newer_than=session.started_at)
    drill = _drill(session, stack) if full else None
    if full:
        known = proofs.FullProof(fingerprint=mark, at=datetime.now(UTC).isoformat(timespec="seconds"))
        if drill:
            known = replace(known, mail_id=drill.mail.head.id, mail_after_s=round(drill.mail_after_s, 1))
        proofs.save(session.project, known)
    _close(session, stack, found, known, drill)


def _provision(session: Session, *, full: bool) -> Run:
    run = session.play(
        "site", "Provisioning", extra_vars={"verify_synthetic": full}, components=session.inventory.components
    )
    if run.changed or not run.ok:
        proofs.forget(session.project)
    if not run.ok and (found := load_proof(session.project, newer_than=session.started_at)):
        session.document["verify"] = asdict(found)
        report.print_proof(session.out, found)
    session.require(run)
    return run


def _verify_in_full(session: Session) -> Run:
    return session.play("verify", "Verifying with a synthetic alert", extra_vars={"verify_synthetic": True})


def _drill(session: Session, stack: Stack) -> Drill | None:
    if not {door.component for door in stack.doors} >= _DRILL_NEEDS:
        return None
    with step(session.err, "Fault drill: breaking the sample app, waiting for the on-call mail"):
        return run_drill(stack, report=lambda text: session.err.print(text, markup=False, highlight=False, soft_wrap=True))


def _close(
    session: Session, stack: Stack, found: Proof | None, known: proofs.FullProof | None, drill: Drill | None
) -> None:
    """Print what the user has now: doors, what was verified, the mail, and how long it took."""
    document: dict[str, Any] = session.document
    document["environment"] = stack.environment
    document["doors"] = [
        {
            "component": door.component, "host": door.host, "url": door.url,
            "username": door.username or None, "password_file": str(door.password_file) if door.password_file else None,
        }
        for door in stack.doors
    ]
    document["missing"] = [asdict(missing) for missing in session.missing]
    document["verify"] = asdict(found) if found else None
    document["drill"] = drill_as_json(drill) if drill else None
    document["full_proof"] = asdict(known) if known else None

    out = session.out
    if found:
        report.print_proof(out, found)
        out.print()
    message = drill.mail if drill else _last_mail(stack, known)
    if message:
        report.print_mail_teaser(out, message, session.project.command(f"mail show {message.head.id}"))
        out.print()
    report.print_doors(out, stack)
    out.print()
    if session.missing:
        report.print_missing(out, session.missing)
        out.print()
    if drill is None and known and known.mail_id:
        out.print(
            f"Synthetic alert and fault drill were not repeated: nothing has changed since they passed at {known.at} "
            f"(--proof full repeats them).", highlight=False,
        )
    elif drill is None:
        out.print("No fault drill: it needs sample_app, alertmanager and mailbox in one stack, and --proof auto or full.")
    changed = sum(run.changed for run in session.runs)
    took = sum(run.duration_s for run in session.runs) + (drill.mail_after_s if drill else 0)
    hosts = ", ".join(sorted(host for host in session.runs[-1].counts if host in session.inventory.hosts))
    out.print(f"[bold green]up[/]: {hosts}; changed={changed}; took {clock(took)}", highlight=False)


def _last_mail(stack: Stack, known: proofs.FullProof | None) -> Message | None:
    """The mail of the last drill, if it still is in the mailbox."""
    if known is None or not known.mail_id:
        return None
    try:
        return Mailbox(stack.door("mailbox")).message(known.mail_id)
    except (UsageError, ServiceUnreachable):
        return None   # deleted since then; the closing words say how to get a new one
