"""An alert over a metric that nobody exports is found; one over a metric that comes with its failure is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.promontory.stack.plugins.module_utils.proof import rule_metrics

from promontory.promql import metrics_of as parsed_metrics

URL = "http://127.0.0.1:9090"
RULES = Path(__file__).resolve().parents[2] / "rules"


def alert(name: str, query: str) -> dict[str, str]:
    """An alerting rule as Prometheus tells it."""
    return {"type": "alerting", "name": name, "query": query}


def recording(name: str, query: str) -> dict[str, str]:
    """A recording rule as Prometheus tells it."""
    return {"type": "recording", "name": name, "query": query}


@pytest.mark.parametrize(
    ("expression", "metrics"),
    [
        ("up == 0", {"up"}),
        ('sum by (instance, job) (rate(a_total{x="up > 1", y=~"b|c"}[5m])) > 0.5', {"a_total"}),
        ("a / on (instance) group_left (version) b_info offset 5m", {"a", "b_info"}),
        ("avg without(cpu)(rate(c[1h:5m] offset 1d)) # d > 1\n  and e", {"c", "e"}),
        ('{__name__="f", job="x"} or absent(g{h="i"})', {"f", "g"}),
        ("slo:errors:rate5m{slo='x'} * 3600 > bool 1e3", {"slo:errors:rate5m"}),
        ("time() - j_seconds > Inf or vector(1)", {"j_seconds"}),
        ("k @ end() unless ignoring (l) m", {"k", "m"}),
        ("sum(n) by (o) > 1", {"n"}),
        ('r{s="#"} > 1  # isn\'t t\nor u{v="w"}', {"r", "u"}),
        ("topk(3, p) and quantile(0.9, q)", {"p", "q"}),
        ("vector(1)", set()),
    ],
)
def test_the_metrics_of_an_expression_are_found(expression: str, metrics: set[str]) -> None:
    assert rule_metrics.metrics_of(expression) == metrics


@pytest.mark.parametrize("path", sorted(RULES.glob("*.yml")), ids=lambda path: path.stem)
def test_it_finds_in_our_own_rules_what_a_parser_finds(path: Path) -> None:
    """The hosts have no parser; theirs is compared with the real one here."""
    groups = (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("groups") or []
    expressions = [str(rule["expr"]) for group in groups for rule in group["rules"]]

    differing = [text for text in expressions if rule_metrics.metrics_of(text) != set(parsed_metrics(text))]

    assert differing == []


def test_a_recorded_series_is_followed_to_its_source() -> None:
    groups: list[dict[str, Any]] = [
        {"rules": [recording("r:one", "rate(a_total[5m])"), recording("r:two", "r:one + b")]},
        {"rules": [alert("A", "r:two > 1"), alert("B", "b > 1")]},
    ]

    assert rule_metrics.wanted(groups) == {"a_total": ["A"], "b": ["A", "B"]}


def test_all_exported_is_well() -> None:
    found = rule_metrics.judge({"up": ["TargetDown"]}, ["up", "other"], [], URL)

    assert (found.ok, found.detail) == (True, "1 metrics of alerts, all exported")


def test_a_metric_that_nobody_exports_is_told_with_its_alerts_and_the_way_out() -> None:
    found = rule_metrics.judge({"node_lod1": ["HostLoadHigh"], "up": ["TargetDown"]}, ["up"], [], URL)

    assert not found.ok
    assert (
        "nobody exports: node_lod1 (HostLoadHigh). Correct the rule, or name the metric in verify_rare_metrics"
        in found.detail
    )
    assert found.look == f"curl -s {URL}/api/v1/label/__name__/values"


def test_a_metric_that_comes_with_its_failure_may_be_missing() -> None:
    wanted = {"pg_replication_lag_seconds": ["Lag"], "a_total": ["A"]}

    assert rule_metrics.judge(wanted, [], ["pg_replication_*", "a_total"], URL).ok
    assert not rule_metrics.judge(wanted, [], ["pg_replication_*", "a"], URL).ok


def test_many_are_counted() -> None:
    found = rule_metrics.judge({f"m{number}": ["A"] for number in range(9)}, [], [], URL)

    assert "; and 6 more." in found.detail
