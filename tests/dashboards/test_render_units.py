"""Values and axes are written as Grafana writes them."""

from __future__ import annotations

import pytest

from promontory.dashboards.render.scale import number_ticks, time_ticks
from promontory.dashboards.render.units import base_of, written, written_axis

NOW = 1_795_342_500.0


# By the rules of Grafana's valueFormats.ts: about three digits, filled up with zeros; one less below zero.
@pytest.mark.parametrize(
    ("value", "unit", "decimals", "text"),
    [
        (0, "short", None, "0"),
        (7, "short", None, "7"),
        (0.5, "short", None, "0.500"),
        (0.123, "short", None, "0.123"),
        (12.34, "short", None, "12.3"),
        (1234, "short", None, "1.23 K"),
        (1_500_000, "short", None, "1.50 Mil"),
        (-1500, "short", None, "-1.5 K"),
        (0.8, "percentunit", None, "80%"),
        (0.00123, "percentunit", None, "0.123%"),
        (0.8049, "percentunit", 0, "80%"),
        (12.5, "percent", None, "12.5%"),
        (0.0123, "s", None, "12.3 ms"),
        (0.0000042, "s", None, "4.20 µs"),
        (42, "s", None, "42 s"),
        (90, "s", None, "1.50 mins"),
        (3600, "s", None, "1 hour"),
        (250, "ms", None, "250 ms"),
        (1024, "bytes", None, "1 KiB"),
        (5 * 1024**3, "bytes", None, "5 GiB"),
        (1500, "Bps", None, "1.50 kB/s"),
        (3, "reqps", None, "3 req/s"),
        (2500, "reqps", None, "2.50K req/s"),
        (0.25, "ops", None, "0.250 ops/s"),
        (90061, "dtdurations", None, "1 day"),
        (90061, "dtdurations", 2, "1 day, 1 hour, 1 minute"),
        (-120, "dtdurations", None, "2 minutes ago"),
        (1000 * (NOW - 7200), "dateTimeFromNow", None, "2 hours ago"),
        (100.5, "none", 0, "101"),
        (100.37, "none", 1, "100.4"),
        (10000086.123, "ms", 1, "2.8 hours"),
        (0, "dtdurations", None, "0 seconds"),
        (5, "none", None, "5"),
        (5, "suffix:apples", None, "5 apples"),
    ],
)
def test_a_value_with_its_unit(value: float, unit: str, decimals: int | None, text: str) -> None:
    """Three digits or the panel's own number of them; the prefix grows with the value."""
    assert written(value, unit, decimals, now=NOW) == text


def test_the_marks_of_an_axis_share_their_digits() -> None:
    """0.25 is not written 0.3 because 0.5 needs one digit only."""
    assert written_axis([0, 0.25, 0.5], "short") == ["0", "0.25", "0.50"]
    assert written_axis([0, 0.025, 0.05], "percentunit") == ["0%", "2.5%", "5.0%"]
    assert written_axis([0, 0.5, 1.0], "s") == ["0 s", "500 ms", "1 s"]


def test_marks_are_round_in_their_unit() -> None:
    """Sizes in powers of 1024, times as on clocks, all else in tens."""
    mebi = 1024**2
    assert number_ticks(0, 200 * mebi, 4, base_of("bytes")) == [0, 50 * mebi, 100 * mebi, 150 * mebi, 200 * mebi]
    assert number_ticks(0, 500, 4, base_of("s")) == [0, 300, 600]
    assert number_ticks(0.2, 0.9, 4) == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert number_ticks(3, 3, 4) == [3, 4]


def test_times_are_round() -> None:
    """Within an hour by minutes; a day begins with its date."""
    start = 1_795_305_600 - 600   # ten minutes before midnight, UTC
    assert [text for _, text in time_ticks(start, start + 1800, 3)] == ["23:50", "11-22", "00:10", "00:20"]
