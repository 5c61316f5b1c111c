"""The rules hold with every promtool we support, look alike, and each has its tests."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from promontory.reference import alerts as reference
from tests.rules.mutants import QUICK, TOOL_TIMEOUT_S
from tests.rules.rulebook import PROJECT, RULES, Alert, alerts, book, promtool_tests, seconds, stems, written_alerts

Done = subprocess.CompletedProcess[str]

SEVERITIES = {"critical", "warning", "info"}
LABELS = {"severity", "team", "service"}
ANNOTATIONS = {"summary", "description", "impact", "action", "runbook_url", "dashboard_url"}
# Past the routes for people: the heartbeat and the proof of the path.
ROUTED_APART = {"Watchdog": "heartbeat", "PromontorySynthetic": "synthetic"}
# Nothing can keep the heartbeat from firing, so no test can show it silent.
ALWAYS_FIRING = {"Watchdog"}
# A number without its unit is no value for somebody woken at night: a share, a time, a size, a count of named things, or
# the metric itself as `name = value`.
VALUE = re.compile(
    r"\{\{ ?\$value( \| (humanize(Percentage|Duration|1024)?|printf \"%\.\df\"|humanizePercentage))? ?\}\}"
)
DASHBOARD = re.compile(r"d/promontory-[a-z-]+\?var-environment=")
# An objective's name is no label of its series where they are missing.
OBJECTIVE = re.compile(r"&var-slo=[a-z0-9_-]+$")
VARIABLE = re.compile(r"var-(?P<name>[a-z_]+)=\{\{ ?\$labels\.(?P<label>[a-z_]+) \| urlquery ?\}\}")

every_alert = pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert.id)
every_written_alert = pytest.mark.parametrize("alert", written_alerts(), ids=lambda alert: alert.id)


@pytest.fixture(scope="session")
def judged(request: pytest.FixtureRequest, real_program: Callable[[str, str], Path]) -> dict[tuple[str, str], Done]:
    """What promtool says of every rule file that is asked about, by stem and suite; as many at once as there are processors."""
    ours = [
        item for item in request.session.items if isinstance(item, pytest.Function) and "suite" in item.fixturenames
    ]
    asked = [(str(item.callspec.params["stem"]), str(item.callspec.params["suite"])) for item in ours]
    tools = {suite: real_program("prometheus", suite) / "promtool" for _, suite in asked}

    def judge(stem: str, suite: str) -> Done:
        return subprocess.run(
            [tools[suite], "test", "rules", f"{stem}.test.yml"],
            cwd=RULES / "tests", capture_output=True, text=True, timeout=TOOL_TIMEOUT_S, check=False, env=QUICK,
        )  # fmt: skip

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(asked, pool.map(lambda one: judge(*one), asked), strict=True))


@pytest.mark.network
@pytest.mark.parametrize("suite", ["trixie", "sid"])
@pytest.mark.parametrize("stem", stems())
def test_rules_pass_their_unit_tests_on_old_and_new_prometheus(
    stem: str, suite: str, judged: dict[tuple[str, str], Done]
) -> None:
    done = judged[stem, suite]

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_rule_file_has_a_test_file_and_the_other_way_round() -> None:
    tested = {path.name.removesuffix(".test.yml") for path in (RULES / "tests").glob("*.yml")}

    assert tested == set(stems())


@pytest.mark.parametrize("stem", stems())
def test_tests_ask_about_no_alert_that_is_gone(stem: str) -> None:
    """promtool takes a misspelt name for an alert that is silent, and says nothing."""
    known = {alert.name for alert in alerts() if alert.file == stem}

    asked = {
        case["alertname"] for group in promtool_tests(stem)["tests"] for case in group.get("alert_rule_test") or []
    }

    assert asked <= known


def test_alert_names_are_unique() -> None:
    names = [alert.name for alert in written_alerts()] + sorted(
        {alert.name for alert in alerts() if alert.file == "slo"}
    )

    assert sorted(names) == sorted(set(names))


def firing(case: dict[str, Any]) -> list[dict[str, Any]]:
    """What a case says is firing; nothing where it says silent."""
    return case.get("exp_alerts") or []


def groups(alert: Alert) -> list[list[dict[str, Any]]]:
    """The questions about an alert by test group, in the order of time."""
    return [
        sorted(group["alert_rule_test"], key=lambda case: seconds(case["eval_time"]))
        for group in alert.tests()["tests"]
    ]


@every_alert
def test_alert_is_shown_firing_with_its_annotations_and_silent(alert: Alert) -> None:
    cases = alert.cases()
    fired = [expected for case in cases for expected in firing(case)]
    silent = [case for case in cases if not firing(case)]

    assert fired, "no test shows it firing"
    assert all(set(expected["exp_annotations"]) == ANNOTATIONS for expected in fired)
    assert silent or alert.name in ALWAYS_FIRING, "no test shows it silent"


@every_alert
def test_alert_is_shown_to_resolve(alert: Alert) -> None:
    """An alert that never ends is acknowledged once and then ignored."""
    ends = any(
        firing(earlier) and not firing(later)
        for cases in groups(alert)
        for number, earlier in enumerate(cases)
        for later in cases[number + 1 :]
    )

    assert ends or alert.name in ALWAYS_FIRING, "no test group has it silent after it fired"


@every_alert
def test_alert_is_shown_silent_one_evaluation_before_it_fires(alert: Alert) -> None:
    """The boundary of `for`."""
    step = seconds(promtool_tests(alert.file).get("evaluation_interval", "1m"))
    boundary = any(
        firing(at) and not firing(before) and seconds(at["eval_time"]) - seconds(before["eval_time"]) == step
        for cases in groups(alert)
        for number, at in enumerate(cases)
        for before in cases[:number]
    )

    assert boundary or "for" not in alert.rule, f"no test group asks {step:g} s before it fires"


@every_alert
def test_alert_is_asked_for_where_its_series_are_missing(alert: Alert) -> None:
    without = [group for group in alert.tests()["tests"] if not group.get("input_series")]

    assert without, "no test group with `input_series: []` asks about it"


@every_alert
def test_alert_has_the_labels_that_routes_rest_on(alert: Alert) -> None:
    labels = dict(alert.rule["labels"])

    assert labels.pop("route", None) == ROUTED_APART.get(alert.name)
    assert set(labels) - {"slo"} == LABELS
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
def test_alert_links_to_a_dashboard_with_the_values_of_its_own_labels(alert: Alert) -> None:
    url = OBJECTIVE.sub("", alert.rule["annotations"]["dashboard_url"])
    labels = [set(expected["exp_labels"]) for case in alert.cases() for expected in firing(case)]
    used = {found["label"] for found in VARIABLE.finditer(url)}

    assert DASHBOARD.match(url), f"{url} does not begin with d/promontory-…?var-environment="
    assert url.count("var-") == len(VARIABLE.findall(url)) or alert.name in ALWAYS_FIRING, (
        f"{url} has a value that is no label"
    )
    missing = [used - one - {"environment"} for one in labels if not used - {"environment"} <= one]
    assert not missing, f"{url} uses labels that the alert lacks: {missing}"


@every_alert
def test_alert_tells_its_for_or_fires_on_a_window(alert: Alert) -> None:
    """`for` keeps a single bad sample from paging; without it the expression itself must look at a window."""
    # The ledger is recomputed every minute, and time does not heal it: one look is enough.
    windowless = {"Watchdog", "PromontorySynthetic", "SampleAppLedgerImbalance"}

    assert "for" in alert.rule or re.search(r"\[\d+[smhd]|rate\d+[mhd]", alert.rule["expr"]) or alert.name in windowless


def test_files_yml_names_every_rule_file_and_no_other() -> None:
    """A file without its components would be deployed nowhere."""
    assert set(book.load(RULES / book.FILES)) == set(stems())


def test_what_is_generated_from_the_rules_is_up_to_date() -> None:
    """Defaults, types and documentation of the thresholds, and the table of alerts."""
    differing = [path.name for path, text in reference.texts(PROJECT) if path.read_text(encoding="utf-8") != text]

    assert differing == [], "run python -m promontory.reference"
