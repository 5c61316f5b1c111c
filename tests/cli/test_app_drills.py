"""The drills of the sample app's alerts: one for each, and each ends what it began."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import Result

from promontory.drills import app_host, frame, usual
from promontory.drills.app import APP_DRILLS, AppDrill
from promontory.drills.app_host import Commands
from promontory.drills.causes import Crowd, Customers, Fault, OnHosts, breaks
from promontory.drills.frame import Drill, Field, Outcome
from promontory.drills.load import Load
from promontory.drills.query import value_of
from promontory.errors import DrillFailed, Interrupted, ServiceUnreachable, UsageError
from promontory.project import Project
from promontory.stack import Access, load_stack
from tests.cli.fakes import FakeStack

ROOT = Path(__file__).parents[2]
Promontory = Callable[..., Result]

FIRES = "[FIRING:1][warning][test] SampleAppLedgerAuditStale sample_app @ one"
ENDS = FIRES.replace("FIRING", "RESOLVED")
AUDIT_FAULT = Fault("job:ledger-audit", "error")
FIRING_ALERT = {"labels": {"alertname": "SampleAppLedgerAuditStale"}, "state": "firing"}

# A load generator that says what it was asked, begins, and counts nothing when it is told to end.
STUB = """
import json, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
if sys.argv[1:] != ["fails"]:
    print("fintech-load: 4 people have their accounts, the load begins", file=sys.stderr, flush=True)
    signal.sigwait({signal.SIGTERM})
    print(json.dumps({"sent": 3, "failed": 1, "by_status": {"200": 2, "503": 1}, "argv": sys.argv}))
else:
    sys.exit("fintech-load: http://x: no user could be set up, the last answer was: status 404")
"""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the waits take no time that is not needed."""
    monkeypatch.setattr(frame, "SETTLE_S", 0.0)


@pytest.fixture
def said() -> list[str]:
    """What a drill told."""
    return []


@pytest.fixture
def field(project: Project, stack: FakeStack, said: list[str], tmp_path: Path) -> Field:
    """Give a field whose hosts note what is done to them, and whose load generator is a stub."""
    path = project.build / "stack.json"
    loaded = json.loads(path.read_text())
    loaded["hosts"][0]["components"] = ["sample_app", "prometheus", "alertmanager", "mailbox"]
    path.write_text(json.dumps(loaded))
    generator = tmp_path / "tree/sample_app/fintech/load"
    generator.mkdir(parents=True)
    (generator / "__main__.py").write_text(STUB)
    return Field(load_stack(project), lambda variables: None, {}, root=tmp_path / "tree", say=said.append)


def drill(*causes: Any, **changed: Any) -> Drill:
    """Make a drill of the alert in FIRES."""
    made = AppDrill(
        "test-drill", "SampleAppLedgerAuditStale", "something is broken", fires_s=-149, ends_s=-149,
        causes=causes or (AUDIT_FAULT,), companions=frozenset({"SampleAppLatencyHigh"}),
    )  # fmt: skip
    return AppDrill(**{**made.__dict__, **changed}).drill()


def run(made: Drill, field: Field) -> Outcome:
    return frame.run(made, field, hold_s=None, report=field.say)


def alerts_of(file: str) -> list[str]:
    groups = yaml.safe_load((ROOT / "rules" / file).read_text())["groups"]
    return [rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule]


def test_each_alert_of_the_sample_app_has_exactly_one_drill() -> None:
    """Those about pods (sample_app_pods.yml) need a cluster; nothing here can take a pod away."""
    assert sorted(one.alert for one in APP_DRILLS.values()) == sorted(alerts_of("sample_app.yml"))


@pytest.mark.parametrize("name", APP_DRILLS)
def test_the_runbook_of_an_alert_names_its_drill(name: str) -> None:
    runbook = (ROOT / f"docs/runbooks/{APP_DRILLS[name].alert}.md").read_text()

    assert f"promontory drill {name}" in runbook.partition("## How it was tested")[2]


@pytest.mark.parametrize("name", APP_DRILLS)
def test_the_documentation_shows_every_drill_with_its_alert(name: str) -> None:
    rows = (ROOT / "docs/how-to/run-drills.md").read_text().splitlines()

    assert any(row.startswith(f"| `{name}` ") and APP_DRILLS[name].alert in row for row in rows)


def test_a_companion_is_an_alert_there_is() -> None:
    known = {
        rule["alert"]
        for file in (ROOT / "rules").glob("*.yml")
        for group in yaml.safe_load(file.read_text()).get("groups", [])
        for rule in group["rules"]
        if "alert" in rule
    }

    assert {alert for one in APP_DRILLS.values() for alert in one.companions} <= known


def test_a_fault_is_on_until_its_mail_has_come_and_only_this_one_is_switched_off(field: Field, stack: FakeStack) -> None:
    stack.subjects_of_fault, stack.subjects_of_end = [FIRES], [ENDS]

    outcome = run(drill(), field)

    assert outcome.ok
    assert [len(arrival.mails) for arrival in outcome.arrivals] == [1, 1]
    wish = stack.wishes[0]
    assert (wish["route"], wish["kind"], wish["percent"]) == ("job:ledger-audit", "error", 100)
    assert 0 < wish["expires_s"] <= 3600
    assert stack.cleared == [{"route": "job:ledger-audit", "kind": "error"}]


def test_a_fault_is_never_asked_for_longer_than_the_app_takes_it(field: Field, stack: FakeStack) -> None:
    with breaks(AUDIT_FAULT, field, 9000.0):
        assert stack.wishes[0]["expires_s"] == 3600


def test_a_fault_whose_end_is_not_answered_is_ended_again(
    field: Field, stack: FakeStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[Exception | None] = [ServiceUnreachable("saturated"), ServiceUnreachable("saturated"), None]
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    ask = Access.request

    def request(access: Access, method: str, path: str, **options: Any) -> Any:
        if method == "DELETE" and (error := answers.pop(0)):
            raise error
        return ask(access, method, path, **options)

    monkeypatch.setattr(Access, "request", request)

    with breaks(AUDIT_FAULT, field, 60.0):
        pass

    assert (stack.fault, answers) == (None, [])


def test_what_may_come_along_is_shown_and_does_not_fail_a_drill(field: Field, stack: FakeStack) -> None:
    along = FIRES.replace("SampleAppLedgerAuditStale", "SampleAppLatencyHigh")
    stack.subjects_of_fault, stack.subjects_of_end = [FIRES, along], [ENDS]

    outcome = run(drill(), field)

    assert outcome.ok
    assert [mail.subject for mail in outcome.accompanied] == [along]


@pytest.mark.parametrize(
    ("fires", "ends"),
    [
        ([], [ENDS]), ([FIRES], []), ([FIRES, FIRES], [ENDS]),
        ([FIRES, FIRES.replace("SampleAppLedgerAuditStale", "HostDown")], [ENDS]),
    ],
    ids=["never", "no end", "twice", "another"],
)  # fmt: skip
def test_a_mail_too_many_or_too_few_is_a_failed_drill(field: Field, stack: FakeStack, fires: list[str], ends: list[str]) -> None:
    stack.subjects_of_fault, stack.subjects_of_end = fires, ends

    assert not run(drill(), field).ok


def test_an_alert_that_prometheus_still_fires_is_not_over(field: Field, stack: FakeStack) -> None:
    stack.subjects_of_fault, stack.subjects_of_end = [FIRES], [ENDS]
    stack.prometheus_alerts = [FIRING_ALERT]

    outcome = run(drill(), field)

    assert (outcome.ok, outcome.still_open) == (False, ["SampleAppLedgerAuditStale"])


def test_of_an_alert_that_is_not_mailed_soon_alertmanager_is_asked(field: Field, stack: FakeStack) -> None:
    class Fires:
        def __enter__(self) -> None:
            stack.open_alerts.append(FIRING_ALERT)

        def __exit__(self, *error: object) -> None:
            stack.open_alerts.clear()

    made = drill(mailed=False)
    plan = made.plan(field, 60.0)
    outcome = run(Drill(**{**made.__dict__, "plan": lambda *_: frame.Plan([Fires()], plan.expected)}), field)

    assert outcome.ok
    assert [arrival.mails for arrival in outcome.arrivals] == [[], []]


def test_ctrl_c_mends_and_waits_for_the_end_of_the_alert(
    field: Field, stack: FakeStack, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.prometheus_alerts = [FIRING_ALERT]
    interrupted: list[float] = []

    def sleep(seconds: float) -> None:
        interrupted.append(seconds)
        if len(interrupted) == 1:
            raise KeyboardInterrupt
        stack.prometheus_alerts = []

    monkeypatch.setattr("time.sleep", sleep)

    with pytest.raises(Interrupted, match="everything is mended, and SampleAppLedgerAuditStale is over"):
        run(drill(), field)

    assert stack.fault is None
    assert "Waiting until SampleAppLedgerAuditStale is over" in said[-1]


def test_a_second_ctrl_c_does_not_wait(field: Field, stack: FakeStack, monkeypatch: pytest.MonkeyPatch) -> None:
    stack.prometheus_alerts = [FIRING_ALERT]

    def stop(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", stop)

    with pytest.raises(Interrupted, match="may take a while to end"):
        run(drill(), field)

    assert stack.fault is None


def test_load_begins_before_the_fault_and_ends_with_the_drill(field: Field, stack: FakeStack, said: list[str]) -> None:
    stack.subjects_of_fault, stack.subjects_of_end = [FIRES], [ENDS]

    assert run(drill(Customers("steady", 5), AUDIT_FAULT), field).ok
    assert "The load: 3 steps, 1 failed; answers 200: 2, 503: 1." in said


def test_a_load_that_cannot_begin_says_why_and_nothing_is_broken(
    field: Field, stack: FakeStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    (field.root / "sample_app/fintech/load/__main__.py").write_text(STUB.replace('!= ["fails"]', "== []"))

    with pytest.raises(DrillFailed, match="did not begin: fintech-load: http://x: no user could be set up"):
        run(drill(Customers("steady", 5), AUDIT_FAULT), field)

    assert stack.faults_set == 0


def test_a_load_that_was_stopped_can_go_on(field: Field, said: list[str]) -> None:
    with Load(field, []) as load:
        load.stop()
        load.start()

    load.stop()
    assert len(said) == 2


def test_a_crowd_is_as_large_as_what_it_keeps_busy(field: Field, stack: FakeStack, monkeypatch: pytest.MonkeyPatch) -> None:
    stack.values = {"sum(fintech_request_threads": 16}
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr("promontory.drills.causes.load", lambda field, profile, **wish: asked.append(wish))

    breaks(Crowd("fintech_request_threads", more=1), field, 60.0)
    breaks(Crowd("fintech_request_threads", share=0.75), field, 60.0)

    assert [wish["clients"] for wish in asked] == [17, 12]
    assert all(wish["rate"] > 2 * wish["clients"] for wish in asked), "or some of them would rest"


def test_a_stack_that_does_not_measure_what_a_crowd_needs_is_named(field: Field) -> None:
    with pytest.raises(UsageError, match="Prometheus knows no fintech_request_threads"):
        breaks(Crowd("fintech_request_threads"), field, 60.0)


def test_what_is_done_to_hosts_is_mended_by_the_same_playbook(field: Field) -> None:
    done: list[Mapping[str, Any]] = []
    noting = Field(field.stack, done.append, {})

    with breaks(OnHosts(Commands("break it", "mend it")), noting, 60.0):
        assert done[-1]["drill_break"] == "break it"

    assert (done[-1]["drill_phase"], done[-1]["drill_hosts"], done[-1]["drill_mend"]) == ("mend", "one", "mend it")


COMMANDS = {
    "workers_killed": app_host.workers_killed(times=2, pause_s=1),
    "descriptors_limited": app_host.descriptors_limited(used_percent=86),
    "settings_changed": app_host.settings_changed(FINTECH_DATABASE_CONNECTIONS="2"),
    "metrics_empty": app_host.metrics_empty(),
    "ledger_unsound": app_host.ledger_unsound(),
}


@pytest.mark.parametrize("commands", COMMANDS.values(), ids=COMMANDS)
def test_commands_for_hosts_are_sound_shell_and_no_template(commands: Commands) -> None:
    for text in (commands.broken_by, commands.mended_by):
        subprocess.run(["/bin/sh", "-n", "-c", text], check=True)
        assert not any(mark in text for mark in ("{{", "{%", "{#"))


def test_history_that_is_there_is_not_waited_for(field: Field, stack: FakeStack, said: list[str]) -> None:
    stack.values = {"quantile_over_time": 2.5, "count_over_time": 19, "[5m])": 0.0}

    with usual.usual(field, Load(field, [])):
        assert said == []


def test_load_is_put_on_until_it_is_usual(
    field: Field, stack: FakeStack, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.values = {"quantile_over_time": 2.5, "count_over_time": 4}
    monkeypatch.setattr("time.sleep", lambda seconds: stack.values.update(count_over_time=19))

    with usual.usual(field, Load(field, [])):
        assert "known for 20 min of the 95" in said[0]


def test_where_others_book_too_much_the_end_of_a_load_is_no_drill(
    field: Field, stack: FakeStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.values = {"quantile_over_time": 2.5, "count_over_time": 24, 'outcome!="replayed"}[5m]))': 0.6}
    monkeypatch.setattr(usual, "_PATIENCE_S", 0.0)

    with pytest.raises(DrillFailed, match=r"others book 0\.60/s"), usual.usual(field, Load(field, [])):
        pass


def test_where_no_load_of_ours_would_ever_be_missed_none_is_waited_for(field: Field, stack: FakeStack) -> None:
    stack.values = {"quantile_over_time": 0.7, "count_over_time": 16, 'outcome!="replayed"}[5m]))': 0.7}

    with pytest.raises(DrillFailed, match=r"After 0 min .* others book 0\.70/s"), usual.usual(field, Load(field, [])):
        pass


def test_a_query_without_an_answer_is_nothing(field: Field) -> None:
    assert value_of(field.stack, "nothing") == 0.0


def test_the_list_tells_alert_and_duration(promontory: Promontory, stack: FakeStack) -> None:
    listed = {one["name"]: one for one in json.loads(promontory("drill", "--list", "--json").stdout)["catalogue"]}

    assert listed["sample-app-latency"]["alert"] == "SampleAppLatencyHigh"
    assert all(listed[name]["about_s"] > 60 for name in APP_DRILLS)
    assert "sample-app-latency" in promontory("drill", "--list").stdout


def test_the_sample_app_of_hosts_that_are_no_lab_hosts_is_not_drilled_without_yes(promontory: Promontory, stack: FakeStack) -> None:
    result = promontory("drill", "sample-app-latency")

    assert result.exit_code == 2
    assert "add --yes" in result.stderr
