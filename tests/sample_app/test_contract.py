"""The service against its own OpenAPI document: thousands of right and wrong requests, and every answer as promised.

The requests are schemathesis's, the same in each run. It checks that no answer is a 5xx, that status, type, headers and
body are among those described, that what does not fit the schema is refused and what fits is not, that no operation
forgets to ask for the token, and, following one request with the next, that what was made is there.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from tests.sample_app.conftest import ADMIN_TOKEN, PASSWORD, Service

pytestmark = pytest.mark.slow

_CONFIG = Path(__file__).with_name("schemathesis.toml")
_LIMIT_S = 300

# Asked apart from the others: they end the login that the others ask with, or make them fail on purpose.
_LOG_OUT = "^log_out"
_DRILLS = "drills"


@pytest.fixture
def service(make_service: Callable[..., Service]) -> Service:
    """A running service that lets one client ask a lot."""
    limits = {f"FINTECH_{name}_LIMIT": "100000/second" for name in ("LOGIN", "REGISTRATION", "WRITE")}
    running: Service = make_service(settings=limits).start().ready()
    return running


def registers(service: Service, username: str, role: str = "user") -> str:
    """Make a user, log them in and return the access token."""
    argv = [sys.executable, "-m", "fintech", "user", username, "--role", role]
    subprocess.run(argv, input=PASSWORD, text=True, env=service.environment(), check=True, capture_output=True)
    token: str = _posts(service, "tokens", {"username": username, "password": PASSWORD})["access_token"]
    return token


def banks(service: Service, token: str) -> None:
    """Open an account and deposit something, so that there is something to look at."""
    number = _posts(service, "accounts", {"name": "Everyday"}, token)["number"]
    _posts(service, "deposits", {"account": number, "amount": "100.00"}, token)


def _posts(service: Service, path: str, body: dict[str, str], token: str = "") -> dict[str, str]:
    headers = {"Authorization": f"Bearer {token}"}
    answer = requests.post(f"{service.url}/api/v1/{path}", json=body, headers=headers, timeout=10)
    assert answer.status_code == 201
    made: dict[str, str] = answer.json()
    return made


def _committed(service: Service, kind: str) -> float:
    return service.metrics()("fintech_transactions_total", kind=kind, outcome="committed") or 0


def ask_everything(
    service: Service, *flags: str, token: str | None = None, phases: str = "examples,coverage,fuzzing"
) -> None:
    """Send the requests; fail with schemathesis's report, which says how to repeat each one."""
    argv = [
        sys.executable,
        "-m",
        "schemathesis.cli",
        "--config-file",
        str(_CONFIG),
        "run",
        "--no-color",
        f"--phases={phases}",
        *flags,
    ]
    argv += [] if token is None else ["--header", f"Authorization: Bearer {token}"]
    done = subprocess.run(
        [*argv, f"{service.url}/openapi.json"],
        cwd=service.directory, env=service.environment(), capture_output=True, text=True, timeout=_LIMIT_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr


def test_every_answer_to_a_user_is_as_described(service: Service) -> None:
    token = registers(service, "ada")  # with the password of the document's example: that one logs in
    banks(service, token)
    others = (f"--exclude-operation-id-regex={_LOG_OUT}", f"--exclude-tag={_DRILLS}")
    ask_everything(service, *others, token=token, phases="examples,coverage,fuzzing,stateful")
    assert _committed(service, "deposit") > 1, "no request got through to the money"


@pytest.mark.parametrize("role", ["auditor", "admin"])
def test_every_answer_to_who_looks_after_it_is_as_described(service: Service, role: str) -> None:
    banks(service, registers(service, "ada"))
    token = registers(service, role, role)
    ask_everything(service, f"--exclude-operation-id-regex={_LOG_OUT}", f"--exclude-tag={_DRILLS}", token=token)


def test_every_answer_to_a_stranger_is_as_described(service: Service) -> None:
    ask_everything(service, phases="examples,coverage")


def test_every_answer_to_somebody_who_logs_out_is_as_described(service: Service) -> None:
    token = registers(service, "leaving")
    ask_everything(service, f"--include-operation-id-regex={_LOG_OUT}", token=token)


@pytest.mark.parametrize("key", ["admin token", "role"])
def test_every_answer_of_the_fault_switch_is_as_described(service: Service, key: str) -> None:
    token = ADMIN_TOKEN if key == "admin token" else registers(service, "driller", "admin")
    ask_everything(service, f"--include-tag={_DRILLS}", token=token)
