"""Service level objectives: what is refused, and what they compile to."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.promontory.stack.plugins.plugin_utils.rules import RulesError, slo, slo_rules

SHOP: dict[str, Any] = {
    "name": "shop-availability",
    "service": "shop",
    "team": "payments",
    "objective": 0.999,
    "errors": 'requests_total{code=~"5.."}',
    "total": "requests_total",
}
LATENCY = {"histogram": "request_seconds", "selector": 'job="shop"', "below_seconds": 0.5}


def without(*keys: str, **more: Any) -> dict[str, Any]:
    """The shop's objective without some keys, with others."""
    return {**{key: value for key, value in SHOP.items() if key not in keys}, **more}


def recorded(line: dict[str, Any]) -> dict[str, str]:
    """Expressions of the recording rules by record and SLI."""
    groups = slo_rules.groups(slo.read([line]))
    return {
        f"{rule['record']} {rule.get('labels', {}).get('sli', '')}".strip(): str(rule["expr"])
        for group in groups
        for rule in group["rules"]
        if "record" in rule
    }


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("shop", r"rules_slos\[0\] is 'shop', not a mapping"),
        (without("team"), r"rules_slos\[0\] \(shop-availability\)\.team is missing"),
        (without(name="Shop"), "must have lower-case letters"),
        (without(objective=99.9), r"objective is 99\.9, but must be a ratio between 0 and 1; write 0\.999 for 99\.9 %"),
        (without(objective=1), "must be a ratio between 0 and 1"),
        (without(objective="0.999"), "must be a ratio"),
        (without("errors", "total"), "says not what is measured"),
        (without("errors"), "needs both errors and total"),
        (without(latency=LATENCY), "make two objectives of them"),
        (without("errors", "total", latency={"histogram": "x"}), "below_seconds is None"),
        (without("errors", "total", latency={"name": "x"}), "latency must be"),
        (without(window="7d"), "window is '7d', but must be one of 30d, 28d"),
        (without(page_severity="page"), "must be one of critical, warning, info"),
        (without(floor_per_hour=0), "must be a number above 0"),
        (without(errors_min=True), "must be a number above 0"),
        (without(objektive=1), "objektive is no known key"),
        (without(total="sum(rate(a[$window]))"), "needs present"),
    ],
)
def test_a_wrong_objective_is_refused(line: Any, said: str) -> None:
    with pytest.raises(RulesError, match=said):
        slo.read([line])


def test_two_objectives_of_one_name_are_refused() -> None:
    with pytest.raises(RulesError, match="two objectives are called shop-availability"):
        slo.read([SHOP, SHOP])


def test_no_objective_makes_no_rule() -> None:
    assert slo_rules.groups([]) == []


def test_a_selector_becomes_a_rate_and_missing_errors_are_none() -> None:
    found = recorded(SHOP)

    assert found["slo:events:rate5m requests"] == "sum by (environment) (rate(requests_total[5m]))"
    assert found["slo:errors:rate1h requests"] == (
        'sum by (environment) (rate(requests_total{code=~"5.."}[1h]))\n'
        "or sum by (environment) (rate(requests_total[1h])) * 0\n"
    )


def test_an_expression_is_taken_with_its_window() -> None:
    found = recorded(without(errors="rate(a[$window]) + rate(b[$window])", total="rate(c[$window])", present="c"))

    assert found["slo:errors:rate30m requests"].startswith("sum by (environment) (rate(a[30m]) + rate(b[30m]))\n")


def test_slow_requests_are_those_above_the_bound_however_it_is_written() -> None:
    half = recorded(without("errors", "total", latency=LATENCY))
    whole = recorded(without("errors", "total", latency={**LATENCY, "below_seconds": 1}))

    assert 'request_seconds_bucket{job="shop", le="0.5"}' in half["slo:errors:rate5m requests"]
    assert 'le=~"1|1.0"' in whole["slo:errors:rate5m requests"]


def test_a_probe_is_a_second_indicator() -> None:
    found = recorded(without(probe='probe_success{probe="shop"}'))

    assert (
        found["slo:events:rate5m probe"]
        == 'sum by (environment) (count_over_time(probe_success{probe="shop"}[5m])) / 300'
    )
    assert {name.split()[-1] for name in found if name.startswith("slo:errors:rate5m ")} == {"requests", "probe"}


def test_only_what_counts_requests_has_the_alert_on_low_traffic() -> None:
    def names(line: dict[str, Any]) -> set[str]:
        groups = slo_rules.groups(slo.read([line]))
        return {rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule}

    assert names(SHOP) - names(without("errors", "total", probe="probe_success")) == {"SloFailuresAtLowTraffic"}


def test_severities_and_limits_are_those_of_the_objective() -> None:
    (one,) = slo.read([without(page_severity="warning", ticket_severity="info", errors_min=2, floor_per_hour=600)])
    alerts = {rule["alert"]: rule for rule in slo_rules.groups([one])[-1]["rules"]}

    assert alerts["SloBurnFast"]["labels"]["severity"] == "warning"
    assert alerts["SloBurnSlow"]["labels"]["severity"] == "info"
    assert "* 3600 > 599.5  # fixed" in alerts["SloBurnFast"]["expr"]
    assert "* 86400 > 1.5  # fixed" in alerts["SloBurnSlow"]["expr"]
