"""Logins and passwords: what is wrong tells nothing, old hashes go away, and a browser's session is a login too."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.security import generate_password_hash

from fintech.database import users
from fintech.passwords import ARGON2_COST, HashCost, Passwords
from fintech.services import Services
from tests.sample_app.conftest import PASSWORD, SAMPLE_APP, Clock, Metrics, Person

CHEAP = HashCost(passes=1, memory_kib=8)
OLD_HASHES = {
    "scrypt": generate_password_hash(PASSWORD, method="scrypt:1024:8:1"),
    "pbkdf2": generate_password_hash(PASSWORD, method="pbkdf2:sha256:1"),
    "dearer argon2": PasswordHasher(time_cost=2, memory_cost=64, parallelism=1).hash(PASSWORD),
    "argon2i": PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD).replace("argon2id", "argon2i"),
}


def log_in(client: FlaskClient, username: object = "ada", password: object = PASSWORD) -> int:
    return client.post("/api/v1/tokens", json={"username": username, "password": password}).status_code


def hash_of(parts: Services, username: str) -> str:
    with parts.database.read() as connection:
        return str(connection.scalar(select(users.c.password_hash).where(users.c.username == username)))


def set_hash(parts: Services, username: str, password_hash: str) -> None:
    with parts.database.write() as connection:
        connection.execute(update(users).where(users.c.username == username).values(password_hash=password_hash))


def test_a_wrong_name_and_a_wrong_password_answer_alike(ada: Person, client: FlaskClient) -> None:
    answers = [
        client.post("/api/v1/tokens", json={"username": username, "password": password})
        for username, password in [
            ("ada", "wrong password"), ("nobody", PASSWORD), ("ada", None), (None, PASSWORD), ("ada", "\ud800" * 12),
            ("ADA", PASSWORD), ("ada", PASSWORD + "\x00"),
        ]
    ]  # fmt: skip
    bodies = [{k: v for k, v in answer.json.items() if k not in ("request_id", "trace_id")} for answer in answers]
    assert {answer.status_code for answer in answers} == {401}
    assert all(body == bodies[0] for body in bodies)


@pytest.mark.parametrize(
    ("username", "password"),
    [("nobody", PASSWORD), ("ada", "wrong password"), ("\ud800", "x"), (None, None), ("ada", "x" * 1000), ("ada", 7)],
    ids=["unknown", "wrong", "no name", "nothing", "too long", "number"],
)
def test_each_refused_login_costs_exactly_one_hash(
    ada: Person, client: FlaskClient, scrape: Callable[[], Metrics], username: object, password: object
) -> None:
    """The work is what takes the time: whoever measures it learns nothing about who exists."""

    def verified() -> float:
        return scrape()("fintech_password_hash_duration_seconds_count", operation="verify") or 0

    before = verified()
    assert log_in(client, username, password) == 401
    assert verified() - before == 1


def test_an_unknown_user_costs_as_much_time_as_a_wrong_password() -> None:
    passwords = Passwords(cost=ARGON2_COST, hashing=lambda _operation: nullcontext())
    known = passwords.hash(PASSWORD)

    def least_cpu_s(password_hash: str | None) -> float:
        times = []
        for _ in range(5):
            started = time.process_time()
            assert not passwords.matches(password_hash, "wrong password")
            times.append(time.process_time() - started)
        return min(times)

    assert 0.7 < least_cpu_s(None) / least_cpu_s(known) < 1.4


def test_new_hashes_are_argon2id_at_the_recommended_cost() -> None:
    passwords = Passwords(hashing=lambda _operation: nullcontext())
    password_hash = passwords.hash(PASSWORD)
    assert password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert not passwords.is_outdated(password_hash)


@pytest.mark.parametrize("old", ["scrypt", "pbkdf2", "dearer argon2"])
def test_an_old_hash_verifies_and_is_replaced_by_the_next_login(
    ada: Person, client: FlaskClient, parts: Services, old: str
) -> None:
    set_hash(parts, "ada", OLD_HASHES[old])
    assert log_in(client, password="wrong password") == 401
    assert hash_of(parts, "ada") == OLD_HASHES[old]
    assert log_in(client) == 201
    replaced = hash_of(parts, "ada")
    assert replaced.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert [log_in(client), log_in(client, password="wrong password")] == [201, 401]
    assert hash_of(parts, "ada") == replaced


@pytest.mark.parametrize(
    "broken",
    [
        "", "!", "x", "plain", "$argon2id$", "$argon2id$v=19$m=8,t=1,p=1$c2FsdA$", "md5$x$y", "scrypt:x$s$h",
        OLD_HASHES["argon2i"],
    ],
)  # fmt: skip
def test_a_hash_that_is_none_matches_no_password(
    ada: Person, client: FlaskClient, parts: Services, broken: str
) -> None:
    """A login can be locked by such a text; it is no 500, and the text itself no password."""
    set_hash(parts, "ada", broken)
    assert [log_in(client), log_in(client, password=broken.ljust(10))] == [401, 401]


def test_no_more_than_two_hashes_are_worked_on_at_the_same_time() -> None:
    at_work: list[int] = []
    most: list[int] = []

    class Noting:
        def __enter__(self) -> None:
            at_work.append(1)
            most.append(len(at_work))

        def __exit__(self, *_: object) -> None:
            at_work.pop()

    passwords = Passwords(cost=HashCost(passes=1, memory_kib=1024), hashing=lambda _operation: Noting())
    threads = [threading.Thread(target=passwords.hash, args=(PASSWORD,)) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(most) == 12
    assert max(most) <= 2


def test_logins_in_many_threads_leave_little_memory_behind() -> None:
    """Seen on a host: each thread of a request that had hashed kept 19 MiB, more in all than a pod may have."""
    code = """
import threading
from contextlib import nullcontext
from pathlib import Path
from fintech.passwords import Passwords

def resident_mib():
    return int(Path("/proc/self/status").read_text().split("VmRSS:")[1].split()[0]) / 1024

passwords = Passwords(hashing=lambda _operation: nullcontext())
before, together = resident_mib(), threading.Barrier(12)
threads = [threading.Thread(target=lambda: (together.wait(), passwords.hash("a password"))) for _ in range(12)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(resident_mib() - before)
"""
    environment = {**os.environ, "PYTHONPATH": str(SAMPLE_APP)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert float(done.stdout) < 3 * ARGON2_COST.memory_kib / 1024


def test_a_taken_name_is_refused(ada: Person) -> None:
    answer = ada.client.post("/api/v1/users", json={"username": "ada", "password": PASSWORD})
    assert (answer.status_code, answer.json["type"]) == (409, "urn:fintech:problem:username-taken")


def test_logins_and_registrations_are_counted_by_what_became_of_them(
    ada: Person, client: FlaskClient, scrape: Callable[[], Metrics]
) -> None:
    log_in(client, password="wrong password")
    client.post("/api/v1/users", json={"username": "ada", "password": PASSWORD})
    client.post("/api/v1/users", json={"username": "x", "password": PASSWORD})
    seen = scrape()
    logins = {name: seen("fintech_logins_total", outcome=name) for name in ("ok", "bad_credentials", "rate_limited")}
    registrations = {name: seen("fintech_registrations_total", outcome=name) for name in ("ok", "refused", "error")}
    assert logins == {"ok": 1, "bad_credentials": 1, "rate_limited": 0}
    assert registrations == {"ok": 1, "refused": 2, "error": 0}


@pytest.mark.parametrize("login_id", [None, "", "1", True, 0, -1, 2**63, 2**200, 1.0, [1], {"id": 1}, 999], ids=repr)
def test_a_session_that_names_no_login_is_nobody(ada: Person, app: Flask, login_id: object) -> None:
    """Ada's login has the number 1; a cookie that we signed before could hold anything."""
    client = app.test_client()
    with client.session_transaction() as session:
        session["login"] = login_id
    answer = client.get("/accounts")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/login")


def test_a_session_of_another_deployment_is_nobody(ada: Person, app: Flask, make_app: Callable[..., Flask]) -> None:
    theirs = make_app(secret_key="another-secret-key-of-the-tests-" + "z" * 20).test_client()
    with theirs.session_transaction() as session:
        session["login"] = 1
    assert theirs.get("/accounts").status_code == 200
    cookie = theirs.get_cookie("fintech_session")
    assert cookie
    ours = app.test_client()
    ours.set_cookie("fintech_session", cookie.value)
    assert ours.get("/accounts").status_code == 303


def test_a_session_ends_with_its_login(ada: Person, app: Flask, parts: Services, clock: Clock) -> None:
    def browser(login_id: int) -> FlaskClient:
        client = app.test_client()
        with client.session_transaction() as session:
            session["login"] = login_id
        return client

    second = parts.logins.log_in("ada", PASSWORD, address=None)
    assert [browser(1).get("/accounts").status_code, browser(second.id).get("/accounts").status_code] == [200, 200]
    ada.asks("DELETE", "/tokens/current")
    assert [browser(1).get("/accounts").status_code, browser(second.id).get("/accounts").status_code] == [303, 200]
    clock.now += 14 * 24 * 3600
    assert browser(second.id).get("/accounts").status_code == 303
