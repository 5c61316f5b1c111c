"""What is read from ansible-runner's events, and the picture of the run made from them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from promontory.display import LiveDisplay, PlainDisplay, make_display
from promontory.events import HostResult, HostWorking, Outcome, PlayStarted, Recap, from_runner, unified_diff
from promontory.inventory import from_listing
from promontory.progress import Progress, expect, play_names

COMPONENT = "promontory.stack.component"


def result(host: str = "one", component: str = "prometheus", outcome: Outcome = Outcome.OK, **more: Any) -> HostResult:
    """Build a component's result."""
    values = {"play": "Provision", "task": "It is as declared", "action": COMPONENT, **more}
    return HostResult(host=host, component=component, outcome=outcome, **values)


def raw(kind: str, res: dict[str, Any] | None = None, **body: Any) -> dict[str, Any]:
    """Build an event as ansible-runner hands it out."""
    return {"event": kind, "event_data": {"play": "p", "task": "t", "host": "one", "res": res or {}, **body}}


@pytest.mark.parametrize(
    ("event", "outcome"),
    [
        pytest.param(raw("runner_on_ok"), Outcome.OK, id="ok"),
        pytest.param(raw("runner_on_ok", {"changed": True}), Outcome.CHANGED, id="changed"),
        pytest.param(raw("runner_on_skipped"), Outcome.SKIPPED, id="skipped"),
        pytest.param(raw("runner_on_failed"), Outcome.FAILED, id="failed"),
        pytest.param(raw("runner_on_failed", ignore_errors=True), Outcome.IGNORED, id="ignored"),
        pytest.param(raw("runner_on_unreachable"), Outcome.UNREACHABLE, id="unreachable"),
    ],
)
def test_outcomes(event: dict[str, Any], outcome: Outcome) -> None:
    read = from_runner(event)

    assert isinstance(read, HostResult)
    assert read.outcome is outcome


@pytest.mark.parametrize(
    ("res", "message"),
    [
        pytest.param({"msg": "no space left"}, "no space left", id="message"),
        pytest.param({"msg": "rc 1", "stderr": "bad rule"}, "rc 1\nbad rule", id="message and stderr"),
        pytest.param({"msg": "same", "stderr": "same"}, "same", id="said twice"),
        pytest.param(
            {"msg": "One or more items failed", "results": [{"msg": "fine"}, {"failed": True, "msg": "item 2 is bad"}]},
            "item 2 is bad", id="loop",
        ),
        pytest.param({"censored": "hidden"}, "hidden", id="no_log"),
    ],
)
def test_the_message_is_what_the_program_said(res: dict[str, Any], message: str) -> None:
    read = from_runner(raw("runner_on_failed", res))

    assert isinstance(read, HostResult)
    assert read.message == message


def test_a_wall_of_text_is_cut() -> None:
    read = from_runner(raw("runner_on_failed", {"msg": "x" * 100_000}))

    assert isinstance(read, HostResult)
    assert len(read.message) <= 2000


@pytest.mark.parametrize(
    ("diff", "expected"),
    [
        pytest.param(None, "", id="none"),
        pytest.param({"before": "a\n", "after": "a\n"}, "", id="equal"),
        pytest.param({"before": "", "after": "b\n"}, "--- before\n+++ after\n@@ -0,0 +1 @@\n+b\n", id="new"),
        pytest.param({"before": "a", "after": "b"}, "--- before\n+++ after\n@@ -1 +1 @@\n-a\n+b\n", id="no newline"),
        pytest.param({"prepared": "+ made\n"}, "+ made\n", id="prepared"),
        pytest.param([{"prepared": "x"}, {"prepared": "y"}], "x\ny\n", id="several"),
        pytest.param(
            {"before": {"mode": "0644"}, "after": {"mode": "0600"}},
            "--- before\n+++ after\n@@ -1 +1 @@\n-mode: 0644\n+mode: 0600\n", id="attributes",
        ),
    ],
)
def test_diffs_of_every_shape_become_unified_ones(diff: object, expected: str) -> None:
    assert unified_diff(diff) == expected


def test_a_component_is_named_after_its_role() -> None:
    read = from_runner(raw("runner_on_ok", role="promontory.stack.edge"))

    assert isinstance(read, HostResult)
    assert read.component == "edge"


def test_a_component_that_was_only_judged_is_preflight() -> None:
    read = from_runner(raw("runner_on_failed", {"phase": "preflight"}, role="edge", task_action=COMPONENT))

    assert isinstance(read, HostResult)
    assert read.is_preflight


def test_what_is_left_is_counted_by_host() -> None:
    progress = expect({"one": ["mailbox", "prometheus", "edge"]}, ["Check", "Provision", "Verify"])

    progress.apply(PlayStarted("Provision"))
    progress.apply(HostWorking("Provision", "t", "one", "prometheus"))
    progress.apply(result(component="mailbox"))
    progress.apply(result(component="prometheus", outcome=Outcome.CHANGED))

    assert progress.hosts["one"].left == ["edge"]
    assert progress.hosts["one"].changed == 1
    assert progress.position == "2 of 3"
    assert progress.phases_left == ["Verify"]


def test_a_component_that_was_only_judged_is_not_done() -> None:
    progress = expect({"one": ["mailbox"]}, ["Check", "Provision"])
    progress.apply(PlayStarted("Check"))

    progress.apply(result(component="mailbox", phase="preflight"))

    assert progress.hosts["one"].left == ["mailbox"]


def test_a_component_that_is_taken_away_does_not_count_as_one_of_those_to_come() -> None:
    """Else the table says nine of eight."""
    progress = expect({"one": ["mailbox"]}, ["Provision"])
    progress.apply(result(component="mailbox"))

    progress.apply(result(component="pushgateway", outcome=Outcome.CHANGED))
    progress.apply(result(component=""))

    assert progress.hosts["one"].done == ["mailbox"]
    assert progress.hosts["one"].changed == 1


def test_finished_phases_know_their_time_and_changes() -> None:
    now = [0.0]
    progress = Progress(phases=["A", "B"], hosts={}, clock=lambda: now[0])

    progress.apply(PlayStarted("A"))
    progress.apply(result(outcome=Outcome.CHANGED))
    now[0] = 4.0
    progress.apply(PlayStarted("B"))

    assert progress.finished == [("A", 4.0, 1)]


def test_play_names_follow_imports_and_leave_out_skipped_tags(tmp_path: Path) -> None:
    (tmp_path / "site.yml").write_text(
        "- {name: Check, hosts: all}\n- {hosts: web}\n- {import_playbook: verify.yml}\n"
        "- {ansible.builtin.import_playbook: verify.yml, tags: [slow]}\n"
    )
    (tmp_path / "verify.yml").write_text("- {name: Ask, hosts: all, tags: verify}\n")

    assert play_names(tmp_path / "site.yml") == ["Check", "web", "Ask", "Ask"]
    assert play_names(tmp_path / "site.yml", skip_tags=["slow"]) == ["Check", "web", "Ask"]
    assert play_names(tmp_path / "site.yml", skip_tags=["verify"]) == ["Check", "web"]


def test_components_of_a_host_come_from_its_groups_in_order_with_the_users_own() -> None:
    listing = {
        "_meta": {"hostvars": {"one": {"stack_components_extra": {"redis_exporter": {"order": 25}}}}},
        "all": {"children": ["ungrouped", "prometheus", "mailbox", "redis_exporter", "sites"]},
        "prometheus": {"hosts": ["one", "two"]},
        "mailbox": {"hosts": ["one"]},
        "redis_exporter": {"hosts": ["one"]},
        "sites": {"children": ["mailbox"]},
    }

    inventory = from_listing(listing, {"prometheus": {"order": 50}, "mailbox": {"order": 10}})

    assert inventory.components == {"one": ["mailbox", "redis_exporter", "prometheus"], "two": ["prometheus"]}
    assert inventory.groups["sites"] == ["one"]
    assert not inventory.is_lab


def test_plain_output_is_lines_without_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(stderr=True, force_terminal=False)
    progress = expect({"one": ["prometheus", "edge"]}, ["Provision"])

    with make_display(console, "Provisioning", progress) as display:
        assert isinstance(display, PlainDisplay)
        display.show(PlayStarted("Provision"))
        display.show(result(outcome=Outcome.CHANGED))
        display.show(result(outcome=Outcome.FAILED, message="[x] broken\nsecond line"))

    printed = capsys.readouterr().err
    assert "Provision (phase 1 of 1)" in printed
    assert "one: prometheus: It is as declared: changed; 1 of 2 components left" in printed
    assert "FAILED: [x] broken" in printed
    assert "second line" not in printed
    assert "\x1b" not in printed


def test_a_terminal_gets_a_live_table_and_lasting_lines_for_phases_and_failures() -> None:
    console = Console(stderr=True, force_terminal=True, width=120, record=True, force_interactive=False)
    progress = expect({"one": ["prometheus", "edge"]}, ["Check", "Provision", "Verify"])

    with make_display(console, "Provisioning", progress) as display:
        assert isinstance(display, LiveDisplay)
        display.show(PlayStarted("Check"))
        display.show(PlayStarted("Provision"))
        display.show(HostWorking("Provision", "t", "one", "edge"))
        display.show(result(component="prometheus", outcome=Outcome.CHANGED))
        console.print(display._table())
        display.show(result(component="edge", outcome=Outcome.FAILED, message="nginx says [no]"))
        display.show(Recap())

    text = console.export_text()
    assert "✓ Check" in text
    assert "phase 2 of 3" in text
    assert "then: Verify" in text
    assert "1/2" in text
    assert "✗ one: It is as declared: nginx says [no]" in text
