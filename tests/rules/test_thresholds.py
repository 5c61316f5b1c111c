"""A number stands once: what the expression compares with, the variable's default, the description and the runbook agree."""

from __future__ import annotations

import re

import pytest
from ansible_collections.promontory.stack.plugins.plugin_utils.rules import thresholds, units

from tests.rules.rulebook import Alert, alerts, known_thresholds, runbook

_COMMENT = re.compile(r"#.*$", re.MULTILINE)
_LIMIT = re.compile(r"(?:==|!=|<=|>=|<|>)\s*(?:bool\s+)?(?P<limit>-?\d+(?:\.\d+)?)")

every_alert = pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert.id)


@every_alert
def test_every_limit_is_a_threshold_or_says_why_it_is_not(alert: Alert) -> None:
    """0 and 1 are states; any other number in a comparison is an opinion that somebody may not share."""
    untold = [
        line.strip()
        for line in str(alert.rule["expr"]).splitlines()
        for found in _LIMIT.finditer(_COMMENT.sub("", line))
        if float(found["limit"]) not in (0, 1) and not re.search(r"# (threshold: [a-z0-9_]+|fixed: \S.*)\s*$", line)
    ]

    assert untold == []


@every_alert
def test_every_mark_is_read_and_known(alert: Alert) -> None:
    expression = str(alert.rule["expr"])
    marked = re.findall(r"# threshold: *(\S+)", expression)

    assert marked == [literal.name for literal in thresholds.literals(expression)], (
        "the last number of the line is the threshold"
    )
    assert sorted(set(marked) - set(known_thresholds())) == [], "not in thresholds.yml"
    assert [name for name in marked if known_thresholds()[name].alert != alert.name] == [], "another alert's"


@every_alert
def test_the_description_names_each_threshold_once(alert: Alert) -> None:
    description = alert.rule["annotations"]["description"]
    counted = {
        f"{name} ({units.written(value, threshold.unit)})": len(
            thresholds.places(description, units.written(value, threshold.unit))
        )
        for name, (threshold, value) in alert.thresholds().items()
    }

    assert {name: number for name, number in counted.items() if number != 1} == {}, description


@every_alert
def test_the_default_is_within_its_range_with_room_on_both_sides(alert: Alert) -> None:
    """A default at the edge of what is allowed can be moved one way only."""
    for name, (threshold, value) in alert.thresholds().items():
        assert threshold.minimum <= value <= threshold.maximum, name
        assert threshold.minimum < value or threshold.maximum > value, name


@every_alert
def test_a_threshold_of_hosts_belongs_to_an_alert_that_names_the_host(alert: Alert) -> None:
    of_hosts = [name for name, (threshold, _) in alert.thresholds().items() if threshold.scope == "host"]
    fired = [expected for case in alert.cases() for expected in case.get("exp_alerts") or []]

    assert not of_hosts or all("instance" in expected["exp_labels"] for expected in fired), of_hosts


@every_alert
def test_the_runbook_names_each_threshold_with_its_default(alert: Alert) -> None:
    text = runbook(alert.name)
    missing = [
        (threshold.variable, units.written(value, threshold.unit))
        for threshold, value in alert.thresholds().values()
        if threshold.variable not in text or not thresholds.places(text, units.written(value, threshold.unit))
    ]

    assert missing == []


def test_no_threshold_is_left_of_a_rule_that_is_gone() -> None:
    used = {name for alert in alerts() for name in alert.thresholds()}

    assert sorted(set(known_thresholds()) - used) == []
