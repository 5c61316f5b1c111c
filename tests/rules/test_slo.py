"""The objectives' rules are what the compiler makes of the defaults, and their tests notice when one is broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from promontory.reference.alerts import compiled_slos
from tests.rules.mutants import check_rules, mutants, verdicts
from tests.rules.rulebook import COMPILED, PROJECT, RULES, Alert, alerts

FIRST = "sample_app-availability"
OBJECTIVES = {"sample_app-availability", "sample_app-latency", "edge-availability"}
OF_ALL = {"SloBurnFast", "SloBurnSteady", "SloBurnSlow", "SloBurnCreeping", "SloBudgetExhausted", "SloMetricsMissing"}
OF_REQUESTS = {"SloFailuresAtLowTraffic"}

compiled = [alert for alert in alerts() if alert.file == COMPILED]


def test_the_committed_file_is_what_the_default_objectives_compile_to() -> None:
    committed = (RULES / "slo.yml").read_text(encoding="utf-8")

    assert committed == compiled_slos(PROJECT), "out of date: run python -m promontory.reference"


@pytest.mark.parametrize("objective", sorted(OBJECTIVES))
def test_every_objective_has_every_alert(objective: str) -> None:
    names = {alert.name for alert in compiled if alert.rule["labels"]["slo"] == objective}

    assert names == OF_ALL | (OF_REQUESTS if objective != "edge-availability" else set())


@pytest.mark.network
@pytest.mark.parametrize(
    "alert", [alert for alert in compiled if alert.rule["labels"]["slo"] == FIRST], ids=lambda alert: alert.id
)
def test_no_mutant_of_an_objectives_alert_passes_its_tests(alert: Alert, promtool: Path, tmp_path: Path) -> None:
    """The other objectives' alerts come from the same lines of the compiler."""
    beside = [other.rule for other in compiled if other.name == alert.name and other.rule is not alert.rule]
    broken = list(mutants(alert.rule))
    check_rules(promtool, [mutant.rule for mutant in broken], tmp_path)

    whole, *alive = verdicts(
        promtool, [alert.rule, *(mutant.rule for mutant in broken)], alert.tests(), tmp_path, beside
    )

    assert whole, "the rule alone does not pass its own tests"
    assert [mutant.what for mutant, lives in zip(broken, alive, strict=True) if lives] == []
