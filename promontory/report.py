"""Tables and closing words for people. Results go to standard output, troubles to standard error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from promontory.errors import StackError
from promontory.events import HostResult
from promontory.mailbox import Mail, Message
from promontory.runner import Run
from promontory.sources import Missing
from promontory.stack import Proof, Stack

_MESSAGE_LINES = 12   # of a failure; the whole is one command away
MAIL_LINES = 8


def print_doors(console: Console, stack: Stack) -> None:
    """Print URLs with the place of their password."""
    table = Table(title="Open in a browser", title_justify="left", box=None, padding=(0, 2, 0, 0))
    for title in ("component", "host", "URL", "user", "password in"):
        table.add_column(title, overflow="fold")
    for door in stack.doors:
        table.add_row(door.component, door.host, door.url, door.username or "-", str(door.password_file or "-"))
    console.print(table)


def print_missing(console: Console, missing: Sequence[Missing]) -> None:
    """Print what the stack has to do without, why, and how to add it."""
    table = Table(title="Missing", title_justify="left", box=None, padding=(0, 2, 0, 0))
    for title in ("component", "why", "to add it"):
        table.add_column(title, overflow="fold")
    for item in missing:
        table.add_row(item.component, escape(item.reason), escape(item.remedy))
    console.print(table)


def print_proof(console: Console, proof: Proof) -> None:
    """Print what was verified; misses come last, with the command to look closer."""
    table = Table(title="Verified", title_justify="left", box=None, padding=(0, 2, 0, 0))
    for title in ("", "check", "host", "found"):
        table.add_column(title, overflow="fold")
    for check in sorted(proof.checks, key=lambda check: not check.ok):
        mark = "[green]ok[/]" if check.ok else "[red]MISS[/]"
        look = f"\nlook closer: {check.look}" if check.look and not check.ok else ""
        table.add_row(mark, escape(check.name), escape(check.host), escape(check.detail + look))
    console.print(table)


def print_mails(console: Console, mails: Sequence[Mail]) -> None:
    """Print heads of messages, newest first."""
    if not mails:
        console.print("The mailbox is empty.")
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in ("id", "received", "to", "subject"):
        table.add_column(title, overflow="fold")
    for mail in mails:
        table.add_row(mail.id, mail.received, escape(mail.recipients), escape(mail.subject))
    console.print(table)


def print_message(console: Console, message: Message) -> None:
    """Print a whole message as a mail reader would."""
    head = message.head
    for title, value in (
        ("From", head.sender), ("To", head.recipients), ("Date", head.received), ("Subject", head.subject)
    ):
        console.print(f"{title + ':':9}{value}", markup=False, highlight=False, soft_wrap=True)
    console.print()
    console.print(message.text, markup=False, highlight=False, soft_wrap=True)


def print_mail_teaser(console: Console, message: Message, command: str) -> None:
    """Print the first lines of the drill's mail and how to see it whole."""
    console.print(f"[bold]On-call e-mail[/]: {escape(message.head.subject)}", highlight=False)
    for line in message.first_lines(MAIL_LINES):
        console.print(f"  | {line}", markup=False, highlight=False)
    console.print(f"  see it whole: {command}", markup=False, highlight=False)


def print_status(console: Console, status: Mapping[str, Any]) -> None:
    """Print build/status.json: a line for each component of each host."""
    table = Table(title=f"Environment {status.get('environment', '?')}", title_justify="left", box=None, padding=(0, 2, 0, 0))
    for title in ("host", "component", "version", "from", "unit", "answers", ""):
        table.add_column(title, overflow="fold")
    for host in status.get("hosts", ()):
        if not host.get("reachable", True):
            table.add_row(str(host["name"]), "[red]not reachable[/]")
        for component in host.get("components", ()):
            answers = component.get("answers")
            table.add_row(
                escape(str(host["name"])), escape(str(component.get("name", ""))),
                escape(str(component.get("version") or "-")), escape(str(component.get("source") or "-")),
                escape(str(component.get("active") or "-")),
                "-" if answers is None else "[green]yes[/]" if answers else "[red]no[/]",
                escape(str(component.get("detail") or "")),
            )
    console.print(table)


def print_failures(console: Console, run: Run) -> None:
    """Print each failure once: host, task, the program's own words, never more than a few lines of them."""
    for (task, message), hosts in _grouped(run.failures).items():
        console.print(f"[red bold]{escape(', '.join(hosts))}[/]: {escape(task)}", highlight=False)
        lines = [line for line in message.splitlines() if line.strip()]
        for line in lines[:_MESSAGE_LINES]:
            console.print(f"    {line}", markup=False, highlight=False, soft_wrap=True)
        if len(lines) > _MESSAGE_LINES:
            console.print(f"    … {len(lines) - _MESSAGE_LINES} more lines", markup=False)


def _grouped(failures: Sequence[HostResult]) -> dict[tuple[str, str], list[str]]:
    groups: dict[tuple[str, str], list[str]] = {}
    for failure in failures:
        words = "unreachable: " if failure.outcome.value == "unreachable" else ""
        groups.setdefault((failure.task or "Connect", words + (failure.message or "no message")), []).append(failure.host)
    return groups


def print_error(console: Console, error: StackError) -> None:
    """Print what went wrong and the next step."""
    console.print(f"[red bold]error[/]: {escape(str(error))}", highlight=False, soft_wrap=True)
    if error.hint:
        console.print(f"[bold]next[/]: {escape(error.hint)}", highlight=False, soft_wrap=True)


def run_as_json(run: Run) -> dict[str, Any]:
    """A run as plain data; see docs/reference/cli-json.md."""
    return {
        "playbook": run.playbook,
        "ok": run.ok,
        "duration_s": round(run.duration_s, 1),
        "hosts": [
            {
                "name": host, "ok": host not in run.failed_hosts,
                "changed": count.get("changed", 0), "failed": count.get("failures", 0),
                "unreachable": count.get("unreachable", 0),
            }
            for host, count in run.counts.items()
        ],
        "failures": [
            {"host": failure.host, "task": failure.task, "component": failure.component, "message": failure.message}
            for failure in run.failures
        ],
    }
