"""The load generator on the real service: truthful about what came back, and never booking twice."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable

import pytest

from fintech.load import PROFILES, LoadError, Wish, run
from fintech.load.__main__ import main
from tests.sample_app.conftest import SAMPLE_APP, Service
from tests.sample_app.flaky import ASK_FOR_PATIENCE, FORWARD, LOSE_ANSWER, MAKE_UP_SUCCESS, Flaky, serve
from tests.sample_app.test_serving import clear_faults, switch_fault
from tests.support.processes import free_port

DEPOSITS = "/api/v1/deposits"


def wish(**changed: object) -> Wish:
    return Wish(**{"rate": 60.0, "duration_s": 1.0, "seed": 3, "users": 2, "verify": True, **changed})  # type: ignore[arg-type]


def total(service: Service, name: str, **labels: str) -> float:
    return service.metrics()(name, **labels) or 0


def committed_deposits(service: Service) -> float:
    return total(service, "fintech_transactions_total", kind="deposit", outcome="committed")


def test_a_run_puts_its_plan_on_the_service_and_adds_up(service: Service) -> None:
    deposits_before = committed_deposits(service)
    summary = run(f"{service.url}/", wish())
    assert summary.sent == summary.planned > 30
    assert (summary.failed, summary.repeated) == (0, 0)
    assert sum(summary.by_status.values()) == summary.sent
    assert set(summary.by_status) <= {"200", "201", "409"}
    assert summary.ledger
    assert (summary.ledger.ok, summary.ledger.accounts) == (True, 4)
    deposits = committed_deposits(service) - deposits_before
    assert deposits == summary.by_operation["deposit"]["ok"] + 2 * 2, "the opening deposits of two users come on top"


def test_failures_are_told_apart(service: Service) -> None:
    switch_fault(service, route="/", kind="error", expires_s=60)
    summary = run(service.url, wish())
    clear_faults(service)
    assert summary.by_operation["home"]["ok"] == 0
    assert summary.by_status["500"] == summary.failed == summary.by_operation["home"]["failed"] > 0


def test_a_booking_whose_answer_was_lost_is_sent_again_with_its_key_and_booked_once(service: Service) -> None:
    flaky = Flaky(lambda method, path, number: LOSE_ANSWER if path == DEPOSITS and number % 2 else FORWARD)
    before = committed_deposits(service)
    with serve(flaky, service.url):
        summary = run(flaky.url, wish())
    assert summary.ledger
    assert summary.ledger.ok
    assert summary.replayed > 0, "those had been booked, and were not booked again"
    assert committed_deposits(service) - before == len(set(flaky.keys[DEPOSITS]))
    assert max(Counter(flaky.keys[DEPOSITS]).values()) > 1


def test_a_booking_that_the_service_does_not_show_is_found(service: Service) -> None:
    """The proof that the comparison can fail: one deposit never reaches the service."""
    flaky = Flaky(lambda method, path, number: MAKE_UP_SUCCESS if path == DEPOSITS and number == 6 else FORWARD)
    with serve(flaky, service.url):
        summary = run(flaky.url, wish())
    assert summary.ledger
    assert (summary.ledger.ok, len(summary.ledger.differences)) == (False, 1)
    assert "expected" in summary.ledger.differences[0]


def test_a_client_that_is_asked_for_patience_has_it(service: Service) -> None:
    flaky = Flaky(lambda method, path, number: ASK_FOR_PATIENCE if method == "POST" and number == 1 else FORWARD)
    with serve(flaky, service.url):
        started = time.monotonic()
        summary = run(flaky.url, wish())
    assert summary.failed == 0
    assert summary.ledger
    assert summary.ledger.ok
    assert time.monotonic() - started > 3, "to register, to log in and to open accounts it waited a second each"


def test_an_outage_loses_nothing_and_books_nothing_twice(make_service: Callable[..., Service]) -> None:
    service = make_service().start().ready()
    begun = threading.Event()

    def breaks() -> None:
        begun.wait(30)
        time.sleep(1)
        assert service.process
        service.process.kill()
        service.process.wait()
        service.start().ready()

    breaker = threading.Thread(target=breaks)
    breaker.start()
    asked = wish(profile=PROFILES["outage"], duration_s=5.0, rate=30.0, outage_s=(0.5, 5.0))
    summary = run(service.url, asked, on_begin=begun.set)
    breaker.join()
    assert summary.outage
    assert summary.outage.recovered > 0
    assert (summary.outage.lost, summary.failed) == (0, 0)
    assert summary.ledger
    assert summary.ledger.ok


def test_a_service_that_stays_away_leaves_bookings_in_doubt(
    make_service: Callable[..., Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fintech.load.runner._SETTLE_PATIENCE_S", 0.0)
    monkeypatch.setattr("fintech.load.runner._PATIENCE_S", 0.5)
    service = make_service().start().ready()
    summary = run(service.url, wish(), on_begin=service.stop)
    assert summary.failed == summary.sent
    assert summary.ledger
    assert summary.ledger.unsettled > 0
    assert not summary.ledger.ok


@pytest.mark.parametrize(
    ("profile", "metric", "labels"),
    [
        ("brute-force", "fintech_logins_total", {"outcome": "bad_credentials"}),
        ("overdraw", "fintech_transactions_total", {"kind": "withdrawal", "outcome": "declined"}),
        ("refresh-replay", "fintech_token_refreshes_total", {"outcome": "reused"}),
        ("sign-ups", "fintech_registrations_total", {"outcome": "ok"}),
        ("stale-tokens", "http_server_request_duration_seconds_count",
         {"http_request_method": "GET", "http_route": "/api/v1/accounts", "http_response_status_code": "401"}),
    ],
)  # fmt: skip
def test_a_profile_does_what_its_drill_needs(service: Service, profile: str, metric: str, labels: dict[str, str]) -> None:
    before = total(service, metric, **labels)
    summary = run(service.url, wish(profile=PROFILES[profile]))
    assert total(service, metric, **labels) - before >= 1
    assert summary.failed == 0
    assert summary.ledger
    assert summary.ledger.ok


def test_a_service_that_refuses_everybody_is_an_error(service: Service) -> None:
    with pytest.raises(LoadError, match="no user could be set up, the last answer was: status 404"):
        run(f"{service.url}/elsewhere/", wish())


def test_the_command_needs_nothing_but_python(service: Service) -> None:
    """On an operator's machine: no site packages, only the tree."""
    argv = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(SAMPLE_APP)!r})\n"]
    argv[-1] += "from fintech.load.__main__ import main; sys.exit(main(sys.argv[1:]))"
    argv += [service.url, "--rate", "20", "--duration", "0.5", "--users", "1", "--json", "--verify-ledger"]
    result = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["ledger"] == {"accounts": 2, "unsettled": 0, "differences": []}
    assert "1 people have their accounts, the load begins" in result.stderr


def test_a_ledger_that_is_not_as_expected_is_exit_code_1(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    flaky = Flaky(lambda method, path, number: MAKE_UP_SUCCESS if path == DEPOSITS and number == 6 else FORWARD)
    with serve(flaky, service.url):
        assert main([flaky.url, "--rate", "60", "--duration", "1", "--verify-ledger"]) == 1
    assert "8 accounts, 1 not as expected, 0 bookings in doubt" in capsys.readouterr().out


def test_the_help_names_every_profile_and_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    said = capsys.readouterr().out
    assert all(f"  {name} " in said for name in PROFILES)
    assert all(part in said for part in ("examples:", "exit codes: 0", "130 interrupted"))


@pytest.mark.parametrize(
    "arguments",
    [["ftp://x"], ["not-a-url"], ["http://x", "--rate", "0"], ["http://x", "--rate", "nan"],
     ["http://x", "--duration", "-1"], ["http://x", "--users", "0"], ["http://x", "--threads", "x"], [],
     ["http://x", "--profile", "chaos"], ["http://x", "--profile", "outage"], ["http://x", "--outage", "1:2"],
     ["http://x", "--profile", "outage", "--outage", "20"], ["http://x", "--profile", "outage", "--outage", "9:-3"]],
    ids=lambda arguments: " ".join(arguments) or "nothing",
)  # fmt: skip
def test_wrong_usage_is_exit_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: fintech-load" in capsys.readouterr().err


def test_nobody_there_is_told_in_time(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("fintech.load.runner._SETUP_PATIENCE_S", 0.1)
    assert main([f"http://127.0.0.1:{free_port()}"]) == 1
    assert "connection refused" in capsys.readouterr().err
