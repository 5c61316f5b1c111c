"""A rule broken on purpose must make one of its own tests fail: a test that stays green proves nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rules.mutants import check_rules, mutants, verdicts
from tests.rules.rulebook import Alert, written_alerts

pytestmark = pytest.mark.network


@pytest.mark.parametrize("alert", written_alerts(), ids=lambda alert: alert.id)
def test_no_mutant_of_the_rule_passes_its_tests(alert: Alert, promtool: Path, tmp_path: Path) -> None:
    broken = list(mutants(alert.rule))
    check_rules(promtool, [mutant.rule for mutant in broken], tmp_path)

    whole, *alive = verdicts(promtool, [alert.rule, *(mutant.rule for mutant in broken)], alert.tests(), tmp_path)

    assert whole, "the rule alone does not pass its own tests"
    assert [mutant.what for mutant, lives in zip(broken, alive, strict=True) if lives] == []


def test_mutants_break_each_limit_both_ways() -> None:
    rule = {
        "alert": "A",
        "expr": 'x{a=~"b", c!="d"} > 0.2 and y == 0  # > 7 in a comment is no limit\n',
        "for": "5m",
        "labels": {},
        "annotations": {},
    }

    found = {mutant.what for mutant in mutants(rule)}

    assert found == {
        "> 0.2 flipped",
        "> 0.2 moved to 0.15",
        "> 0.2 moved to 0.25",
        "== 0 flipped",
        "== 0 moved to -1",
        "== 0 moved to 1",
        "for dropped",
        "for doubled",
        "never holds",
        "always holds",
    }


def test_mutants_move_a_threshold_that_is_compared_with_nothing() -> None:
    rule = {
        "alert": "A",
        "expr": "predict_linear(x[1h], 14400)  # threshold: x_ahead_seconds\n  < 0\n",
        "labels": {},
        "annotations": {},
    }

    found = {mutant.what: mutant.rule["expr"] for mutant in mutants(rule)}

    assert found["x_ahead_seconds moved to 10800"].startswith("predict_linear(x[1h], 10800)")
    assert found["x_ahead_seconds moved to 18000"].startswith("predict_linear(x[1h], 18000)")
