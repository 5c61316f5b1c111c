"""Each kind of mistake is found, with its name in the message; what is right is left alone."""

from __future__ import annotations

import pytest

from promontory.catalogue import Catalogue, Metric
from promontory.promql import check, labels_of, metrics_of
from promontory.promql.rules import with_groups

TARGET = {"job", "instance", "environment"}


def metric(name: str, kind: str, *labels: str, job: str = "shop") -> Metric:
    return Metric(name, kind, "", "", {job: frozenset({*TARGET, *labels})})


CATALOGUE = Catalogue(
    {
        item.name: item
        for item in (
            metric("requests_total", "counter", "code", "route"),
            metric("started_total", "counter"),
            metric("ended_total", "counter"),
            metric("in_flight", "gauge", "route"),
            metric("duration_seconds_bucket", "histogram", "le", "route"),
            metric("duration_seconds_count", "histogram", "route"),
            metric("pause_seconds", "summary", "quantile"),
            metric("pause_seconds_sum", "summary"),
            metric("last_login_timestamp_seconds", "gauge"),
            metric("requests_created", "gauge", "code", "route"),
            metric("build_info", "gauge", "version"),
            metric("kernel_faults", "unknown", job="host"),
        )
    }
    | {"up": Metric("up", "gauge", "", "", {"shop": frozenset(TARGET), "host": frozenset(TARGET)})}
    | {"pushed": Metric("pushed", "unknown", "", "", {"*": frozenset(TARGET)})}
)

WRONG = {
    "rate(requests_total[5m]": ("syntax", "unclosed"),
    "rate(requests_total)": ("syntax", "expected type"),
    "reqests_total": ("unknown-metric", "did you mean requests_total?"),
    'up{job="shopp"}': ("unknown-job", "exported by host, shop"),
    'kernel_faults{job="shop"}': ("unknown-job", "exported by host"),
    'in_flight{rout="/"}': ("unknown-label", "did you mean route?"),
    'up{job="shop", route=~".+"}': ("unknown-label", "up has no label route"),
    "sum by (route) (up)": ("lost-label", "by (route)"),
    "sum by (version) (sum by (job) (build_info))": ("lost-label", "by (version)"),
    "sum without (code) (in_flight)": ("lost-label", "without (code)"),
    "up and on (route) in_flight": ("lost-label", "on (route): the left side"),
    "up and ignoring (code) in_flight": ("lost-label", "ignoring (code): the left and the right side"),
    "up * on (instance) group_left (wersion) build_info": ("lost-label", "group_left (wersion)"),
    "build_info * on (instance) group_right (wersion) up": ("lost-label", "group_right (wersion)"),
    "rate(in_flight[5m])": ("rate-of-gauge", "rate() of in_flight"),
    "increase(pause_seconds[5m])": ("rate-of-gauge", "increase() of pause_seconds"),
    "deriv(requests_total[5m])": ("slope-of-counter", "deriv() of the counter requests_total"),
    "requests_total > 5": ("raw-counter", "requests_total is compared"),
    "sum(requests_total) > 5": ("raw-counter", "requests_total is compared"),
    "requests_total{code='500'} / requests_total": ("raw-counter", "taken with /"),
    "avg_over_time(requests_total[5m])": ("raw-counter", "bare value"),
    "duration_seconds_count": ("raw-counter", "duration_seconds_count"),
    "histogram_quantile(0.9, sum by (route) (rate(duration_seconds_bucket[5m])))": (
        "quantile-without-le",
        "no label le",
    ),
    "histogram_quantile(0.9, rate(duration_seconds_count[5m]))": ("quantile-without-le", "no label le"),
    "rate(requests_total[59s])": ("short-range", "less than 4 scrapes; take 60 s"),
    "max_over_time(in_flight[29s])": ("short-range", "less than 2 scrapes; take 30 s"),
}

RIGHT = [
    "rate(requests_total[1m])",
    'sum by (route) (rate(requests_total{code=~"5.."}[5m])) / sum by (route) (rate(requests_total[5m])) > 0.1',
    "histogram_quantile(0.9, sum by (le, route) (rate(duration_seconds_bucket[5m])))",
    "started_total - ended_total > 3",
    "requests_total - requests_total offset 1h > 3",
    "count(requests_total) > 3",
    "changes(requests_total[5m]) > 0",
    "absent(requests_total)",
    "time() - last_login_timestamp_seconds > 60",
    "time() - requests_created > 60",
    "rate(kernel_faults[5m]) > 1",
    "rate(pause_seconds_sum[5m])",
    "up == 0 unless requests_total",
    "up * on (instance, job) group_left (version) build_info",
    'label_replace(up, "host", "$1", "instance", "(.+):.*") and on (host) label_replace(up, "host", "$1", "instance", "(.+)")',
    'pushed{job="nightly"}',
    'ALERTS{alertname="X", anything="y"}',
    '{__name__=~"request.+"}',
    "vector(1)",
    "max_over_time(rate(requests_total[1m])[1h:])",
]


@pytest.mark.parametrize("expression", WRONG)
def test_a_mistake_is_named(expression: str) -> None:
    code, words = WRONG[expression]

    found = check(expression, CATALOGUE)

    assert [problem.code for problem in found] == [code], found
    assert words in found[0].message


@pytest.mark.parametrize("expression", RIGHT)
def test_what_is_right_is_left_alone(expression: str) -> None:
    assert check(expression, CATALOGUE) == []


def test_a_range_is_judged_by_the_scrape_interval() -> None:
    assert check("rate(requests_total[1m])", CATALOGUE, scrape_interval_s=15) == []
    assert [problem.code for problem in check("rate(requests_total[1m])", CATALOGUE, scrape_interval_s=30)] == [
        "short-range"
    ]


def test_the_metrics_of_an_expression_are_all_it_asks_for() -> None:
    expression = 'sum(rate(requests_total[5m])) / (up + {__name__="in_flight"}) unless vector(1)'

    assert metrics_of(expression) == {"requests_total", "up", "in_flight"}


@pytest.mark.parametrize(
    ("expression", "labels"),
    {
        "up": TARGET,
        "sum by (instance) (up)": {"instance"},
        "sum without (instance) (up)": {"job", "environment"},
        "sum(up)": set(),
        "topk by (job) (3, in_flight)": {*TARGET, "route"},
        'count_values("value", up)': {"value"},
        "absent(up{job='shop', instance=~'x.*'})": {"job"},
        "absent(sum(up{job='shop'}))": set(),
        "up > on (instance) in_flight": {"instance"},
        "up > ignoring (job) in_flight": {"instance", "environment"},
        "up * on (instance) group_left (version) build_info": {*TARGET, "version"},
        "up or in_flight": {*TARGET, "route"},
        "3 < up": TARGET,
        "-in_flight": {*TARGET, "route"},
        "histogram_quantile(0.9, rate(duration_seconds_bucket[5m]))": {*TARGET, "route"},
        'label_replace(up, "host", "$1", "instance", "(.+)")': {*TARGET, "host"},
        "vector(1)": set(),
    }.items(),
)
def test_labels_of_a_result_are_those_that_are_left(expression: str, labels: set[str]) -> None:
    assert labels_of(expression, CATALOGUE) == labels


def test_where_nobody_can_tell_the_labels_nothing_is_said_of_them() -> None:
    assert labels_of('ALERTS{alertname="X"}', CATALOGUE) is None
    assert check("sum by (whatever) (ALERTS)", CATALOGUE) == []


def test_recorded_names_are_known_with_their_labels_also_through_one_another() -> None:
    groups = [
        {
            "rules": [
                {"record": "route:errors:ratio", "expr": "route:errors:rate5m / route:requests:rate5m"},
                {"record": "route:errors:rate5m", "expr": 'sum by (route) (rate(requests_total{code=~"5.."}[5m]))'},
                {
                    "record": "route:requests:rate5m",
                    "expr": "sum by (route) (rate(requests_total[5m]))",
                    "labels": {"slo": "x"},
                },
            ]
        }
    ]

    known = with_groups(CATALOGUE, groups)

    assert labels_of("route:errors:ratio", known) == {"route"}
    assert check('route:errors:ratio{route="/"} > 0.1', known) == []
    assert [problem.code for problem in check('route:errors:ratio{code="500"}', known)] == ["unknown-label"]
    assert labels_of("route:requests:rate5m", known) == {"route", "slo"}
