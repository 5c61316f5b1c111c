"""The pages: a person's way through them, refused and forged forms, double booking, and the prefix of the edge."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from flask import Flask
from flask.testing import FlaskClient
from limits import parse
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from fintech.bank import PAGE_MAX, Bank, Receipt
from fintech.services import Services
from fintech.users import Role
from tests.sample_app.conftest import PASSWORD, Person, csrf_token_in

HTML = {"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}


@dataclass
class Browser:
    """Somebody with a browser: looks at a page, fills in its form, follows where it leads."""

    client: FlaskClient

    def sees(self, path: str) -> TestResponse:
        return self.client.get(path, headers=HTML, follow_redirects=True)

    def fills(self, page: str, path: str, **fields: str) -> dict[str, str]:
        """Return what the form on `page` that goes to `path` sends once its fields are filled in."""
        (form,) = re.findall(rf'<form[^>]* action="{path}".*?</form>', self.sees(page).text, re.DOTALL)
        return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form)) | fields

    def posts(self, path: str, fields: dict[str, str]) -> TestResponse:
        return self.client.post(path, data=fields, headers=HTML, follow_redirects=True)

    def sends(self, page: str, path: str | None = None, **fields: str) -> TestResponse:
        return self.posts(path or page, self.fills(page, path or page, **fields))

    def registers(self, username: str) -> TestResponse:
        return self.sends("/register", username=username, password=PASSWORD)

    def opens_account(self, amount: str | None = None) -> str:
        page = self.sends("/accounts", name="Everyday")
        number: str = re.search(r"/accounts/(\d{12})/deposit", page.text)[1]  # type: ignore[index]
        if amount is not None:
            self.sends(f"/accounts/{number}", f"/accounts/{number}/deposit", amount=amount)
        return number

    def balances(self) -> list[str]:
        return [
            amount.replace("<wbr>", "")
            for amount in re.findall(r'<td class="amount">([^/]*)</td>', self.sees("/accounts").text)
        ]


@pytest.fixture
def browser(client: FlaskClient) -> Browser:
    return Browser(client)


def test_a_person_registers_banks_and_logs_out(browser: Browser) -> None:
    assert "You have no account yet" in browser.registers("carol").text
    number = browser.opens_account()
    other = browser.opens_account()
    page = f"/accounts/{number}"

    assert "+100.00" in browser.sends(page, f"{page}/deposit", amount="100").text
    assert "−30.00" in browser.sends(page, f"{page}/withdraw", amount="30").text
    sent = browser.sends("/transfer", source=number, target=other, amount="20.00").text
    assert "−20.00" in sent
    assert "Booked: transfer of 20.00." in sent
    assert sorted(browser.balances()) == ["20.00", "50.00"]

    assert "You are logged out" in browser.sends("/accounts", "/logout").text
    assert "<h1>Log in</h1>" in browser.sees(page).text


@pytest.mark.parametrize(
    ("path", "fields", "status", "field", "said"),
    [
        ("/accounts/OWN/withdraw", {"amount": "0.01"}, 409, "withdraw-amount", "The account does not hold that much."),
        ("/accounts/OWN/deposit", {"amount": "-1000"}, 422, "deposit-amount", "Amount must be digits"),
        ("/accounts/OWN/deposit", {}, 422, "deposit-amount", "Amount must be digits"),
        ("/transfer", {"source": "OWN", "amount": "1"}, 422, "transfer-target", "To account must be an account number"),
        ("/transfer", {"amount": "1"}, 422, "transfer-source", "From account must be an account number"),
        (
            "/transfer",
            {"source": "200000000000", "target": "OWN", "amount": "1"},
            422,
            "transfer-source",
            "From account must be one of your accounts.",
        ),
        ("/accounts", {"name": " "}, 422, "open-name", "Name must be 1 to 60 printable characters"),
        ("/register", {"username": "x", "password": PASSWORD}, 422, "register-username", "Name must be 3 to 32"),
        (
            "/register",
            {"username": "carol", "password": PASSWORD},
            409,
            "register-username",
            "The name carol is taken.",
        ),
        ("/register", {"username": "dora", "password": "short"}, 422, "register-password", "Password must be 10 to"),
    ],
)
def test_a_refused_form_comes_back_with_the_reason_beside_its_field(
    browser: Browser, path: str, fields: dict[str, str], status: int, field: str, said: str
) -> None:
    browser.registers("carol")
    number = browser.opens_account()
    path = path.replace("OWN", number)
    page = re.sub("/(deposit|withdraw)$", "", path)

    answer = browser.sends(page, path, **{name: value.replace("OWN", number) for name, value in fields.items()})

    assert answer.status_code == status
    assert re.search(rf'<strong class="wrong" id="{field}-wrong">[^<]*{re.escape(said)}', answer.text)
    assert re.search(
        rf'<(?:input|select) id="{field}"[^>]*{field}-wrong"[^>]*aria-invalid="true" autofocus', answer.text
    )
    assert answer.text.count("autofocus") == 1
    assert PASSWORD not in answer.text


def test_a_form_that_is_sent_twice_books_once_and_shows_the_same(browser: Browser) -> None:
    browser.registers("carol")
    number, other = browser.opens_account("100"), browser.opens_account()
    sent = {
        f"/accounts/{number}/deposit": browser.fills(f"/accounts/{number}", f"/accounts/{number}/deposit", amount="5"),
        f"/accounts/{number}/withdraw": browser.fills(
            f"/accounts/{number}", f"/accounts/{number}/withdraw", amount="2"
        ),
        "/transfer": browser.fills("/transfer", "/transfer", source=number, target=other, amount="3"),
    }
    for path, fields in sent.items():
        first, second = browser.posts(path, fields), browser.posts(path, fields)
        assert first.request.url == second.request.url
        assert "Booked: " in second.text
    assert sorted(browser.balances()) == ["100.00", "3.00"]


def test_a_form_that_is_sent_again_with_another_amount_books_nothing_more(browser: Browser) -> None:
    browser.registers("carol")
    path = f"/accounts/{browser.opens_account()}/deposit"
    fields = browser.fills(path.removesuffix("/deposit"), path, amount="5")
    browser.posts(path, fields)
    changed = browser.posts(path, fields | {"amount": "6"})
    assert changed.status_code == 409
    assert browser.fills(path.removesuffix("/deposit"), path)["idempotency_key"] != fields["idempotency_key"]
    assert browser.balances() == ["5.00"]


@pytest.mark.parametrize("key", [None, "", "short", "k" * 300, "ünïcode" * 3 + "x"])
def test_a_form_without_a_key_of_ours_books_nothing(browser: Browser, key: str | None) -> None:
    browser.registers("carol")
    path = f"/accounts/{browser.opens_account()}/deposit"
    fields = browser.fills(path.removesuffix("/deposit"), path, amount="5")
    del fields["idempotency_key"]
    answer = browser.posts(path, fields | ({} if key is None else {"idempotency_key": key}))
    assert answer.status_code == 400
    assert browser.balances() == ["0.00"]


def test_sums_are_written_with_their_thousands_apart(browser: Browser) -> None:
    browser.registers("carol")
    number = browser.opens_account("1234567.8")
    assert browser.balances() == ["1,234,567.80"]
    assert (
        "Booked: withdrawal of 1,000.00."
        in browser.sends(f"/accounts/{number}", f"/accounts/{number}/withdraw", amount="1000").text
    )


def test_times_say_their_zone(browser: Browser) -> None:
    browser.registers("carol")
    page = browser.sees(f"/accounts/{browser.opens_account('1')}")
    assert '<time datetime="2027-01-15T08:00:00Z"><span>2027-01-15</span> 08:00 UTC</time>' in page.text


def test_entries_come_in_pages(browser: Browser) -> None:
    browser.registers("carol")
    number = browser.opens_account()
    for cents in range(1, 42):
        browser.sends(f"/accounts/{number}", f"/accounts/{number}/deposit", amount=f"0.{cents:02}")
    page, seen = browser.sees(f"/accounts/{number}"), []
    while True:
        seen += re.findall(r">\+(\d+\.\d+)<", page.text)
        older = re.search(r'href="([^"]+)">Older entries', page.text)
        if older is None:
            break
        page = browser.sees(older[1])
    assert seen == [f"0.{cents:02}" for cents in range(41, 0, -1)]


def test_logging_out_everywhere_ends_every_browser_and_every_token(app: Flask, browser: Browser, ada: Person) -> None:
    other = Browser(app.test_client())
    for each in (browser, other):
        each.sends("/login", username="ada", password=PASSWORD)
    page = browser.sees("/logins")
    assert page.text.count("<tr>") - 1 == 3
    assert page.text.count("this browser") == 1
    assert "You are logged out everywhere." in browser.sends("/logins", "/logins/end").text
    for each in (browser, other):
        assert "<h1>Log in</h1>" in each.sees("/accounts").text
    assert ada.asks("GET", "/me").status_code == 401


def test_accounts_come_in_pages(browser: Browser, parts: Services) -> None:
    browser.registers("carol")
    carol = parts.users.find("carol").id
    opened = [parts.bank.open_account(carol, f"Account {count}").number for count in range(PAGE_MAX + 1)]
    first = browser.sees("/accounts").text
    (more,) = re.findall(r'href="([^"]+)">More accounts', first)
    second = browser.sees(more).text
    shown = re.findall(r'<small class="number">(\d+)', first + second)
    assert sorted(shown) == sorted(opened)
    assert "More accounts" not in second


class TestAnAuditor:
    """Looks at everything and moves nothing."""

    @pytest.fixture
    def auditor(self, app: Flask, parts: Services) -> Browser:
        parts.users.create("olga", PASSWORD, Role.AUDITOR)
        auditor = Browser(app.test_client())
        auditor.sends("/login", username="olga", password=PASSWORD)
        return auditor

    def test_sees_everybodys_accounts_and_no_form(self, auditor: Browser, ada: Person) -> None:
        number = ada.opens_account("5.00")
        assert f"{number} of ada" in auditor.sees("/accounts").text
        page = auditor.sees(f"/accounts/{number}").text
        assert "+5.00" in page
        assert re.findall(r'action="([^"]+)"', page) == ["/logout"]

    def test_may_not_move_money(self, auditor: Browser, ada: Person) -> None:
        number = ada.opens_account("5.00")
        fields = {"csrf_token": csrf_token_in(auditor.sees("/accounts")), "amount": "1"}
        for path in (f"/accounts/{number}/withdraw", "/transfer", "/accounts"):
            assert auditor.posts(path, fields).status_code == 403
        assert "<h1>Not allowed</h1>" in auditor.sees("/transfer").text
        assert ada.balance(number) == "5.00"


def test_who_asks_too_often_is_told_when_to_come_back(make_app: Callable[..., Flask]) -> None:
    browser = Browser(make_app(write_limit=parse("1/minute")).test_client())
    browser.registers("carol")
    number = browser.opens_account()
    fields = browser.fills(f"/accounts/{number}", f"/accounts/{number}/deposit", amount="5")
    answer = browser.posts(f"/accounts/{number}/deposit", fields)
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) in range(1, 61)
    assert "<h1>Too many requests</h1>" in answer.text
    assert "Send it again" in answer.text


def test_a_form_that_met_a_lost_database_can_be_sent_again_as_it_was(
    browser: Browser, parts: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether or not the first one was booked: the key makes it one booking."""
    browser.registers("carol")
    path = f"/accounts/{browser.opens_account()}/deposit"
    fields = browser.fills(path.removesuffix("/deposit"), path, amount="5")
    book = Bank.deposit

    def loses_the_answer(bank: Bank, *who: int, **what: object) -> Receipt:
        book(bank, *who, **what)  # type: ignore[arg-type]
        raise OperationalError("COMMIT", {}, ConnectionError())

    monkeypatch.setattr(Bank, "deposit", loses_the_answer)
    answer = browser.posts(path, fields)
    monkeypatch.undo()
    assert answer.status_code == 503
    again = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', answer.text))
    assert again == fields
    assert "Booked: deposit of 5.00." in browser.posts(path, again).text
    assert browser.balances() == ["5.00"]


@pytest.mark.parametrize("path", ["/login", "/register", "/logout", "/accounts", "/transfer", "/logins/end"])
@pytest.mark.parametrize("token", [None, "", "forged", "ünïcode"])
def test_a_form_from_elsewhere_is_refused(browser: Browser, path: str, token: str | None) -> None:
    browser.registers("carol")
    fields = {"username": "carol", "password": PASSWORD, "name": "x", "amount": "1"}
    answer = browser.client.post(path, data=fields | ({} if token is None else {"csrf_token": token}), headers=HTML)
    assert answer.status_code == 400
    assert "came from elsewhere" in answer.text
    assert "You have no account yet" in browser.sees("/accounts").text


def test_a_token_of_another_browser_is_refused(app: Flask, browser: Browser) -> None:
    stolen = csrf_token_in(app.test_client().get("/login"))
    browser.registers("carol")
    assert browser.client.post("/accounts", data={"csrf_token": stolen, "name": "x"}).status_code == 400


def test_logging_in_starts_a_new_session(browser: Browser) -> None:
    """What somebody planted in the session before is worth nothing after."""
    browser.registers("carol")
    browser.sends("/accounts", "/logout")
    before = csrf_token_in(browser.sees("/login"))
    browser.client.post("/login", data={"csrf_token": before, "username": "carol", "password": PASSWORD})
    assert csrf_token_in(browser.sees("/accounts")) != before


def test_a_copied_cookie_is_worth_nothing_after_logging_out(app: Flask, browser: Browser) -> None:
    browser.registers("carol")
    cookie = browser.client.get_cookie("fintech_session")
    assert cookie
    thief = app.test_client()
    thief.set_cookie("fintech_session", cookie.value)
    assert thief.get("/accounts").status_code == 200
    browser.sends("/accounts", "/logout")
    assert thief.get("/accounts").status_code == 303


def test_a_foreign_account_is_not_found(browser: Browser, ada: Person) -> None:
    browser.registers("carol")
    foreign = ada.opens_account("5.00")
    pages = [browser.sees(f"/accounts/{number}") for number in (foreign, "100000000000")]
    assert [page.status_code for page in pages] == [404, 404]
    stripped = [re.sub(r"request <code>\w+", "", page.text) for page in pages]
    assert stripped[0] == stripped[1]
    own = f"/accounts/{browser.opens_account()}"
    fields = browser.fills(own, f"{own}/withdraw", amount="1")
    assert browser.posts(f"/accounts/{foreign}/withdraw", fields).status_code == 404
    assert ada.balance(foreign) == "5.00"


def test_a_wrong_password_says_no_more_than_a_wrong_name(browser: Browser, ada: Person) -> None:
    for username in ("ada", "nobody"):
        page = browser.sends("/login", username=username, password="wrong password")
        assert page.status_code == 401
        assert "The name or the password is wrong." in page.text


def test_what_a_user_typed_is_shown_as_text(browser: Browser) -> None:
    browser.registers("carol")
    page = browser.sends("/accounts", name="<script>alert(1)</script>")
    assert "<script>" not in page.text
    assert "&lt;script&gt;" in page.text


def test_the_session_cookie_is_out_of_reach(browser: Browser) -> None:
    header = browser.client.get("/login").headers["Set-Cookie"]
    assert "HttpOnly" in header
    assert "SameSite=Lax" in header
    assert "Secure" not in header


def test_pages_allow_no_script_no_framing_and_no_cache(client: FlaskClient) -> None:
    headers = client.get("/login").headers
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"


class TestBehindTheEdge:
    """The edge serves us below /app/ and says so in X-Forwarded-Prefix."""

    EDGE = {"X-Forwarded-Prefix": "/app", "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7"}  # noqa: RUF012

    @pytest.fixture
    def behind(self, make_app: Callable[..., Flask]) -> FlaskClient:
        return make_app(trusted_proxies=1, path_prefix="/app").test_client()

    @pytest.mark.parametrize("prefix", ["/app", "/app/"])
    @pytest.mark.parametrize("path", ["/login", "/app/login"], ids=["prefix removed", "prefix kept"])
    def test_every_link_stays_below_the_prefix(self, behind: FlaskClient, prefix: str, path: str) -> None:
        page = behind.get(path, headers=self.EDGE | {"X-Forwarded-Prefix": prefix})
        links = re.findall(r'(?:href|src|action)="([^"]+)"', page.text)
        assert page.status_code == 200
        assert [link for link in links if not link.startswith("/app/")] == ["#content"]

    def test_redirects_and_cookies_stay_below_the_prefix(self, behind: FlaskClient) -> None:
        assert behind.get("/accounts", headers=self.EDGE).headers["Location"] == "/app/login"
        cookie = behind.get("/login", headers=self.EDGE).headers["Set-Cookie"]
        assert "Path=/app" in cookie
        assert "Secure" in cookie

    @pytest.mark.parametrize(
        "prefix",
        [
            "//evil.example",
            "/<x>",
            "https://evil.example",
            "app",
            "/ap",
            "/app2",
            "/app/x",
            "/x",
            "/app,/x",
            "/x,/app",
            "",
        ],
    )
    def test_a_prefix_that_is_not_the_one_in_the_settings_is_not_used(self, behind: FlaskClient, prefix: str) -> None:
        page = behind.get("/login", headers=self.EDGE | {"X-Forwarded-Prefix": prefix})
        assert 'href="/register"' in page.text

    def test_no_header_of_a_client_turns_one_path_into_another(
        self, behind: FlaskClient, make_app: Callable[..., Flask]
    ) -> None:
        """A proxy that lets /x/admin/ pass, and sets no prefix, would be got around with it."""
        without = make_app(trusted_proxies=1).test_client()
        for client, prefix in ((behind, "/x"), (without, "/x"), (without, "/app"), (without, "/metrics")):
            headers = self.EDGE | {"X-Forwarded-Prefix": prefix}
            assert client.get(f"{prefix}/version", headers=headers).status_code == 404
            assert client.get(prefix, headers=headers).status_code == 404

    def test_without_a_trusted_proxy_its_headers_mean_nothing(self, client: FlaskClient) -> None:
        page = client.get("/login", headers=self.EDGE)
        assert 'href="/register"' in page.text
        assert "Secure" not in page.headers["Set-Cookie"]
