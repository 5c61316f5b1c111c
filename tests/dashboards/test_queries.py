"""Grafana's variables in queries, resolved as Grafana does; and the matchers that are put into selectors."""

from __future__ import annotations

import pytest

from promontory.dashboards.queries import Window, resolved
from promontory.dashboards.scope import narrowed

HOUR = Window(start=1_000_000, end=1_003_600)


@pytest.mark.parametrize(
    ("expr", "wanted"),
    [
        ('up{job=~"$job"}', 'up{job=~".+"}'),
        ('up{instance=~"$instance"}', 'up{instance=~"(web1|10\\\\.0\\\\.0\\\\.1:9100)"}'),
        ('up{instance=~"${instance:regex}"}', 'up{instance=~"(web1|10\\\\.0\\\\.0\\\\.1:9100)"}'),
        ('up{environment=~"$environment"}', 'up{environment=~"prod"}'),
        ("rate(x[$__rate_interval])", "rate(x[60s])"),
        ("rate(x[$__interval])", "rate(x[15s])"),
        ("increase(x[$__range]) / $__range_s", "increase(x[3600s]) / 3600"),
    ],
)
def test_variables_are_resolved(expr: str, wanted: str) -> None:
    """All is `.+`, several values are an alternative, special characters are escaped for PromQL and its regular expression."""
    chosen = {"instance": ["web1", "10.0.0.1:9100"], "environment": ["prod"]}
    assert resolved(expr, HOUR, chosen) == wanted


@pytest.mark.parametrize(
    ("hours", "step", "rate"), [(1, 15, 60), (6, 30, 60), (24, 120, 135), (24 * 30, 3600, 3615)], ids=["1h", "6h", "24h", "30d"]
)
def test_steps_follow_the_range(hours: int, step: int, rate: int) -> None:
    """A rate never looks back less far than to the last point, nor less than four scrapes."""
    window = Window(start=0, end=3600 * hours)
    assert (window.step_s, window.rate_interval_s) == (step, rate)


@pytest.mark.parametrize(
    ("expr", "wanted"),
    [
        ("up", 'up{job=~"$job"}'),
        ("up{}", 'up{job=~"$job"}'),
        ('up{job="a"}', 'up{job="a"}'),
        ('up{x="}", }', 'up{x="}", job=~"$job"}'),
        ("sum by (job) (rate(foo_total[5m] offset 1w))", 'sum by (job) (rate(foo_total{job=~"$job"}[5m] offset 1w))'),
        ("a / on (x) group_left (y) b", 'a{job=~"$job"} / on (x) group_left (y) b{job=~"$job"}'),
        ("sum without (x) (a) and b", 'sum without (x) (a{job=~"$job"}) and b{job=~"$job"}'),
        ("quantile_over_time(0.5, sum(a)[2h:5m])", 'quantile_over_time(0.5, sum(a{job=~"$job"})[2h:5m])'),
        ('{__name__="a"}', '{__name__="a", job=~"$job"}'),
        ("sum(a) by (b)", 'sum(a{job=~"$job"}) by (b)'),
        ("topk(5, a:b:c) > bool 1e3", 'topk(5, a:b:c{job=~"$job"}) > bool 1e3'),
        ("rate(a[$__rate_interval])", 'rate(a{job=~"$job"}[$__rate_interval])'),
        ("time() - vector(1)", "time() - vector(1)"),
        ('label_replace(a, "x", "$1", "y", "(.*)")', 'label_replace(a{job=~"$job"}, "x", "$1", "y", "(.*)")'),
        ("a # and b\n+ 1", 'a{job=~"$job"} # and b\n+ 1'),
    ],
)
def test_selectors_are_narrowed(expr: str, wanted: str) -> None:
    """Every selector, and nothing else."""
    assert narrowed(expr, ["job"]) == wanted
