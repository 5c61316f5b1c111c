"""Each page for everybody: no barrier that axe knows, light and dark, on a narrow screen and with a large text."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.sample_app.browsing import Visitor, chromium
from tests.sample_app.conftest import Service

pytestmark = pytest.mark.slow

_numbers = itertools.count(1)


def _nobody(visitor: Visitor, path: str) -> None:
    visitor.page.goto(path)


def _refused_login(visitor: Visitor) -> None:
    visitor.page.goto("/login")
    visitor.page.get_by_role("button", name="Log in").click()
    expect(visitor.page.get_by_role("alert")).to_be_visible()


def _too_many_logins(visitor: Visitor) -> None:
    name = f"guessed-{next(_numbers)}"
    for _ in range(11):
        visitor.page.goto("/login")
        visitor.page.get_by_label("Name").fill(name)
        visitor.page.get_by_label("Password").fill("wrong password")
        visitor.page.get_by_role("button", name="Log in").click()
    expect(visitor.page.get_by_role("heading", name="Too many requests")).to_be_visible()


def _refused_registration(visitor: Visitor) -> None:
    visitor.page.goto("/register")
    visitor.page.get_by_role("button", name="Register").click()
    expect(visitor.page.get_by_label("Name")).to_have_attribute("aria-invalid", "true")


def _no_account(visitor: Visitor) -> None:
    visitor.registers(f"visitor-{next(_numbers)}")
    expect(visitor.page.get_by_text("You have no account yet.")).to_be_visible()


def _transfer_without_account(visitor: Visitor) -> None:
    _no_account(visitor)
    visitor.page.get_by_role("link", name="Transfer").click()


def _account(visitor: Visitor) -> None:
    """The longest name and the largest sums: what may be, has to fit."""
    _no_account(visitor)
    visitor.opens_account("W" * 60)
    for amount in ("10000000000", "9999999999.99"):
        visitor.moves("Deposit", amount)
    visitor.moves("Withdraw", "10000000000")
    expect(visitor.page.locator("tbody tr")).to_have_count(3)


def _accounts(visitor: Visitor) -> None:
    _account(visitor)
    visitor.page.goto("/accounts")


def _refused_account_name(visitor: Visitor) -> None:
    _accounts(visitor)
    visitor.page.get_by_role("button", name="Open").click()
    expect(visitor.page.get_by_label("Name")).to_have_attribute("aria-invalid", "true")


def _refused_deposit(visitor: Visitor) -> None:
    _account(visitor)
    visitor.moves("Deposit", "-1")
    expect(visitor.form("Deposit").get_by_label("Amount")).to_have_attribute("aria-invalid", "true")


def _transfer(visitor: Visitor) -> None:
    _account(visitor)
    visitor.page.goto("/transfer")


def _refused_transfer(visitor: Visitor) -> None:
    _transfer(visitor)
    visitor.transfers("1", "1")
    expect(visitor.page.get_by_label("To account")).to_have_attribute("aria-invalid", "true")


def _logins(visitor: Visitor) -> None:
    _no_account(visitor)
    visitor.page.goto("/logins")


_PAGES: dict[str, Callable[[Visitor], None]] = {
    "home": lambda visitor: _nobody(visitor, "/"),
    "register": lambda visitor: _nobody(visitor, "/register"),
    "register, refused": _refused_registration,
    "login": lambda visitor: _nobody(visitor, "/login"),
    "login, refused": _refused_login,
    "login, too many": _too_many_logins,
    "accounts, none": _no_account,
    "accounts": _accounts,
    "accounts, refused": _refused_account_name,
    "account": _account,
    "account, refused": _refused_deposit,
    "transfer, no account": _transfer_without_account,
    "transfer": _transfer,
    "transfer, refused": _refused_transfer,
    "logins": _logins,
    "not found": lambda visitor: _nobody(visitor, "/nowhere"),
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.mark.parametrize("goes_to", _PAGES.values(), ids=_PAGES)
def test_a_page_keeps_nobody_out(browser: Browser, service: Service, goes_to: Callable[[Visitor], None]) -> None:
    context = browser.new_context(base_url=service.url)
    visitor = Visitor.comes(context)
    goes_to(visitor)
    for scheme in ("light", "dark"):
        visitor.page.emulate_media(color_scheme=scheme)
        assert visitor.barriers() == [], scheme
    assert visitor.overhang_at(width=1280) == 0
    assert visitor.overhang_at(width=320) == 0
    assert visitor.overhang_at(width=640, text_percent=200) == 0
    assert visitor.complaints == []
    context.close()
