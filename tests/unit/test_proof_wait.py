"""Waiting for what needs a moment, and the synthetic alert's way."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from ansible_collections.promontory.stack.plugins.module_utils.proof.finding import Finding, prove
from ansible_collections.promontory.stack.plugins.module_utils.proof.synthetic import FILE, SyntheticAlert, Way


@dataclass
class Clock:
    """Time that passes only when somebody waits."""

    at: float = 0.0

    def now(self) -> float:
        """Seconds."""
        return self.at

    def pause(self, seconds: float) -> None:
        """Let time pass."""
        self.at += seconds


@dataclass
class Scripted:
    """A check that answers from a list, the last answer for ever; an error is raised."""

    answers: list[bool | OSError]
    name: str = "scripted"
    look: str = "journalctl"
    asked: int = 0

    def find(self) -> Finding:
        """Answer once."""
        answer = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        if isinstance(answer, OSError):
            raise answer
        return Finding(self.name, ok=answer, detail=f"look {self.asked}")


@pytest.fixture
def clock() -> Clock:
    """A clock at zero."""
    return Clock()


def test_what_is_well_at_once_costs_no_wait(clock: Clock) -> None:
    [found] = prove([Scripted([True])], timeout_s=60, now=clock.now, pause=clock.pause)

    assert found.ok
    assert clock.at == 0


def test_it_waits_for_what_gets_well(clock: Clock) -> None:
    [found] = prove([Scripted([False, OSError("refused"), True])], timeout_s=60, now=clock.now, pause=clock.pause)

    assert found.ok


def test_time_is_up_with_the_last_answer(clock: Clock) -> None:
    [found] = prove([Scripted([OSError("connection refused")])], timeout_s=10, now=clock.now, pause=clock.pause)

    assert (found.ok, found.detail, found.look) == (False, "connection refused", "journalctl")
    assert clock.at == pytest.approx(10, abs=1)


def test_no_time_looks_once(clock: Clock) -> None:
    check = Scripted([False, True])

    [found] = prove([check], timeout_s=0, now=clock.now, pause=clock.pause)

    assert (found.ok, check.asked) == (False, 1)


def test_what_was_well_before_a_wait_is_asked_again(clock: Clock) -> None:
    """A target may go down while another check is waited for."""
    early, late = Scripted([True, False]), Scripted([False, True])

    found = prove([early, late], timeout_s=60, now=clock.now, pause=clock.pause)

    assert [one.ok for one in found] == [False, True]


@dataclass
class Stack:
    """A stack in miniature that reads the metric file and knows which stations work."""

    file: Path
    stations: dict[str, bool] = field(default_factory=lambda: dict.fromkeys(("prometheus", "alertmanager", "mail"), True))

    @property
    def is_set(self) -> bool:
        """Whether the metric says 1."""
        return self.file.exists() and self.file.read_text(encoding="utf-8").rstrip().endswith(" 1")

    def way(self, *, mailbox: bool = True) -> Way:
        """Its stations."""

        def mailed() -> bool:
            return self.stations["mail"] and self.is_set

        def mailed_resolved() -> bool:
            return self.stations["mail"] and not self.is_set

        return Way(
            fires=lambda: self.stations["prometheus"] and self.is_set,
            arrives=lambda: self.stations["alertmanager"] and self.is_set,
            is_mailed=mailed if mailbox else None,
            is_gone=lambda: not self.is_set,
            is_mailed_resolved=mailed_resolved if mailbox else None,
        )


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    """A working one."""
    return Stack(tmp_path / FILE)


def test_the_alert_goes_all_the_way_and_back(stack: Stack) -> None:
    alert = SyntheticAlert(stack.file, "token", stack.way())

    found = alert.find()

    assert found.ok
    assert [word in found.detail for word in ("Prometheus", "Alertmanager", "mailbox", "over in the mailbox")] == [True] * 4


def test_the_metric_is_whole_readable_and_taken_back(stack: Stack) -> None:
    stack.stations["prometheus"] = False
    alert = SyntheticAlert(stack.file, "token", stack.way())

    alert.find()
    text, mode = stack.file.read_text(encoding="utf-8"), stack.file.stat().st_mode & 0o777
    alert.take_back()

    assert text.splitlines()[-1] == 'promontory_synthetic_alert{token="token"} 1'
    assert mode == 0o644
    assert list(stack.file.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ("prometheus", "not seen: fires in Prometheus"),
        ("alertmanager", "not seen: arrives in Alertmanager (before that: fires in Prometheus"),
        ("mail", "not seen: lies in the mailbox (before that:"),
    ],
)
def test_a_broken_station_is_named_with_what_went_before(stack: Stack, broken: str, said: str) -> None:
    stack.stations[broken] = False

    found = SyntheticAlert(stack.file, "token", stack.way()).find()

    assert not found.ok
    assert found.detail.startswith(said)
    assert found.look.startswith("journalctl -u ")


def test_without_a_mailbox_the_proof_ends_at_alertmanager(stack: Stack) -> None:
    found = SyntheticAlert(stack.file, "token", stack.way(mailbox=False)).find()

    assert found.ok
    assert "mailbox" not in found.detail
