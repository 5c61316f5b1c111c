"""When a rule fires over given values."""

from __future__ import annotations

from promontory.backtest.firing import Firing, alerts
from promontory.backtest.history import Rule, Series

TIMES = [float(second) for second in range(0, 600, 15)]
LABELS = {"instance": "db1"}


def values(*stretches: tuple[float, float], value: float = 2.0) -> Series:
    """Return a series with a value at every evaluation from each start up to, not including, each end."""
    return Series(LABELS, {now: value for now in TIMES if any(start <= now < end for start, end in stretches)})


def fire(series: Series, *, for_s: float = 0, keep_firing_s: float = 0) -> list[tuple[float, float, float | None]]:
    fired, _ = alerts(Rule("Full", "x > 1", for_s=for_s, keep_firing_s=keep_firing_s), [series], TIMES, {})
    return [(one.pending_at, one.fired_at, one.ended_at) for one in fired]


def test_without_for_it_fires_at_the_first_sample_and_ends_at_the_first_gap() -> None:
    assert fire(values((30, 75))) == [(30, 30, 75)]


def test_it_fires_at_the_first_evaluation_at_least_for_later() -> None:
    assert fire(values((30, 300)), for_s=60) == [(30, 90, 300)]
    assert fire(values((30, 300)), for_s=61) == [(30, 105, 300)]


def test_a_shorter_time_is_nearly() -> None:
    fired, near = alerts(Rule("Full", "x > 1", for_s=60), [values((30, 90))], TIMES, {})

    assert fired == []
    assert [(one.start, one.end) for one in near] == [(30, 90)]


def test_a_gap_begins_for_anew() -> None:
    assert fire(values((0, 60), (75, 180)), for_s=60) == [(75, 135, 180)]


def test_keep_firing_counts_from_the_first_gap() -> None:
    assert fire(values((0, 60)), keep_firing_s=30) == [(0, 0, 90)]


def test_a_sample_while_it_is_kept_firing_is_the_same_alert() -> None:
    assert fire(values((0, 60), (75, 120)), keep_firing_s=30) == [(0, 0, 150)]


def test_what_still_fires_has_no_end() -> None:
    fired, _ = alerts(Rule("Full", "x > 1"), [values((540, 600))], TIMES, {})

    assert fired[0].ended_at is None
    assert fired[0].seconds(600) == 60


def test_the_alert_has_the_labels_that_alertmanager_gets() -> None:
    rule = Rule("Full", "x > 1", labels={"severity": "critical", "team": "{{ $labels.team }}"})
    series = Series({"instance": "db1", "environment": "stage"}, {0.0: 5.0, 15.0: 7.0})

    (fired,), _ = alerts(rule, [series], TIMES, {"environment": "prod", "site": "north"})

    labels = {"alertname": "Full", "instance": "db1", "environment": "stage", "site": "north", "severity": "critical"}
    assert fired == Firing(labels, 0, 0, 30, worst=7.0)
