"""Every expression of a rule is well typed, and every metric and label in it exists in the catalogue."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from promontory.catalogue import load
from promontory.promql import check, labels_of, with_rules
from tests.rules.rulebook import RULES, Alert, alerts, book, stems


@cache
def catalogue() -> Any:
    """The recorded metrics and the ones that rules record."""
    return with_rules(load(), RULES)


def expressions() -> list[Any]:
    """Every expression of every rule, named by file, rule and place."""
    return [
        pytest.param(str(rule["expr"]), id=f"{stem}-{rule.get('alert') or rule['record']}-{number}")
        for stem in stems()
        for number, rule in enumerate(
            rule for group in book.groups_of(RULES / f"{stem}.yml") for rule in group["rules"]
        )
    ]


@pytest.mark.parametrize("expression", expressions())
def test_the_expression_fits_the_catalogue(expression: str) -> None:
    problems = check(expression, catalogue(), scrape_interval_s=15)

    assert [f"{problem.code}: {problem.message}" for problem in problems] == []


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert.id)
def test_a_number_that_hosts_may_differ_in_belongs_to_a_result_with_instance(alert: Alert) -> None:
    """Else the rule of one host could not be told from the other's."""
    labels = labels_of(str(alert.rule["expr"]), catalogue())
    of_hosts = [name for name, (threshold, _) in alert.thresholds().items() if threshold.scope == "host"]

    assert not of_hosts or labels is None or "instance" in labels, of_hosts
