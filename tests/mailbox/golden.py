"""Golden mails: what a real Alertmanager sends for the stories, kept beside the tests and compared with every run.

    python -m tests.mailbox.golden           make them again, from the newest release that is run here
    python -m tests.mailbox.golden trixie    from another one

A mail is three files: its headers, its text and its HTML part. What differs from run to run is replaced by a word.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.mailbox.alertmanager import relocate, start
from tests.mailbox.conftest import Mailbox, wait_for
from tests.mailbox.stories import EXTERNAL_URL, STORIES, Story
from tests.support import debs

FOLDER = Path(__file__).parent / "golden"
_CHANGING_HEADERS = {"Date", "Message-Id", "Received", "Return-Path", "Delivered-To"}


@dataclass(frozen=True)
class GoldenMail:
    """One mail without what changes from run to run.

    Attributes:
        name: Story and state, such as three-mixed.
        size: Bytes of the whole message as it was sent.
    """

    name: str
    headers: str
    text: str
    html: str
    size: int

    def files(self) -> dict[str, str]:
        """Return file name and content."""
        return {f"{self.name}.headers": self.headers, f"{self.name}.txt": self.text, f"{self.name}.html": self.html}


def play(story: Story, program: Path, folder: Path) -> Iterator[GoldenMail]:
    """Send what Prometheus would send, act by act, and give the mail of each.

    Args:
        program: Alertmanager, relocated.
        folder: Empty; for the mailbox and Alertmanager.
    """
    mailbox = Mailbox(folder).start()
    # What comes right after a mail is in time for the next one as a whole.
    alertmanager = start(program, mailbox, folder / "alertmanager", EXTERNAL_URL, group_interval="2s")
    try:
        for state, count, alerts in story.acts:
            alertmanager.fire(*alerts)
            yield _normal(f"{story.name}-{state}", _newest(mailbox, state, count))
    finally:
        alertmanager.stop()
        mailbox.stop()


def _newest(mailbox: Mailbox, state: str, count: str) -> dict[str, Any]:
    """Wait for the mail of the whole group: of an old story the first alerts may leave before the last have come in."""
    word = "RESOLVED" if state == "resolved" else "FIRING"

    def arrived() -> dict[str, Any] | None:
        for entry in mailbox.json("/api/messages"):
            message: dict[str, Any] = mailbox.json(f"/api/messages/{entry['id']}")
            first_line = message["text"].splitlines()[0] + "\n"
            if first_line.startswith(word) and first_line.endswith(count):
                return message
        return None

    found: dict[str, Any] = wait_for(arrived, f"the mail of {state}, {count}")
    return found


def _normal(name: str, message: dict[str, Any]) -> GoldenMail:
    headers = sorted((header["name"], header["value"]) for header in message["headers"])
    lines = [
        f"{key}: {re.sub(r'boundary=.*', 'boundary=…', value)}" for key, value in headers if key not in _CHANGING_HEADERS
    ]
    return GoldenMail(
        name, "\n".join(lines) + "\n", _without_age(message["text"]), _without_age(message["html"]), message["size"]
    )


def _without_age(part: str) -> str:
    return re.sub(r"UTC, [0-9dhms\u00a0]+ ago", "UTC, 12m\u00a030s ago", part.replace("\r\n", "\n"))


def main(suite: str) -> None:
    """Write the golden files."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        program = relocate(debs.release("alertmanager", suite).directory / "alertmanager", Path(scratch))
        for story in STORIES:
            folder = Path(scratch) / story.name
            folder.mkdir()
            for golden in play(story, program, folder):
                for name, content in golden.files().items():
                    (FOLDER / name).write_text(content, encoding="utf-8")
                sys.stdout.write(f"{golden.name}: {golden.size} bytes\n")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "sid")
