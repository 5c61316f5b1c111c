"""A rule broken on purpose must make one of its own tests fail: a test that stays green proves nothing."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.rules.rulebook import Alert, Mutant, alerts, check_rules, mutants, passes

pytestmark = pytest.mark.network


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert.name)
def test_no_mutant_of_the_rule_passes_its_tests(alert: Alert, promtool: Path, tmp_path: Path) -> None:
    tests = alert.tests()
    broken = list(mutants(alert.rule))
    check_rules(promtool, [mutant.rule for mutant in broken], tmp_path)
    assert passes(promtool, alert.rule, tests, tmp_path / "whole"), "the rule alone does not pass its own tests"

    def survives(numbered: tuple[int, Mutant]) -> bool:
        number, mutant = numbered
        return passes(promtool, mutant.rule, tests, tmp_path / str(number))

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        alive = list(pool.map(survives, enumerate(broken)))

    assert [mutant.what for mutant, lives in zip(broken, alive, strict=True) if lives] == []


def test_mutants_break_each_limit_both_ways() -> None:
    rule = {"alert": "A", "expr": 'x{a=~"b", c!="d"} > 0.2 and y == 0', "for": "5m", "labels": {}, "annotations": {}}

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
