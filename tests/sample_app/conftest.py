"""Nouns of these tests: an application, people who use it, and the real service under gunicorn."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy.engine import URL
from werkzeug.test import TestResponse

from fintech.app import create_app
from fintech.config import Settings
from fintech.passwords import HashCost
from fintech.services import Services, services
from tests.sample_app.databases import (  # noqa: F401 - fixtures and a hook are found by their names here
    _postgresql_template,
    _sqlite_template,
    database_url,
    empty_database_url,
    engine,
    postgresql,
    pytest_generate_tests,
)
from tests.sample_app.ledgers import bank, database, outcomes  # noqa: F401
from tests.support.processes import end, free_port

SECRET_KEY = "a-secret-key-of-the-tests-" + "x" * 20
ADMIN_TOKEN = "an-admin-token-of-the-tests-" + "y" * 20
PASSWORD = "correct horse battery"
SAMPLE_APP = Path(__file__).parents[2] / "sample_app"


@dataclass
class Clock:
    """Wall-clock time that stands still until told."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Person:
    """Somebody who uses the API."""

    client: FlaskClient
    username: str
    token: str = ""

    def asks(self, method: str, path: str, body: object = None, **options: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        if body is not None:
            options["json"] = body
        return self.client.open(f"/api/v1{path}", method=method, headers=headers, **options)

    def opens_account(self, amount: str | None = None) -> str:
        number: str = self.asks("POST", "/accounts", {"name": "Everyday"}).json["number"]
        if amount is not None:
            assert self.asks("POST", "/deposits", {"account": number, "amount": amount}).status_code == 201
        return number

    def balance(self, number: str) -> str:
        balance: str = self.asks("GET", f"/accounts/{number}").json["balance"]
        return balance


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make_app(database_url: URL, clock: Clock) -> Iterator[Callable[..., Flask]]:  # noqa: F811
    """Give a function that makes applications on one database; keyword arguments are settings."""
    made: list[Flask] = []

    def make(**settings: Any) -> Flask:
        defaults: dict[str, Any] = {
            "secret_key": SECRET_KEY,
            "admin_token": ADMIN_TOKEN,
            "database_url": database_url,
        }
        # The cheapest hash there is: these tests log in some hundred times.
        app = create_app(Settings(**(defaults | settings)), clock=clock, hash_cost=HashCost(passes=1, memory_kib=8))
        made.append(app)
        return app

    yield make
    for app in made:
        services(app).faults.close()
        services(app).database.close()


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app()


@pytest.fixture
def parts(app: Flask) -> Services:
    return services(app)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def new_person(app: Flask) -> Callable[[str], Person]:
    """Give a function that registers a person of this name and logs them in."""

    def new(username: str) -> Person:
        client = app.test_client()
        credentials = {"username": username, "password": PASSWORD}
        assert client.post("/api/v1/users", json=credentials).status_code == 201
        return Person(client, username, client.post("/api/v1/tokens", json=credentials).json["access_token"])

    return new


@pytest.fixture
def ada(new_person: Callable[[str], Person]) -> Person:
    return new_person("ada")


@pytest.fixture
def bob(new_person: Callable[[str], Person]) -> Person:
    return new_person("bob")


@pytest.fixture
def admin(client: FlaskClient) -> Callable[..., TestResponse]:
    """Give a function that asks /admin with the token."""

    def ask(method: str, body: object = None) -> TestResponse:
        headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
        return client.open("/admin/faults", method=method, headers=headers, json=body)

    return ask


class Metrics:
    """One scrape: ask it for samples by name and labels."""

    def __init__(self, text: str) -> None:
        self.samples = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def __call__(self, name: str, **labels: str) -> float | None:
        return self.samples.get((name, frozenset(labels.items())))

    def labels_of(self, name: str) -> list[dict[str, str]]:
        return [dict(labels) for sample, labels in self.samples if sample == name]


@pytest.fixture
def scrape(parts: Services) -> Callable[[], Metrics]:
    from prometheus_client import generate_latest

    return lambda: Metrics(generate_latest(parts.telemetry.registry).decode())


def csrf_token_in(page: TestResponse) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found, page.text
    return found[1]


def wait_until(condition: Callable[[], bool], limit_s: float = 10.0) -> None:
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def get(url: str, timeout_s: float = 10.0) -> tuple[int, str]:
    """Return status and body; status 0 when nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=timeout_s) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except OSError:
        return 0, ""


@dataclass
class Service:
    """The real thing: gunicorn in a process of its own."""

    directory: Path
    settings: dict[str, str] = field(default_factory=dict)
    threads: int = 4
    port: int = field(default_factory=free_port)
    metrics_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def metrics_url(self) -> str:
        return f"http://127.0.0.1:{self.metrics_port}"

    @property
    def log(self) -> str:
        return (self.directory / "log").read_text()

    def environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("FINTECH_")}
        return inherited | {
            "PYTHONPATH": str(SAMPLE_APP),
            "FINTECH_SECRET_KEY": SECRET_KEY,
            "FINTECH_ADMIN_TOKEN": ADMIN_TOKEN,
            "FINTECH_DATABASE_URL": f"sqlite:///{self.directory}/fintech.db",
            "FINTECH_METRICS_LISTEN": f"127.0.0.1:{self.metrics_port}",
            **self.settings,
        }

    def start(self, *flags: str) -> Service:
        # As the unit of a host does; settings that it refuses are the service's to refuse, too.
        migrate = [sys.executable, "-m", "fintech", "migrate"]
        subprocess.run(migrate, env=self.environment(), cwd=self.directory, capture_output=True, check=False)
        argv = [sys.executable, "-m", "gunicorn", "--config", "python:fintech.serving"]
        argv += [f"--bind=127.0.0.1:{self.port}", f"--threads={self.threads}", *flags, "fintech.wsgi:app"]
        with (self.directory / "log").open("wb") as log:
            self.process = subprocess.Popen(argv, env=self.environment(), cwd=self.directory, stderr=log, stdout=log)
        return self

    def ready(self) -> Service:
        wait_until(lambda: get(f"{self.url}/readyz")[0] == 200)
        return self

    def worker_pids(self) -> list[int]:
        assert self.process
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text().split()]

    def told_to(self, signum: int) -> None:
        assert self.process
        self.process.send_signal(signum)

    def exit_code(self) -> int:
        assert self.process
        return self.process.wait(timeout=15)

    def metrics(self) -> Metrics:
        return Metrics(get(f"{self.metrics_url}/metrics")[1])

    def stop(self) -> None:
        end(self.process)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A running service, one for all tests of a module that only look at it."""
    service = Service(tmp_path_factory.mktemp("service")).start()
    yield service.ready()
    service.stop()


@pytest.fixture
def make_service(tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Give a function that prepares a service; it is stopped at the end."""
    made: list[Service] = []

    def make(**options: Any) -> Service:
        service = Service(tmp_path, **options)
        made.append(service)
        return service

    yield make
    for service in made:
        service.stop()


@pytest.fixture
def make_small_service(tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Give a function that prepares a service of a few lines from its program text; it is stopped at the end."""
    from tests.sample_app.small_services import SmallService

    made: list[SmallService] = []

    def make(source: str, **options: Any) -> SmallService:
        service = SmallService(tmp_path, source=source, **options)
        made.append(service)
        return service

    yield make
    for service in made:
        service.stop()
