"""People with a real browser: Debian's Chromium, driven by Playwright, in front of the real service."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from axe_core_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Request, expect, sync_playwright

from tests.sample_app.conftest import PASSWORD

_PATIENCE_MS = 15_000  # until something must have happened
# What WCAG 2.2 asks on levels A and AA, and what axe calls good practice besides.
_AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# The browser itself says this about every page that is not a 200, ours included.
_STATUS_OF_THE_PAGE = re.compile(r"Failed to load resource: the server responded with a status of (4\d\d|503)")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the system's browser; the test is skipped where there is none."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("there is no program `chromium` (Debian's package of that name)")
    expect.set_options(timeout=_PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program,
            args=["--no-sandbox", "--disable-quic", "--disable-background-networking"],
            ignore_default_args=["--disable-back-forward-cache"],  # people have it: a way back may show a kept page
        )
        yield browser
        browser.close()


@dataclass
class Visitor:
    """Somebody in front of a page; what a browser complains about, and whom it asks, is kept."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    @classmethod
    def comes(cls, context: BrowserContext) -> Visitor:
        visitor = cls(context.new_page())
        visitor.page.set_default_timeout(_PATIENCE_MS)
        visitor.page.on("console", visitor._hear)
        visitor.page.on("pageerror", lambda error: visitor.complaints.append(str(error)))
        visitor.page.on("request", visitor._see)
        return visitor

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not _STATUS_OF_THE_PAGE.match(message.text):
            self.complaints.append(message.text)

    def _see(self, request: Request) -> None:
        if request.url.startswith("http"):
            self.hosts.add(urlsplit(request.url).netloc)

    def registers(self, username: str) -> None:
        self.page.goto("/register")
        self.page.get_by_label("Name").fill(username)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Register").click()

    def logs_in(self, username: str) -> None:
        self.page.goto("/login")
        self.page.get_by_label("Name").fill(username)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Log in").click()

    def opens_account(self, name: str) -> str:
        """Open an account, stay on its page and return its number."""
        self.page.goto("/accounts")
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_role("button", name="Open").click()
        self.page.wait_for_url(re.compile(r"/accounts/\d{12}$"))
        return self.page.url.rsplit("/", 1)[1]

    def form(self, heading: str) -> Locator:
        """Return the form below this heading."""
        return self.page.locator("form", has=self.page.get_by_role("heading", name=heading, exact=True))

    def moves(self, heading: str, amount: str) -> None:
        """Fill in and send one of the forms of an account's page."""
        self.form(heading).get_by_label("Amount").fill(amount)
        self.form(heading).get_by_role("button").click()

    def transfers(self, target: str, amount: str) -> None:
        self.page.get_by_label("To account").fill(target)
        self.page.get_by_label("Amount").fill(amount)
        self.page.get_by_role("button", name="Transfer").click()

    def barriers(self) -> list[str]:
        """Return what axe finds on this page that keeps somebody out: rule, what it means, and where."""
        self.page.evaluate(AXE_SCRIPT)
        found = self.page.evaluate("tags => axe.run({runOnly: tags})", _AXE_RULES)
        return [
            f"{violation['id']}: {violation['help']}: {node['html']} {node.get('failureSummary', '')}"
            for violation in found["violations"]
            for node in violation["nodes"]
        ]

    def overhang_at(self, *, width: int, text_percent: int = 100) -> int:
        """Return by how many px the page is wider than a window of `width` px, with its text enlarged."""
        self.page.set_viewport_size({"width": width, "height": 900})
        wide: int = self.page.evaluate(
            """percent => {
                 const page = document.documentElement;
                 page.style.fontSize = `${percent}%`;
                 return page.scrollWidth - page.clientWidth;
               }""",
            text_percent,
        )
        return wide
