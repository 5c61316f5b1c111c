"""The rules hold with every promtool we support, look alike, and each has its tests and its runbook."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.rules.rulebook import RULES, RUNBOOKS, TOOL_TIMEOUT_S, Alert, alerts, promtool_tests

SEVERITIES = {"critical", "warning", "info"}
LABELS = {"severity", "team", "service"}
ANNOTATIONS = {"summary", "description", "impact", "action", "runbook_url"}
# Past the routes for people: the heartbeat and the proof of the path.
ROUTED_APART = {"Watchdog": "heartbeat", "PromontorySynthetic": "synthetic"}
# Nothing can keep the heartbeat from firing, so no test can show it silent.
ALWAYS_FIRING = {"Watchdog"}
SECTIONS = ["Meaning", "Impact", "First look", "Fix", "False alarm", "How it was tested"]
# A number without its unit is no value for somebody woken at night: a share, a time, a count of named things, or the
# metric itself as `name = value`.
VALUE = re.compile(r"\{\{ \$value (\| humanize(Percentage|Duration) |\| printf \"%\.\df\" )?\}\}")

every_alert = pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert.name)


@pytest.mark.network
@pytest.mark.parametrize("suite", ["trixie", "sid"])
def test_rules_pass_their_unit_tests_on_old_and_new_prometheus(
    suite: str, real_program: Callable[[str, str], Path]
) -> None:
    promtool = real_program("prometheus", suite) / "promtool"
    files = sorted(path.name for path in (RULES / "tests").glob("*.test.yml"))

    done = subprocess.run(
        [promtool, "test", "rules", *files],
        cwd=RULES / "tests",
        capture_output=True,
        text=True,
        timeout=TOOL_TIMEOUT_S,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_rule_file_has_a_test_file_and_the_other_way_round() -> None:
    rules = {path.stem for path in RULES.glob("*.yml")}
    tested = {path.name.removesuffix(".test.yml") for path in (RULES / "tests").glob("*.yml")}

    assert tested == rules


def test_tests_ask_about_no_alert_that_is_gone() -> None:
    """promtool takes a misspelt name for an alert that is silent, and says nothing."""
    known = {(alert.file, alert.name) for alert in alerts()}

    asked = {
        (file, case["alertname"])
        for file in {alert.file for alert in alerts()}
        for group in promtool_tests(file)["tests"]
        for case in group["alert_rule_test"]
    }

    assert asked <= known


def test_alert_names_are_unique() -> None:
    names = [alert.name for alert in alerts()]

    assert sorted(names) == sorted(set(names))


@every_alert
def test_alert_is_shown_firing_with_its_annotations_and_silent(alert: Alert) -> None:
    cases = alert.cases()
    firing = [expected for case in cases for expected in case.get("exp_alerts", [])]
    silent = [case for case in cases if not case.get("exp_alerts")]

    assert firing, "no test shows it firing"
    assert all(set(expected["exp_annotations"]) == ANNOTATIONS for expected in firing)
    assert silent or alert.name in ALWAYS_FIRING, "no test shows it silent"


@every_alert
def test_alert_has_the_labels_that_routes_rest_on(alert: Alert) -> None:
    labels = dict(alert.rule["labels"])

    assert labels.pop("route", None) == ROUTED_APART.get(alert.name)
    assert set(labels) == LABELS
    assert labels["severity"] in SEVERITIES


@every_alert
def test_alert_tells_what_a_person_woken_by_it_needs(alert: Alert) -> None:
    annotations = alert.rule["annotations"]

    assert set(annotations) == ANNOTATIONS
    assert all(text == text.strip() and "\n" not in text for text in annotations.values())
    assert annotations["runbook_url"] == f"docs/runbooks/{alert.name}.md"
    assert "$value" not in annotations["summary"], "the subject of a thread must not change with the value"
    if alert.name not in ALWAYS_FIRING:
        assert VALUE.search(annotations["description"]), annotations["description"]


@every_alert
def test_alert_tells_its_for_or_fires_on_a_window(alert: Alert) -> None:
    """`for` keeps a single bad sample from paging; without it the expression itself must look at a window."""
    windowless = {"Watchdog", "PromontorySynthetic"}

    assert "for" in alert.rule or "[5m]" in alert.rule["expr"] or alert.name in windowless


def test_each_alert_has_a_runbook_and_each_runbook_an_alert() -> None:
    assert {path.stem for path in RUNBOOKS.glob("*.md")} == {alert.name for alert in alerts()}


@every_alert
def test_runbook_answers_the_same_questions_in_the_same_order(alert: Alert) -> None:
    text = (RUNBOOKS / f"{alert.name}.md").read_text(encoding="utf-8")
    severity = alert.rule["labels"]["severity"]

    assert text.startswith(f"# {alert.name}\n")
    assert re.findall(r"^## (.+)$", text, flags=re.MULTILINE) == SECTIONS
    assert f"Severity: {severity}" in text
    for section in re.split(r"^## .+$", text, flags=re.MULTILINE)[1:]:
        assert section.strip(), "an empty section"
