"""The lab's mailbox, read over its API through the edge."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from promontory.errors import UsageError
from promontory.stack import Access


@dataclass(frozen=True)
class Mail:
    """A message's head, as lists show it."""

    id: str
    received: str     # ISO 8601, UTC
    sender: str
    recipients: str   # comma-separated
    subject: str
    size: int         # bytes


@dataclass(frozen=True)
class Message:
    """A whole message."""

    head: Mail
    text: str
    html: str

    def first_lines(self, count: int) -> list[str]:
        """The first lines of the text that say something."""
        return [line.rstrip() for line in self.text.splitlines() if line.strip()][:count]


class Mailbox:
    """What is asked of a mailbox."""

    def __init__(self, access: Access) -> None:
        """Use the mailbox behind `access`; nothing is asked yet."""
        self._access = access

    def messages(self, *, subject: str = "", since: str = "") -> list[Mail]:
        """List messages, newest first.

        Args:
            subject: Part of the subject, in any case.
            since: ISO 8601 or epoch seconds; only later ones.
        Raises:
            ServiceUnreachable: The mailbox does not answer.
        """
        wanted = {key: value for key, value in (("subject", subject), ("since", since)) if value}
        found = self._access.request("GET", "api/messages", params=wanted).json()
        return sorted((_mail(entry) for entry in found), key=lambda mail: mail.received, reverse=True)

    def message(self, mail_id: str) -> Message:
        """Read one message; `latest` is the newest.

        Raises:
            UsageError: The mailbox is empty, or has no such message.
            ServiceUnreachable: The mailbox does not answer.
        """
        if mail_id == "latest":
            newest = self.messages()
            if not newest:
                raise UsageError("The mailbox is empty.", hint="`promontory drill` makes an alert send one.")
            mail_id = newest[0].id
        elif mail_id not in {mail.id for mail in self.messages()}:
            raise UsageError(f"The mailbox has no message {mail_id}.", hint="`promontory mail list` shows what there is.")
        raw = self._access.request("GET", f"api/messages/{mail_id}").json()
        return Message(head=_mail(raw), text=str(raw.get("text") or ""), html=str(raw.get("html") or ""))

    def raw(self, mail_id: str) -> str:
        """Give a message as it came in, headers included."""
        return str(self._access.request("GET", f"api/messages/{self.message(mail_id).head.id}/raw").text)

    def wait_for(
        self, accept: Callable[[Mail], bool], *, since: str, timeout_s: float, interval_s: float = 0.5
    ) -> Mail | None:
        """Wait for a message that `accept` takes; None when the time is over."""
        deadline = time.monotonic() + timeout_s
        while True:
            for mail in reversed(self.messages(since=since)):
                if accept(mail):
                    return mail
            if time.monotonic() >= deadline:
                return None
            time.sleep(interval_s)


def _mail(entry: Mapping[str, Any]) -> Mail:
    recipients = entry.get("to") or []
    return Mail(
        id=str(entry["id"]), received=str(entry.get("received", "")), sender=str(entry.get("from", "")),
        recipients=recipients if isinstance(recipients, str) else ", ".join(map(str, recipients)),
        subject=str(entry.get("subject", "")), size=int(entry.get("size") or 0),
    )
