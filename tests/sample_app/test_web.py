"""The pages: a person's way through them, forged forms, and the prefix of the edge."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.sample_app.conftest import PASSWORD, Person, csrf_token_in

HTML = {"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}


@dataclass
class Browser:
    """Somebody with a browser: looks at a page, fills in its form, follows where it leads."""

    client: FlaskClient

    def sees(self, path: str) -> TestResponse:
        return self.client.get(path, headers=HTML, follow_redirects=True)

    def sends(self, page: str, path: str | None = None, **fields: str) -> TestResponse:
        fields["csrf_token"] = csrf_token_in(self.sees(page))
        return self.client.post(path or page, data=fields, headers=HTML, follow_redirects=True)

    def registers(self, username: str) -> TestResponse:
        return self.sends("/register", username=username, password=PASSWORD)

    def opens_account(self) -> str:
        page = self.sends("/accounts", name="Everyday")
        return re.search(r"/accounts/(\d{12})/deposit", page.text)[1]  # type: ignore[index]


@pytest.fixture
def browser(client: FlaskClient) -> Browser:
    return Browser(client)


def test_a_person_registers_banks_and_logs_out(browser: Browser) -> None:
    assert "You have no account yet" in browser.registers("carol").text
    number = browser.opens_account()
    other = browser.opens_account()
    page = f"/accounts/{number}"

    assert "+100.00" in browser.sends(page, f"{page}/deposit", amount="100").text
    assert "-30.00" in browser.sends(page, f"{page}/withdraw", amount="30").text
    assert "-20.00" in browser.sends(page, f"{page}/transfer", amount="20.00", target=other).text
    accounts = browser.sees("/accounts").text
    assert "50.00" in accounts
    assert "20.00" in accounts

    assert "You are logged out" in browser.sends("/accounts", "/logout").text
    assert "<h1>Log in</h1>" in browser.sees(page).text


@pytest.mark.parametrize(
    ("verb", "fields", "status", "said"),
    [
        ("withdraw", {"amount": "0.01"}, 409, "does not hold that much"),
        ("deposit", {"amount": "-1000"}, 422, "amount must be digits"),
        ("deposit", {}, 422, "amount must be digits"),
        ("transfer", {"amount": "1"}, 422, "target must be an account number"),
    ],
)
def test_a_refused_form_comes_back_with_the_reason(
    browser: Browser, verb: str, fields: dict[str, str], status: int, said: str
) -> None:
    browser.registers("carol")
    page = f"/accounts/{browser.opens_account()}"
    answer = browser.sends(page, f"{page}/{verb}", **fields)
    assert answer.status_code == status
    assert re.search(rf'role="alert">[^<]*{said}', answer.text)


@pytest.mark.parametrize("path", ["/login", "/register", "/logout", "/accounts", "/accounts/100000000000/deposit"])
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
    assert browser.sends(own, f"/accounts/{foreign}/withdraw", amount="1").status_code == 404
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
        return make_app(trusted_proxies=1).test_client()

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

    @pytest.mark.parametrize("prefix", ["//evil.example", "/a//b", "/<x>", "https://evil.example", "/a b", "app"])
    def test_a_prefix_that_is_no_path_is_not_used(self, behind: FlaskClient, prefix: str) -> None:
        page = behind.get("/login", headers=self.EDGE | {"X-Forwarded-Prefix": prefix})
        assert 'href="/register"' in page.text

    def test_without_a_trusted_proxy_its_headers_mean_nothing(self, client: FlaskClient) -> None:
        page = client.get("/login", headers=self.EDGE)
        assert 'href="/register"' in page.text
        assert "Secure" not in page.headers["Set-Cookie"]
