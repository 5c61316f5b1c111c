"""The drill and the mailbox's client, against a small HTTP server that behaves as the stack does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from promontory.drills import fault as drill
from promontory.errors import DrillFailed
from promontory.project import Project
from promontory.stack import load_stack
from tests.cli.fakes import FakeStack

Promontory = Callable[..., Result]


def test_a_drill_finds_its_own_mail_among_others_and_clears_the_fault(promontory: Promontory, stack: FakeStack) -> None:
    stack.receive("old", "[CRITICAL] SampleAppErrorRatioHigh @ one", "earlier drill")
    stack.receive("over", "[RESOLVED] SampleAppErrorRatioHigh @ one", "earlier drill")

    result = promontory("drill", "--json")

    found = json.loads(result.stdout)["drill"]
    assert result.exit_code == 0
    assert found["mail_id"] == "drill"
    assert found["mail_after_s"] >= 0.3
    assert stack.fault is None
    assert stack.faults_cleared == 1


def test_the_fault_would_expire_without_us(promontory: Promontory, stack: FakeStack) -> None:
    promontory("drill", "--timeout", "5")

    assert stack.wishes == [{"route": "/login", "kind": "error", "percent": 50, "expires_s": 65}]


def test_without_a_mail_the_drill_fails_says_how_far_it_got_and_clears_the_fault(
    promontory: Promontory, stack: FakeStack
) -> None:
    stack.mail_after_s = None

    result = promontory("drill", "--timeout", "1")

    assert result.exit_code == 4
    assert "Prometheus sees no such alert" in result.stderr.replace("\n", " ")
    assert stack.fault is None


def test_a_drill_waits_until_the_alert_of_an_earlier_one_is_over(
    project: Project, stack: FakeStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.open_alerts = [{"labels": {}}]
    said: list[str] = []
    monkeypatch.setattr("time.sleep", lambda seconds: stack.open_alerts.clear())

    drill.run_drill(load_stack(project), report=said.append)

    assert "waiting until it is over" in said[0]


def test_a_drill_waits_for_the_mail_about_the_end_of_an_earlier_one(
    project: Project, stack: FakeStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within its group interval, Alertmanager sends no second mail for an alert that has come back."""
    stack.receive("old", "[CRITICAL] SampleAppErrorRatioHigh @ one", "earlier drill")
    faults_before_the_end: list[int] = []

    def end(seconds: float) -> None:
        faults_before_the_end.append(stack.faults_set)
        stack.receive("over", "[RESOLVED] SampleAppErrorRatioHigh @ one", "earlier drill")
        monkeypatch.undo()

    monkeypatch.setattr("time.sleep", end)

    found = drill.run_drill(load_stack(project))

    assert faults_before_the_end == [0]
    assert found.mail.head.id == "drill"


def test_where_ends_are_not_mailed_the_drill_goes_on(
    project: Project, stack: FakeStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.receive("old", "[CRITICAL] SampleAppErrorRatioHigh @ one", "earlier drill")
    monkeypatch.setattr(drill, "_QUIET_TIMEOUT_S", 0.0)

    assert drill.run_drill(load_stack(project)).mail.head.id == "drill"


def test_an_alert_that_stays_open_is_no_drill(project: Project, stack: FakeStack, monkeypatch: pytest.MonkeyPatch) -> None:
    stack.open_alerts = [{"labels": {}}]
    monkeypatch.setattr(drill, "_QUIET_TIMEOUT_S", 0.0)

    with pytest.raises(DrillFailed, match="firing without a drill"):
        drill.run_drill(load_stack(project))

    assert stack.faults_set == 0


def test_ctrl_c_during_a_drill_clears_the_fault(root: Path, stack: FakeStack) -> None:
    stack.mail_after_s = None
    process = subprocess.Popen(
        [sys.executable, "-m", "promontory", "drill", "-i", "inventories/real"], cwd=root, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(Path(drill.__file__).parents[2])},
    )
    assert stack.fault_set.wait(20)

    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=20)

    assert process.returncode == 130
    assert stack.fault is None
    assert "its fault is cleared" in stderr


def test_mails_are_listed_newest_first(promontory: Promontory, stack: FakeStack) -> None:
    stack.receive("a", "first", "1")
    stack.receive("b", "second", "2")

    mails = json.loads(promontory("mail", "list", "--json").stdout)["mails"]

    assert [mail["id"] for mail in mails] == ["b", "a"]


def test_a_mail_is_shown_whole(promontory: Promontory, stack: FakeStack) -> None:
    stack.receive("a", "[x] brackets are no markup", "line 1\n\n[bold]line 3")

    result = promontory("mail", "show", "latest")

    assert "Subject: [x] brackets are no markup" in result.stdout
    assert "line 1\n\n[bold]line 3" in result.stdout


def test_a_mail_is_shown_raw(promontory: Promontory, stack: FakeStack) -> None:
    stack.receive("a", "first", "text")

    assert "Subject: first\n\ntext" in promontory("mail", "show", "--raw", "a").stdout


@pytest.mark.parametrize(("mail_id", "said"), [("latest", "mailbox is empty"), ("nope", "no message nope")])
def test_a_mail_that_is_not_there_is_named(promontory: Promontory, stack: FakeStack, mail_id: str, said: str) -> None:
    result = promontory("mail", "show", mail_id)

    assert result.exit_code == 2
    assert said in result.stderr


def test_a_wrong_password_says_what_to_do(promontory: Promontory, stack: FakeStack, root: Path) -> None:
    (root / "password").write_text("stale\n")

    result = promontory("mail", "list")

    assert result.exit_code == 1
    assert "answers 401" in result.stderr
    assert "promontory up" in result.stderr
    assert "stale" not in result.stderr


def test_a_stack_that_is_down_says_what_to_do(promontory: Promontory, write_stack: Callable[..., None]) -> None:
    write_stack(mailbox="http://127.0.0.1:1/mail/")

    result = promontory("mail", "list")

    assert result.exit_code == 1
    assert "mailbox on one does not answer" in result.stderr
