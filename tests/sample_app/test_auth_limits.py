"""Rate limits: they hold off one client and touch no other, say truly when to come back, and forget."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from limits import parse
from werkzeug.test import TestResponse

from fintech.errors import RateLimited
from fintech.rate_limits import RateLimits
from fintech.rate_windows import Windows
from tests.sample_app.conftest import PASSWORD, Clock, Metrics, Person

ELSEWHERE = {"REMOTE_ADDR": "203.0.113.7"}


def log_in(client: FlaskClient, username: object, password: str = PASSWORD, address: str = "192.0.2.1") -> TestResponse:
    credentials = {"username": username, "password": password}
    return client.post("/api/v1/tokens", json=credentials, environ_overrides={"REMOTE_ADDR": address})


def refusal(answer: TestResponse) -> int:
    """Return the seconds that a refused client is told to wait, having looked that it is told in the right form."""
    assert (answer.status_code, answer.content_type) == (429, "application/problem+json")
    assert answer.json["type"] == "urn:fintech:problem:rate-limited"
    assert len(answer.json["trace_id"]) == 32
    return int(answer.headers["Retry-After"])


@pytest.mark.parametrize("wait_s", [0, 0.5, 1, 59, 59.5])
def test_retry_after_is_the_time_after_which_the_next_one_passes(
    make_app: Callable[..., Flask], ada: Person, clock: Clock, wait_s: float
) -> None:
    client = make_app(login_limit=parse("3/minute")).test_client()
    for _ in range(3):
        assert log_in(client, "ada", "wrong password").status_code == 401
    clock.now += wait_s
    told_s = refusal(log_in(client, "ada"))
    assert wait_s + told_s == pytest.approx(60, abs=0.999)
    clock.now += told_s - 1
    assert log_in(client, "ada").status_code == 429
    clock.now += 1
    assert log_in(client, "ada").status_code == 201


def test_one_address_is_limited_whatever_names_it_tries(ada: Person, client: FlaskClient) -> None:
    statuses = [log_in(client, f"user{number}", "wrong password").status_code for number in range(32)]
    assert statuses == [401] * 30 + [429] * 2
    assert log_in(client, "ada").status_code == 429
    assert log_in(client, "ada", address="192.0.2.2").status_code == 201


def test_one_name_is_limited_for_the_address_that_guesses_at_it(ada: Person, client: FlaskClient, clock: Clock) -> None:
    """And for no other one: nobody locks somebody out."""
    assert [log_in(client, "ada", "wrong password").status_code for _ in range(11)] == [401] * 10 + [429]
    assert refusal(log_in(client, "ada")) == 300
    assert log_in(client, "ada", address="192.0.2.2").status_code == 201
    assert log_in(client, "bob").status_code == 401
    clock.now += 299
    assert log_in(client, "ada").status_code == 429
    clock.now += 1
    assert log_in(client, "ada").status_code == 201


def test_a_login_that_succeeds_is_not_counted(ada: Person, client: FlaskClient, scrape: Callable[[], Metrics]) -> None:
    assert {log_in(client, "ada").status_code for _ in range(40)} == {201}
    assert {log_in(client, "ada", "wrong password").status_code for _ in range(10)} == {401}
    assert log_in(client, "ada").status_code == 429
    assert scrape()("fintech_logins_total", outcome="rate_limited") == 1
    assert scrape()("fintech_rate_limited_total", scope="login") == 1


def test_what_is_refused_is_not_looked_at_and_not_counted(
    ada: Person, client: FlaskClient, scrape: Callable[[], Metrics], clock: Clock
) -> None:
    """A limited client learns nothing about the password, costs no hash, and does not prolong its own waiting."""
    for _ in range(10):
        log_in(client, "ada", "wrong password")
    before = scrape()("fintech_password_hash_duration_seconds_count", operation="verify")
    bodies = {log_in(client, "ada", password).json["detail"] for password in (PASSWORD, "wrong password")}
    assert len(bodies) == 1
    assert scrape()("fintech_password_hash_duration_seconds_count", operation="verify") == before
    clock.now += 300
    assert log_in(client, "ada").status_code == 201


def test_the_limit_of_logins_holds_on_the_page_too(ada: Person, client: FlaskClient) -> None:
    for _ in range(10):
        log_in(client, "ada", "wrong password", address="127.0.0.1")
    page = client.get("/login").text
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    form = {"csrf_token": token, "username": "ada", "password": PASSWORD}
    answer = client.post("/login", data=form, headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "300")


def test_new_users_are_limited_by_address(client: FlaskClient, scrape: Callable[[], Metrics]) -> None:
    def register(number: int, **options: object) -> TestResponse:
        return client.post("/api/v1/users", json={"username": f"user{number}", "password": PASSWORD}, **options)

    for _ in range(70):  # what cannot be a user is nobody's mistake to be counted
        assert client.post("/api/v1/users", json={"username": "x", "password": PASSWORD}).status_code == 422
    assert {register(number).status_code for number in range(60)} == {201}
    assert refusal(register(60)) == 60
    assert register(61, environ_overrides=ELSEWHERE).status_code == 201
    assert scrape()("fintech_registrations_total", outcome="rate_limited") == 1


def test_trying_out_which_names_are_taken_is_limited(ada: Person, client: FlaskClient) -> None:
    credentials = {"username": "ada", "password": PASSWORD}
    statuses = [client.post("/api/v1/users", json=credentials).status_code for _ in range(60)]
    assert statuses == [409] * 59 + [429]  # one of sixty was ada herself


def test_one_user_who_writes_too_much_touches_no_other(
    ada: Person, bob: Person, clock: Clock, scrape: Callable[[], Metrics]
) -> None:
    hers, his = ada.opens_account("5.00"), bob.opens_account("5.00")
    statuses = [ada.asks("POST", "/deposits", {"account": hers, "amount": "0.01"}).status_code for _ in range(99)]
    assert statuses == [201] * 98 + [429]  # opening the account and paying in were two more
    refused = [
        ada.asks("POST", "/accounts", {"name": "x"}),
        ada.asks("POST", "/withdrawals", {"account": hers, "amount": "0.01"}),
        ada.asks("POST", "/transfers", {"source": hers, "target": his, "amount": "0.01"}),
    ]
    assert [refusal(answer) for answer in refused] == [1, 1, 1]
    assert ada.balance(hers) == "5.98"
    assert bob.asks("POST", "/deposits", {"account": his, "amount": "0.01"}).status_code == 201
    assert scrape()("fintech_rate_limited_total", scope="write") == 4
    clock.now += 1
    assert ada.asks("POST", "/deposits", {"account": hers, "amount": "0.01"}).status_code == 201


def test_a_forged_forwarded_header_is_no_other_address(ada: Person, client: FlaskClient) -> None:
    for number in range(31):
        credentials = {"username": f"user{number}", "password": "wrong password"}
        answer = client.post("/api/v1/tokens", json=credentials, headers={"X-Forwarded-For": f"203.0.113.{number}"})
    assert answer.status_code == 429


def test_behind_a_trusted_proxy_each_client_counts_for_itself(make_app: Callable[..., Flask], ada: Person) -> None:
    client = make_app(trusted_proxies=1, login_limit=parse("1/minute")).test_client()

    def answer_to(forwarded: str) -> int:
        credentials = {"username": "ada", "password": "wrong password"}
        headers = {"X-Forwarded-For": forwarded}
        return client.post("/api/v1/tokens", json=credentials, headers=headers).status_code

    assert [answer_to("203.0.113.1"), answer_to("203.0.113.1"), answer_to("203.0.113.2")] == [401, 429, 401]
    assert answer_to("198.51.100.9, 203.0.113.1") == 429  # what stands further left the client wrote itself


class TestAddresses:
    """What one client is counted by."""

    @pytest.fixture
    def limits(self, clock: Clock) -> RateLimits:
        one = parse("1/minute")
        return RateLimits(login=one, registration=one, write=one, clock=clock, on_limited=lambda _scope: None)

    @pytest.mark.parametrize(
        ("first", "second"),
        [
            ("2001:db8::1", "2001:db8:0:0:ffff::9"), ("::ffff:192.0.2.1", "192.0.2.1"), (None, "nonsense"),
            ("fe80::1%eth0", "fe80::2%eth1"), ("x" * 10_000, "y"),
        ],
    )  # fmt: skip
    def test_these_are_one(self, limits: RateLimits, first: str | None, second: str) -> None:
        limits.spend_registration(first)
        with pytest.raises(RateLimited):
            limits.spend_registration(second)

    @pytest.mark.parametrize(("first", "second"), [("192.0.2.1", "192.0.2.2"), ("2001:db8::1", "2001:db8:0:1::1")])
    def test_these_are_two(self, limits: RateLimits, first: str, second: str) -> None:
        limits.spend_registration(first)
        limits.spend_registration(second)


class TestMemory:
    """What is counted is forgotten, and there is never too much of it."""

    def test_windows_that_have_ended_are_forgotten(self, clock: Clock) -> None:
        windows = Windows(clock)
        for number in range(1000):
            windows.incr(str(number), 60)
            clock.now += 0.01
        assert len(windows) == 1000
        clock.now += 55
        windows.get("nobody")
        assert len(windows) == 500
        clock.now += 5
        windows.get("nobody")
        assert len(windows) == 0

    def test_the_oldest_gives_way_when_there_is_no_more_room(self, clock: Clock) -> None:
        windows = Windows(clock, most=100)
        for number in range(10_000):
            windows.incr(str(number), 60)
            clock.now += 0.0001
        assert len(windows) == 100
        assert (windows.get("9899"), windows.get("9900"), windows.get("9999")) == (0, 1, 1)
        assert windows.incr("9950", 60) == 2
        assert windows.get("9900") == 1  # counting on makes no room for itself

    def test_random_names_and_addresses_fill_no_memory(
        self, ada: Person, client: FlaskClient, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made: list[Windows] = []
        original = Windows.__init__

        def noting(self: Windows, clock: Clock, *, most: int = 50) -> None:
            original(self, clock, most=most)
            made.append(self)

        monkeypatch.setattr(Windows, "__init__", noting)
        one = parse("1/minute")
        limits = RateLimits(login=one, registration=one, write=one, clock=clock, on_limited=lambda _scope: None)
        draw = random.Random(7)  # noqa: S311 - repeatable on purpose
        for _ in range(2000):
            address = ".".join(str(draw.randrange(256)) for _ in range(4))
            limits.count_failed_login(address, draw.randbytes(8).hex())
            limits.spend_registration(address)
        assert len(made) == 4
        assert max(len(windows) for windows in made) == 50

    def test_a_clock_that_is_set_back_locks_nobody_out(self, clock: Clock) -> None:
        windows = Windows(clock)
        windows.incr("ada", 60)
        clock.now -= 3600
        assert windows.get("ada") == 0

    def test_no_count_is_lost_between_threads(self, clock: Clock) -> None:
        windows = Windows(clock)
        threads = [threading.Thread(target=lambda: [windows.incr("ada", 60) for _ in range(2000)]) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert windows.get("ada") == 16_000
