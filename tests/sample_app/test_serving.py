"""The real service under gunicorn: saturated, told to stop, started wrongly."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fintech.__main__ import main
from tests.sample_app.conftest import ADMIN_TOKEN, Service, get, wait_until

NewService = Callable[..., Service]
HOME = {"http_request_method": "GET", "http_route": "/", "http_response_status_code": "200"}


def switch_fault(service: Service, **fault: object) -> None:
    request = urllib.request.Request(
        f"{service.url}/admin/faults",
        json.dumps(fault).encode(),
        {"Authorization": f"Bearer {ADMIN_TOKEN}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        assert response.status == 201


def clear_faults(service: Service) -> None:
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    urllib.request.urlopen(
        urllib.request.Request(f"{service.url}/admin/faults", headers=headers, method="DELETE")
    ).close()


def ask(service: Service, path: str, body: object, token: str = "") -> dict[str, str]:
    """Send a request to the API, see that it made something, and return what."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{service.url}/api/v1{path}", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=10) as response:
        assert response.status == 201
        made: dict[str, str] = json.load(response)
    return made


def in_background(url: str, times: int) -> tuple[list[threading.Thread], list[int]]:
    statuses: list[int] = []
    threads = [threading.Thread(target=lambda: statuses.append(get(url, 15)[0])) for _ in range(times)]
    for thread in threads:
        thread.start()
    return threads, statuses


def in_work(service: Service) -> float:
    return service.metrics()("http_server_active_requests", http_request_method="GET") or 0


def test_every_request_is_counted_whoever_answers_it(service: Service) -> None:
    threads, statuses = in_background(f"{service.url}/", 60)
    for thread in threads:
        thread.join()
    assert statuses == [200] * 60
    totals = [service.metrics()("http_server_request_duration_seconds_count", **HOME) for _ in range(5)]
    assert totals == [60] * 5


def test_the_service_tells_how_many_requests_it_can_work_on_and_audits_its_ledger(make_service: NewService) -> None:
    service = make_service(threads=3).start().ready()
    wait_until(lambda: service.metrics()("fintech_ledger_problems") is not None)
    metrics = service.metrics()
    assert metrics("fintech_request_threads") == 3
    assert metrics("fintech_ledger_problems") == 0
    assert abs((metrics("fintech_ledger_audit_timestamp_seconds") or 0) - time.time()) < 60


def test_metrics_and_liveness_answer_while_every_thread_is_busy(make_service: NewService) -> None:
    service = make_service(threads=3).start().ready()
    switch_fault(service, route="/", kind="latency", latency_s=2, expires_s=60)
    threads, statuses = in_background(f"{service.url}/", 3)
    wait_until(lambda: in_work(service) == 3)

    assert get(f"{service.url}/healthz", timeout_s=0.3)[0] == 0, "the service itself must be saturated"
    assert get(f"{service.metrics_url}/livez") == (200, "ok\n")
    metrics = service.metrics()
    assert metrics("fintech_fault_active", route="/", kind="latency") == 1
    assert metrics("http_server_active_requests", http_request_method="GET") == 3, "all still busy at the scrape"

    for thread in threads:
        thread.join()
    assert statuses == [200] * 3


def test_no_trick_reaches_the_metrics_on_the_port_of_the_service(service: Service) -> None:
    for path in ("/metrics", "//metrics", "/./metrics", "/x/../metrics", "/%6detrics", "/metrics;x", "/metrics%2f"):
        assert get(service.url + path)[0] == 404


def test_the_metrics_port_serves_nothing_else(service: Service) -> None:
    for path in ("/", "/login", "/admin/faults", "/metrics/", "/metrics/../etc/passwd"):
        assert get(service.metrics_url + path)[0] == 404
    request = urllib.request.Request(
        f"{service.metrics_url}/metrics", headers={"Accept": "application/openmetrics-text"}
    )
    with urllib.request.urlopen(request, timeout=5) as response:
        assert response.headers["Content-Type"].startswith("application/openmetrics-text")
        assert response.read().endswith(b"# EOF\n")


def test_a_stop_finishes_what_is_under_way(make_service: NewService) -> None:
    service = make_service().start().ready()
    switch_fault(service, route="/", kind="latency", latency_s=1, expires_s=60)
    threads, statuses = in_background(f"{service.url}/", 2)
    wait_until(lambda: in_work(service) == 2)
    service.told_to(signal.SIGTERM)
    for thread in threads:
        thread.join()
    assert statuses == [200, 200]
    assert service.exit_code() == 0


@pytest.mark.parametrize("workers", [1, 3])
def test_before_a_stop_it_is_not_ready_and_answers_on(make_service: NewService, workers: int) -> None:
    """Time for a load balancer to look elsewhere; systemd tells the workers as well as the master."""
    service = make_service(settings={"FINTECH_DRAIN_S": "2"}).start(f"--workers={workers}").ready()
    wait_until(lambda: service.metrics()("fintech_request_threads") == 4 * workers)
    pids = service.worker_pids()

    service.told_to(signal.SIGTERM)
    for pid in pids:
        os.kill(pid, signal.SIGTERM)
    started = time.monotonic()
    wait_until(lambda: get(f"{service.url}/readyz")[0] == 503, 1.5)
    assert json.loads(get(f"{service.url}/readyz")[1]) == {"status": "draining"}
    assert get(f"{service.url}/")[0] == 200

    assert service.exit_code() == 0
    assert 1.5 < time.monotonic() - started < 10


def test_after_a_reload_it_still_waits_for_the_drain(make_service: NewService) -> None:
    """The master gives its workers the drain on top of graceful_timeout; a reload reads the settings anew."""
    service = make_service(settings={"FINTECH_DRAIN_S": "3"}).start("--graceful-timeout=1").ready()
    (before,) = service.worker_pids()
    service.told_to(signal.SIGHUP)
    wait_until(lambda: before not in service.worker_pids())
    wait_until(lambda: get(f"{service.url}/readyz")[0] == 200)
    service.told_to(signal.SIGTERM)
    started = time.monotonic()
    assert service.exit_code() == 0
    assert time.monotonic() - started > 2.5
    assert "SIGKILL" not in service.log


def test_with_several_workers_money_is_counted_once_and_in_one_place(make_service: NewService) -> None:
    service = make_service().start("--workers=3").ready()
    credentials = {"username": "ada", "password": "correct horse battery"}
    ask(service, "/users", credentials)
    token = ask(service, "/tokens", credentials)["access_token"]
    account = ask(service, "/accounts", {"name": "Everyday"}, token)["number"]
    with ThreadPoolExecutor(10) as clients:
        list(clients.map(lambda _: ask(service, "/deposits", {"account": account, "amount": "1.00"}, token), range(60)))

    for _ in range(4):
        metrics = service.metrics()
        assert metrics("fintech_transactions_total", kind="deposit", outcome="committed") == 60
        assert metrics("fintech_transaction_amount_cents_sum", kind="deposit") == 6000
        assert metrics("fintech_registrations_total", outcome="ok") == 1
        assert metrics("fintech_logins_total", outcome="ok") == 1
        assert metrics("fintech_accounts_opened_total") == 1
        assert metrics("fintech_ledger_problems") == 0
    assert not [labels for _, labels in metrics.samples if "pid" in dict(labels)]
    wait_until(lambda: service.metrics()("fintech_request_threads") == 12)

    switch_fault(service, route="/", kind="latency", latency_s=1, expires_s=60)
    wait_until(lambda: service.metrics()("fintech_fault_active", route="/", kind="latency") == 1)
    clear_faults(service)
    wait_until(lambda: service.metrics()("fintech_fault_active", route="/", kind="latency") == 0)


def test_replacing_the_worker_keeps_the_metrics_port(make_service: NewService) -> None:
    """Old and new hold the port together for a moment; without SO_REUSEPORT gunicorn would give up."""
    service = make_service().start().ready()
    service.told_to(signal.SIGHUP)
    wait_until(lambda: service.log.count("Booting worker") == 2)
    wait_until(lambda: get(f"{service.url}/readyz")[0] == 200)
    wait_until(lambda: get(f"{service.metrics_url}/livez")[0] == 200)
    assert service.process and service.process.poll() is None  # noqa: PT018 - one thought


def test_a_clean_stop_leaves_one_private_database_file(make_service: NewService, tmp_path: Path) -> None:
    service = make_service().start().ready()
    credentials = {"username": "ada", "password": "correct horse battery"}
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=10)
    connection.request("POST", "/api/v1/users", json.dumps(credentials), {"Content-Type": "application/json"})
    assert connection.getresponse().status == 201
    connection.close()
    service.stop()

    assert stat.S_IMODE((tmp_path / "fintech.db").stat().st_mode) == 0o600
    assert not (tmp_path / "fintech.db-wal").exists(), "a clean stop folds the write-ahead log back"
    database = sqlite3.connect(tmp_path / "fintech.db")
    assert database.execute("SELECT username FROM users").fetchall() == [("ada",)]
    database.close()


@pytest.mark.parametrize(
    ("settings", "flags", "said"),
    [
        ({"FINTECH_SECRET_KEY": ""}, [], "fintech: FINTECH_SECRET_KEY: it is not set"),
        ({}, ["--workers=2", "--preload"], "preload_app makes metrics before workers share them"),
    ],
    ids=["no key", "preload"],
)
def test_a_wrong_start_is_refused_with_one_message(
    make_service: NewService, settings: dict[str, str], flags: list[str], said: str
) -> None:
    service = make_service(settings=settings).start(*flags)
    assert service.exit_code() == 1
    greeting, message = service.log.splitlines()
    assert "Starting gunicorn" in greeting
    assert message.startswith(said)


def test_a_taken_metrics_port_stops_the_start(make_service: NewService) -> None:
    """A service that nobody can watch is not left running."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        service = make_service(metrics_port=port).start()
        assert service.exit_code() != 0
    assert "Address already in use" in service.log


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('FINTECH_REVISION="a \\\\ b \\" c"  # fine', "The settings are fine"),
        ('FINTECH_DRAIN_S="x"', "fintech: FINTECH_DRAIN_S: it is 'x'"),
        ("FINTECH_DRAIN_S", "line 1: write NAME="),
        ('FINTECH_REVISION="a', "No closing quotation"),
    ],
)
def test_settings_can_be_checked_in_a_file(
    make_service: NewService,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    line: str,
    said: str,
) -> None:
    for name, value in make_service().environment().items():
        if name.startswith("FINTECH_"):
            monkeypatch.setenv(name, value)
    (tmp_path / "env").write_text(f"{line}\n")
    main(["check", "--env-file", str(tmp_path / "env")])
    assert said in "".join(capsys.readouterr())


@pytest.mark.parametrize(
    ("changed", "code", "said"),
    [({}, 0, "The settings are fine"), ({"FINTECH_DRAIN_S": "x"}, 2, "fintech: FINTECH_DRAIN_S: it is 'x'")],
    ids=["fine", "wrong"],
)
def test_settings_can_be_checked_without_starting(
    make_service: NewService, changed: dict[str, str], code: int, said: str
) -> None:
    environment = make_service(settings=changed).environment()
    result = subprocess.run(
        [sys.executable, "-m", "fintech", "check"], env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == code
    assert said in result.stdout + result.stderr
