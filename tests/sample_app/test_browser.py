"""The pages in a real browser, in front of the real service: whole ways through them, mistakes, keyboard, forgery."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial

import pytest
import requests
from playwright.sync_api import Browser, Page, Route, expect

from tests.sample_app.browsing import Visitor, chromium
from tests.sample_app.conftest import ADMIN_TOKEN, PASSWORD, Service

pytestmark = pytest.mark.slow

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def arrives(browser: Browser, service: Service) -> Iterator[Callable[..., Visitor]]:
    """Give a function that brings a visitor; nothing may be complained about, and no other host asked, by the end."""
    came: list[Visitor] = []

    def arrive(**window: object) -> Visitor:
        context = browser.new_context(base_url=service.url, **window)  # type: ignore[arg-type]
        came.append(Visitor.comes(context))
        return came[-1]

    yield arrive
    for visitor in came:
        visitor.page.context.close()
        assert visitor.complaints == []
        assert visitor.hosts <= {service.url.removeprefix("http://")}


@pytest.fixture
def carol(arrives: Callable[..., Visitor]) -> Visitor:
    """Somebody who has registered and looks at an account that holds 100.00."""
    carol = arrives()
    carol.registers(f"carol-{next(_numbers)}")
    carol.opens_account("Everyday")
    carol.moves("Deposit", "100")
    return carol


@pytest.fixture
def fault(service: Service) -> Callable[..., AbstractContextManager[None]]:
    """Give a context in which a route of the service suffers a fault."""
    switch = partial(
        requests.request,
        url=f"{service.url}/admin/faults",
        headers={"Authorization": f"Bearer {ADMIN_TOKEN}"},
        timeout=10,
    )

    @contextmanager
    def suffer(route: str, kind: str, **more: float) -> Iterator[None]:
        assert switch("POST", json={"route": route, "kind": kind, **more}).status_code == 201
        try:
            yield
        finally:
            assert switch("DELETE").json() == {"cleared": 1}

    return suffer


@pytest.mark.parametrize("java_script", [True, False], ids=["with script", "without script"])
def test_a_person_banks_from_registering_to_logging_out(arrives: Callable[..., Visitor], java_script: bool) -> None:
    dora = arrives(java_script_enabled=java_script)
    page, name = dora.page, f"dora-{next(_numbers)}"
    dora.registers(name)
    expect(page.get_by_role("status")).to_have_text("Welcome. Open your first account below.")
    page.get_by_role("button", name=f"Log out {name}").click()
    expect(page.get_by_role("status")).to_have_text("You are logged out.")

    dora.logs_in(name)
    savings = dora.opens_account("Savings")
    everyday = dora.opens_account("Everyday")
    dora.moves("Deposit", "1234567.8")
    expect(page.get_by_role("status")).to_have_text("Booked: deposit of 1,234,567.80.")
    dora.moves("Withdraw", "67.80")
    page.get_by_role("link", name="Transfer from this account").click()
    expect(page.get_by_label("From account")).to_have_value(everyday)
    dora.transfers(savings, "500.00")

    expect(page.get_by_role("status")).to_have_text("Booked: transfer of 500.00.")
    expect(page.locator("tbody .amount")).to_have_text(
        ["−500.00", "1,234,000.00", "−67.80", "1,234,500.00", "+1,234,567.80", "1,234,567.80"]
    )
    page.get_by_role("link", name="Accounts", exact=True).click()
    expect(page.get_by_role("row").filter(has_text="Everyday")).to_contain_text("1,234,000.00")
    expect(page.get_by_role("row").filter(has_text="Savings")).to_contain_text("500.00")
    page.get_by_role("button", name=f"Log out {name}").click()
    expect(page.get_by_role("heading", name="Money that adds up")).to_be_visible()


def test_the_way_back_after_logging_out_shows_nothing_private(carol: Visitor) -> None:
    carol.page.get_by_role("button", name=re.compile("^Log out")).click()
    expect(carol.page.get_by_role("status")).to_have_text("You are logged out.")
    for _ in range(3):
        carol.page.go_back()
        expect(carol.page.locator("body")).not_to_contain_text("100.00")
        expect(carol.page.locator("body")).not_to_contain_text("Everyday")


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        ("", "Amount must be digits"),
        ("-5", "Amount must be digits"),
        ("1e3", "Amount must be digits"),
        ("1.234", "Amount must be digits"),
        ("0", "Amount must be at least 0.01."),
        ("10000000000.01", "Amount must be at most"),
        ("100.01", "The account does not hold that much."),
    ],
    ids=["nothing", "negative", "exponent", "three decimals", "zero", "huge", "more than there is"],
)
def test_a_wrong_amount_is_explained_beside_its_field(carol: Visitor, amount: str, said: str) -> None:
    carol.moves("Withdraw", amount)
    field = carol.form("Withdraw").get_by_label("Amount")
    expect(field).to_have_accessible_description(re.compile(re.escape(said)))
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_value(amount)
    expect(field).to_be_focused()
    expect(carol.form("Deposit").get_by_label("Amount")).to_have_value("")
    expect(carol.page).to_have_title(re.compile("^Error: "))


def test_a_wrong_target_is_explained_beside_its_field_and_the_rest_stays(carol: Visitor) -> None:
    carol.opens_account("Savings")
    carol.moves("Deposit", "5")
    carol.page.goto("/transfer")
    second = carol.page.get_by_label("From account").locator("option").nth(1).get_attribute("value")
    assert second
    carol.page.get_by_label("From account").select_option(second)
    carol.transfers("999999999999", "1.50")
    target = carol.page.get_by_label("To account")
    expect(target).to_have_accessible_description(re.compile("is not the number of an account"))
    expect(target).to_be_focused()
    expect(target).to_have_value("999999999999")
    expect(carol.page.get_by_label("From account")).to_have_value(second)
    expect(carol.page.get_by_label("Amount")).to_have_value("1.50")


def test_a_refused_login_keeps_the_name_and_never_the_password(arrives: Callable[..., Visitor]) -> None:
    page = arrives().page
    page.goto("/login")
    page.get_by_label("Name").fill("nobody")
    page.get_by_label("Password").fill("wrong password")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("The name or the password is wrong.")
    expect(page.get_by_label("Name")).to_have_value("nobody")
    expect(page.get_by_label("Password")).to_have_value("")


def test_a_double_click_books_once(carol: Visitor, fault: Callable[..., AbstractContextManager[None]]) -> None:
    """The first click is still being worked on when the second one arrives; the browser waits for the second only."""
    carol.form("Deposit").get_by_label("Amount").fill("7")
    place = carol.form("Deposit").get_by_role("button").bounding_box()
    assert place
    middle = place["x"] + place["width"] / 2, place["y"] + place["height"] / 2
    with fault("/accounts/<number>/deposit", "latency", latency_s=1):
        with carol.page.expect_request(lambda request: request.method == "POST"):
            carol.page.mouse.click(*middle)
        carol.page.mouse.click(*middle)
        expect(carol.page.get_by_role("status")).to_have_text("Booked: deposit of 7.00.")
    expect(carol.page.get_by_role("status")).to_have_text("Booked: deposit of 7.00.")
    expect(carol.page.locator(".balance strong")).to_have_text("107.00")


def test_a_form_sent_again_from_the_history_shows_the_same_booking(carol: Visitor) -> None:
    """Some browsers send a form once more when somebody reloads; here two tabs hold the same form."""
    carol.page.goto("/transfer?source=")
    target = Visitor.comes(carol.page.context)
    number = target.opens_account("Savings")
    fields = {
        field.get_attribute("name") or "": field.input_value()
        for field in carol.page.locator("main form").locator("input, select").all()
    } | {"target": number, "amount": "30"}
    pages = [carol.page.request.post("/transfer", form=fields) for _ in range(2)]
    assert pages[0].url == pages[1].url
    carol.page.goto("/accounts")
    expect(carol.page.get_by_role("row").filter(has_text="Everyday")).to_contain_text("70.00")
    expect(carol.page.get_by_role("row").filter(has_text="Savings")).to_contain_text("30.00")


def test_a_form_that_met_a_lost_database_is_sent_again_with_one_click(
    carol: Visitor, fault: Callable[..., AbstractContextManager[None]]
) -> None:
    with fault("/accounts/<number>/deposit", "database_error"):
        carol.moves("Deposit", "7")
        expect(carol.page.get_by_role("heading", name="Try again")).to_be_visible()
        assert carol.barriers() == []
    carol.page.get_by_role("button", name="Send it again").click()
    expect(carol.page.get_by_role("status")).to_have_text("Booked: deposit of 7.00.")
    expect(carol.page.locator(".balance strong")).to_have_text("107.00")


def test_everything_can_be_done_with_the_keyboard(arrives: Callable[..., Visitor]) -> None:
    """The focus goes where reading goes; Tab, typing, Space and Enter are enough."""
    page = arrives().page
    page.goto("/")
    assert _tabs_through(page, 4) == ["Skip to content", "Fintech sample", "Log in", "Register"]
    page.keyboard.press("Enter")
    expect(page).to_have_title(re.compile("^Register"))
    _skips_to_content(page)
    _types(page, "Name", f"keyboard-{next(_numbers)}")
    _types(page, "Password", PASSWORD)
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.get_by_role("heading", name="Accounts", exact=True)).to_be_visible()
    _skips_to_content(page)
    _types(page, "Name", "Everyday")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Everyday")).to_be_visible()
    _skips_to_content(page)
    assert _tabs_through(page, 1) == ["← Accounts"]
    _types(page, "Amount", "12.34")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("Booked: deposit of 12.34.")


def _tabs_through(page: Page, count: int) -> list[str]:
    names = []
    for _ in range(count):
        page.keyboard.press("Tab")
        names.append(page.locator(":focus").inner_text())
    return names


def _skips_to_content(page: Page) -> None:
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()   # only then is the next Tab in the form


def _types(page: Page, label: str, text: str) -> None:
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_accessible_name(label)
    page.keyboard.type(text)


def test_logging_out_everywhere_ends_the_other_browser_too(arrives: Callable[..., Visitor]) -> None:
    here, there, name = arrives(), arrives(), f"erin-{next(_numbers)}"
    here.registers(name)
    expect(here.page.get_by_role("heading", name="Accounts", exact=True)).to_be_visible()
    there.logs_in(name)
    there.page.get_by_role("link", name="Logins").click()
    expect(there.page.locator("tbody tr")).to_have_count(2)
    expect(there.page.get_by_role("row").filter(has_text="this browser")).to_have_count(1)
    there.page.get_by_role("button", name="Log out everywhere").click()
    expect(there.page.get_by_role("status")).to_have_text("You are logged out everywhere.")
    here.page.goto("/accounts")
    expect(here.page.get_by_role("heading", name="Log in")).to_be_visible()


@pytest.mark.parametrize("origin", ["http://elsewhere.test", "http://127.0.0.1:9"], ids=["another site", "same site"])
def test_a_form_on_another_origin_moves_nothing(arrives: Callable[..., Visitor], service: Service, origin: str) -> None:
    """The same host with another port counts as the same site: there the cookie comes along, and the token decides."""
    victim = arrives()
    victim.registers(f"frank-{next(_numbers)}")
    number = victim.opens_account("Everyday")
    victim.hosts.clear()
    trap = (
        f'<form method="post" action="{service.url}/accounts/{number}/deposit"><input name="amount" value="5">'
        f'<input name="csrf_token" value="guess"><input name="idempotency_key" value="{"k" * 22}"><button>Win</button></form>'
    )

    def answer(route: Route) -> None:
        route.fulfill(body=trap, content_type="text/html")

    page = victim.page.context.new_page()
    page.route(f"{origin}/**", answer)
    page.goto(f"{origin}/")
    page.get_by_role("button", name="Win").click()
    expect(page.get_by_role("main")).to_contain_text("This form is too old or came from elsewhere.")
    victim.page.reload()
    expect(victim.page.get_by_text("Nothing has been booked yet.")).to_be_visible()


def test_older_entries_are_a_page_away(carol: Visitor) -> None:
    for amount in range(1, 22):
        carol.moves("Deposit", str(amount))
        expect(carol.page.get_by_role("status")).to_contain_text(f" {amount}.00.")
    expect(carol.page.locator("tbody tr")).to_have_count(20)
    carol.page.get_by_role("link", name="Older entries").click()
    expect(carol.page.locator("tbody .amount")).to_have_text(["+1.00", "101.00", "+100.00", "100.00"])
    carol.page.get_by_role("link", name="Newest entries").click()
    expect(carol.page.locator("tbody tr").first).to_contain_text("+21.00")
