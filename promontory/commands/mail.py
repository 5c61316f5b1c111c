"""`promontory mail`: read the lab's mailbox."""

from __future__ import annotations

from dataclasses import asdict

import click

from promontory import report
from promontory.commands.options import stack_command
from promontory.mailbox import Mailbox
from promontory.session import Session
from promontory.stack import load_stack


@click.group()
def mail() -> None:
    """Read the mails that alerts have sent to the lab's mailbox."""


@mail.command("list")
@click.option("--subject", default="", help="Only mails whose subject has this text.")
@click.option("--limit", "count", default=20, show_default=True, help="At most this many, newest first.")
@stack_command(runs_playbooks=False)
def mail_list(session: Session, subject: str, count: int) -> None:
    """List mails, newest first."""
    mails = Mailbox(load_stack(session.project).door("mailbox")).messages(subject=subject)[:count]
    session.document["mails"] = [asdict(head) for head in mails]
    report.print_mails(session.out, mails)


@mail.command("show")
@click.argument("mail_id", metavar="ID")
@click.option("--raw", is_flag=True, help="As it came in, with all headers.")
@stack_command(runs_playbooks=False)
def mail_show(session: Session, mail_id: str, raw: bool) -> None:
    """Show a mail whole; ID is from `mail list`, or `latest`."""
    mailbox = Mailbox(load_stack(session.project).door("mailbox"))
    if raw:
        text = mailbox.raw(mail_id)
        session.document["raw"] = text
        session.out.print(text, markup=False, highlight=False, soft_wrap=True)
        return
    message = mailbox.message(mail_id)
    session.document["mail"] = {**asdict(message.head), "text": message.text, "html": message.html}
    report.print_message(session.out, message)
