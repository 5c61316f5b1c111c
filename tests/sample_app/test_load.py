"""The load generator: the same from the same seed, and truthful about what came back."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from fintech.load import LoadError, Operation, plan, run
from fintech.load.__main__ import main
from fintech.load.plan import WEIGHTS
from tests.sample_app.conftest import SAMPLE_APP, Service, free_port
from tests.sample_app.test_serving import clear_faults, switch_fault


def committed_deposits(service: Service) -> float:
    return service.metrics()("fintech_transactions_total", kind="deposit", outcome="committed") or 0


def test_a_seed_decides_every_step() -> None:
    settings = {"rate": 50, "duration_s": 10, "users": 3}
    assert plan(seed=7, **settings) == plan(seed=7, **settings)
    assert plan(seed=7, **settings) != plan(seed=8, **settings)


def test_a_plan_has_the_asked_rate_and_all_operations() -> None:
    steps = plan(seed=1, rate=100, duration_s=60, users=5)
    assert len(steps) == pytest.approx(6000, rel=0.05)
    assert all(0 <= step.at_s < 60 and 0 <= step.user < 5 for step in steps)
    shares = {operation: sum(step.operation is operation for step in steps) / len(steps) for operation in Operation}
    assert shares == pytest.approx({operation: weight / 100 for operation, weight in WEIGHTS.items()}, abs=0.02)


def test_a_run_puts_its_plan_on_the_service_and_adds_up(service: Service) -> None:
    deposits_before = committed_deposits(service)
    summary = run(f"{service.url}/", rate=50, duration_s=1, seed=3, users=2)
    assert summary.sent == summary.planned > 30
    assert summary.failed == 0
    assert sum(summary.by_status.values()) == summary.sent
    assert set(summary.by_status) <= {"200", "201", "409"}
    deposits = committed_deposits(service) - deposits_before
    assert deposits == summary.by_operation["deposit"]["ok"] + 2 * 2, "the opening deposits of two users come on top"


def test_failures_are_told_apart(service: Service) -> None:
    switch_fault(service, route="/", kind="error", expires_s=60)
    summary = run(service.url, rate=60, duration_s=1, seed=3, users=1)
    clear_faults(service)
    assert summary.by_operation["home"]["ok"] == 0
    assert summary.by_status["500"] == summary.failed == summary.by_operation["home"]["failed"] > 0


def test_a_service_that_refuses_everybody_is_an_error(service: Service) -> None:
    with pytest.raises(LoadError, match="no user could be set up, the last answer was: status 404"):
        run(f"{service.url}/elsewhere/", rate=10, duration_s=1)


def test_the_command_needs_nothing_but_python(service: Service) -> None:
    """On an operator's machine: no site packages, only the tree."""
    argv = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(SAMPLE_APP)!r})\n"]
    argv[-1] += "from fintech.load.__main__ import main; sys.exit(main(sys.argv[1:]))"
    argv += [service.url, "--rate", "20", "--duration", "0.5", "--users", "1", "--json"]
    result = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["failed"] == 0


@pytest.mark.parametrize(
    "arguments",
    [["ftp://x"], ["not-a-url"], ["http://x", "--rate", "0"], ["http://x", "--rate", "nan"],
     ["http://x", "--duration", "-1"], ["http://x", "--users", "0"], ["http://x", "--threads", "x"], []],
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
