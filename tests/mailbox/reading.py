"""A mail as who gets it reads it: its links by their text, what it would load, what a silence link fills in."""

from __future__ import annotations

import json
import re
import urllib.parse
from html.parser import HTMLParser
from typing import Any

from tests.mailbox.alertmanager import Alertmanager
from tests.mailbox.conftest import Mailbox, wait_for

EXTERNAL_URL = "http://lab.test/alertmanager"


def mail(mailbox: Mailbox, subject: str, alertmanager: Alertmanager) -> dict[str, Any]:
    """Wait for the newest mail whose subject contains a text; say what Alertmanager logged when none comes."""
    query = urllib.parse.quote(subject)
    try:
        found = wait_for(lambda: mailbox.json(f"/api/messages?subject={query}"), f"a mail with {subject!r}")
    except BaseException as failure:
        failure.add_note(f"Alertmanager says: {alertmanager.log.read_text()[-3000:]}")
        raise
    message: dict[str, Any] = mailbox.json(f"/api/messages/{found[0]['id']}")
    return message


def header(message: dict[str, Any], name: str) -> str:
    """Return the value of a header that is there once."""
    (value,) = (found["value"] for found in message["headers"] if found["name"].lower() == name.lower())
    return str(value)


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: dict[str, list[str]] = {}
        self.sources: list[str] = []
        self.said: list[str] = []
        self._href = ""
        self._skipped = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "a":
            self._href = values.get("href") or ""
        elif values.get("src") or values.get("background") or tag in {"link", "script", "img"}:
            self.sources.append(tag)
        self._skipped += tag in {"style", "title"}

    def handle_endtag(self, tag: str) -> None:
        self._skipped -= tag in {"style", "title"}

    def handle_data(self, data: str) -> None:
        if self._href:
            self.links.setdefault(data.strip(), []).append(self._href)
            self._href = ""
        if not self._skipped:
            self.said.append(data)

    @property
    def text(self) -> str:
        """What is shown, on one line."""
        return re.sub(r"\s+", " ", "".join(self.said))


def page(html: str) -> _Page:
    """Read the links of a mail by their text, what it shows, and what it would load."""
    parsed = _Page()
    parsed.feed(html)
    return parsed


def matchers(url: str) -> dict[str, str]:
    """Read a silence link as the page of Alertmanager does: percent-decoded, each value a JSON string.

    Its page of 0.28 and of 0.31 was opened with such links in a browser, and filled in the same.
    """
    prefix = f"{EXTERNAL_URL}/#/silences/new?filter="
    assert url.startswith(prefix), url
    filter_ = urllib.parse.unquote(url.removeprefix(prefix))
    assert filter_[0] + filter_[-1] == "{}"
    pairs = re.findall(r'([a-zA-Z_]\w*)=("(?:[^"\\]|\\.)*")(?:,|$)', filter_[1:-1])
    assert ",".join(f"{name}={value}" for name, value in pairs) == filter_[1:-1]
    return {name: json.loads(value) for name, value in pairs}
