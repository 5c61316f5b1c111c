"""The drills that break the stack itself, on a field where breaking and mending send invented mails."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from promontory.drills import frame
from promontory.drills.expect import FIRING, RESOLVED, Arrival, Expected, judge, open_ends
from promontory.drills.failure import FAILURE_DRILLS
from promontory.drills.frame import Field, Outcome
from promontory.errors import DrillFailed, RunFailed, UsageError
from promontory.mailbox import Mail
from promontory.project import Project
from promontory.stack import load_stack
from tests.cli.fakes import FakeStack

Promontory = Callable[..., Result]
FIRES = "[FIRING:1][critical][test] TargetDown monitoring @ one"
ENDS = "[RESOLVED:1][critical][test] TargetDown monitoring @ one"


def mail(subject: str) -> Mail:
    return Mail(subject, "2026-01-01T00:00:00Z", "am", "oncall", subject, 1)


class Hosts:
    """Notes what is done to hosts; each phase puts the mails it was given into the mailbox."""

    def __init__(self, stack: FakeStack, break_mails: list[str], mend_mails: list[str]) -> None:
        self._stack = stack
        self._mails = {"break": break_mails, "mend": mend_mails}
        self.done: list[Mapping[str, Any]] = []

    def __call__(self, variables: Mapping[str, Any]) -> None:
        self.done.append(variables)
        for subject in self._mails[variables["drill_phase"]]:
            self._stack.receive(f"{len(self._stack.messages)}", subject, self._stack.texts.get(subject, "text"))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the waits take no time that is not needed."""
    for name, seconds in (("SETTLE_S", 0.0), ("TIMEOUT_S", 2.0), ("END_TIMEOUT_S", 2.0)):
        monkeypatch.setattr(frame, name, seconds)


@pytest.fixture
def run(project: Project, stack: FakeStack, root: Path) -> Callable[..., tuple[Outcome, Hosts]]:
    """Run the drill program-down on a stack whose breaking and mending send given mails."""
    path = root / "build/stack.json"
    loaded = json.loads(path.read_text())
    loaded["hosts"][0]["components"] = ["prometheus", "alertmanager", "mailbox", "pushgateway"]
    path.write_text(json.dumps(loaded))

    def drill(break_mails: list[str], mend_mails: list[str], name: str = "program-down", **options: Any) -> tuple[Outcome, Hosts]:
        hosts = Hosts(stack, break_mails, mend_mails)
        field = Field(load_stack(project), hosts, {})
        wishes: dict[str, Any] = {"hold_s": None, "report": lambda text: None, **options}
        return frame.run(FAILURE_DRILLS[name], field, **wishes), hosts

    return drill


Run = Callable[..., tuple[Outcome, Hosts]]


def test_each_mail_once_is_a_passed_drill(run: Run) -> None:
    outcome, hosts = run([FIRES], [ENDS])

    assert outcome.ok
    assert [len(arrival.mails) for arrival in outcome.arrivals] == [1, 1]
    assert [(done["drill_phase"], done["drill_hosts"]) for done in hosts.done] == [("break", "one"), ("mend", "one")]
    assert hosts.done[0]["drill_break"] == "systemctl stop pushgateway"
    assert hosts.done[0]["drill_mend"] == "systemctl start pushgateway"
    assert hosts.done[0]["drill_expires_s"] > frame.TIMEOUT_S


@pytest.mark.parametrize(
    ("break_mails", "mend_mails", "counts", "others"),
    [
        ([FIRES, FIRES], [ENDS], [2, 1], 0),
        ([FIRES], [ENDS, ENDS], [1, 2], 0),
        ([], [ENDS], [0, 1], 0),
        ([FIRES], [], [1, 0], 0),
        ([FIRES, FIRES.replace("TargetDown", "HostDown")], [ENDS], [1, 1], 1),
    ],
    ids=["twice", "end twice", "never", "no end", "another"],
)
def test_a_mail_too_many_or_too_few_is_a_failed_drill(
    run: Run, break_mails: list[str], mend_mails: list[str], counts: list[int], others: int
) -> None:
    outcome, _ = run(break_mails, mend_mails)

    assert not outcome.ok
    assert [len(arrival.mails) for arrival in outcome.arrivals] == counts
    assert len(outcome.others) == others


def test_a_mail_that_tells_an_older_end_again_is_shown_and_not_counted(run: Run, stack: FakeStack) -> None:
    again = FIRES + " again"
    stack.texts[again] = "FIRING, critical, test, monitoring: TargetDown, 1 firing, 1 resolved"

    outcome, _ = run([FIRES, again], [ENDS])

    assert outcome.ok
    assert [mail.subject for mail in outcome.retold] == [again]


def test_a_mail_about_more_alerts_is_news_and_one_about_as_many_is_not(run: Run) -> None:
    more, ends = FIRES.replace("FIRING:1", "FIRING:3"), ENDS.replace("RESOLVED:1", "RESOLVED:3")

    assert run([FIRES, more], [ends])[0].ok
    assert not run([FIRES, more, more], [ends])[0].ok
    assert not run([more, FIRES], [ends])[0].ok


def test_only_an_alert_about_the_way_of_mails_may_be_told_again() -> None:
    twice = [mail(FIRES), mail(FIRES)]

    assert [Arrival(Expected("TargetDown", "", FIRING, may_repeat), twice, 1.0).ok for may_repeat in (True, False)] == [True, False]
    assert not Arrival(Expected("TargetDown", "", FIRING, may_repeat=True), [], None).ok


def test_it_stays_broken_as_long_as_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)

    run([FIRES], [ENDS], hold_s=50)

    assert 45 < max(slept) <= 50


def test_an_alert_of_the_drill_that_fires_already_is_no_drill(run: Run, stack: FakeStack) -> None:
    stack.open_alerts = [{"labels": {"alertname": "TargetDown"}}]

    with pytest.raises(DrillFailed, match="TargetDown fires already"):
        run([FIRES], [ENDS])


def test_mails_of_what_fires_already_are_not_counted(run: Run, stack: FakeStack) -> None:
    stack.open_alerts = [{"labels": {"alertname": "HostDown"}}, {"labels": {"alertname": "Watchdog", "route": "heartbeat"}}]

    outcome, _ = run([FIRES, FIRES.replace("TargetDown", "HostDown")], [ENDS])

    assert outcome.ok


def test_mails_of_what_was_about_to_fire_are_not_counted(run: Run, stack: FakeStack) -> None:
    """Seen on a lab: the end of the drill before it fired an alert of the edge in the middle of this one."""
    stack.prometheus_alerts = [{"labels": {"alertname": name}, "state": "pending"} for name in ("HostDown", "TargetDown")]

    outcome, _ = run([FIRES, FIRES.replace("TargetDown", "HostDown")], [ENDS])

    assert outcome.ok
    assert len(outcome.arrivals) == 2


def test_what_is_broken_is_mended_when_the_drill_breaks_off(run: Run, stack: FakeStack, monkeypatch: pytest.MonkeyPatch) -> None:
    hosts = Hosts(stack, [], [])

    def stop(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", stop)
    monkeypatch.setattr("tests.cli.test_failure_drills.Hosts", lambda *_: hosts)

    with pytest.raises(Exception, match="everything is mended"):
        run([], [])

    assert [done["drill_phase"] for done in hosts.done] == ["break", "mend"]


def test_a_host_that_cannot_be_broken_is_mended_all_the_same(project: Project, stack: FakeStack, run: Run) -> None:
    done: list[str] = []

    def play(variables: Mapping[str, Any]) -> None:
        done.append(variables["drill_phase"])
        if done == ["break"]:
            raise RunFailed("no way")

    with pytest.raises(RunFailed):
        frame.run(FAILURE_DRILLS["program-down"], Field(load_stack(project), play, {}), hold_s=None, report=lambda text: None)

    assert done == ["break", "mend"]


def test_a_rolling_restart_expects_no_mail(run: Run) -> None:
    outcome, hosts = run([], [], "rolling-restart", hold_s=0)
    noisy, _ = run([FIRES], [], "rolling-restart", hold_s=0)

    assert (outcome.ok, noisy.ok) == (True, False)
    assert hosts.done[0]["drill_break"].startswith("systemctl restart prometheus; sleep 3; systemctl restart alertmanager")


def test_a_stack_too_small_for_a_drill_is_named(run: Run) -> None:
    with pytest.raises(UsageError, match="prometheus-down needs 2 hosts with prometheus, this stack has 1"):
        run([], [], "prometheus-down")


def test_an_alertmanager_is_cut_off_by_its_own_ports(project: Project, stack: FakeStack, root: Path, run: Run) -> None:
    path = root / "build/stack.json"
    loaded = json.loads(path.read_text())
    loaded["hosts"] = [
        {"name": "a", "address": "10.0.0.1", "components": ["alertmanager", "mailbox"]},
        {"name": "b", "address": "10.0.0.2", "components": ["alertmanager", "prometheus"]},
    ]
    path.write_text(json.dumps(loaded))
    hosts = Hosts(stack, [FIRES.replace("@ one", "@ a")], [ENDS.replace("@ one", "@ a")])

    outcome = frame.run(
        FAILURE_DRILLS["alertmanager-cut-off"], Field(load_stack(project), hosts, {"a": {"alertmanager_port": 19093}}),
        hold_s=0, report=lambda text: None,
    )  # fmt: skip

    assert outcome.ok
    assert hosts.done[0]["drill_hosts"] == "a", "the one without a Prometheus beside it"
    assert "ipproto tcp sport 19093 blackhole" in hosts.done[0]["drill_break"]
    assert "ipproto udp dport 9094 blackhole" in hosts.done[0]["drill_break"]
    assert hosts.done[0]["drill_break"].replace("rule add", "rule del") == hosts.done[0]["drill_mend"]


@pytest.mark.parametrize(
    ("subject", "is_it"),
    [
        (FIRES, True),
        (ENDS, False),
        (FIRES.replace("@ one", "@ two"), False),
        (FIRES.replace("TargetDown", "TargetDownLong"), False),
        ("Re: " + FIRES, False),
        ("", False),
    ],
)
def test_a_mail_is_known_by_its_subject(subject: str, is_it: bool) -> None:
    assert Expected("TargetDown", "one", FIRING).is_it(mail(subject)) is is_it


def test_mails_that_are_about_no_alert_are_nobodys_business() -> None:
    arrivals, others = judge([mail("Lunch?")], [Expected("TargetDown", "", RESOLVED)], {})

    assert (len(arrivals[0].mails), others) == (0, [])


def test_an_alert_whose_end_was_not_mailed_is_open() -> None:
    other = FIRES.replace("TargetDown", "HostDown")

    assert open_ends([mail(ENDS), mail(FIRES), mail(other), mail("Lunch?")]) == {"HostDown"}


def test_the_list_names_every_drill(promontory: Promontory, stack: FakeStack) -> None:
    assert set(FAILURE_DRILLS) < set(json.loads(promontory("drill", "--list", "--json").stdout)["drills"])


def test_hosts_that_are_no_lab_hosts_are_not_broken_without_yes(promontory: Promontory, stack: FakeStack) -> None:
    result = promontory("drill", "program-down")

    assert result.exit_code == 2
    assert "add --yes" in result.stderr


def test_an_unknown_drill_is_named(promontory: Promontory, stack: FakeStack) -> None:
    result = promontory("drill", "earthquake")

    assert result.exit_code == 2
    assert "no drill earthquake" in result.stderr
    assert "prometheus-down" in result.stderr
