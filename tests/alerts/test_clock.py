"""Time intervals contain what Alertmanager says they contain; the cases follow its own timeinterval_test.go."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from ansible_collections.promontory.stack.plugins.plugin_utils.alertmanager import AlertmanagerError, clock


def at(text: str) -> datetime:
    """A moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("interval", "inside", "outside"),
    [
        pytest.param({}, ["2020-07-08 09:00"], [], id="nothing said is always"),
        pytest.param(
            {"times": [{"start_time": "09:00", "end_time": "17:00"}], "weekdays": ["monday:friday"]},
            ["2020-07-08 09:00", "2020-07-08 16:59"],
            ["2020-07-08 08:59", "2020-07-08 17:00", "2020-07-11 12:00", "2020-07-05 12:00"],
            id="business hours",
        ),
        pytest.param(
            {"days_of_month": ["-1"], "months": ["december"]},
            ["2020-12-31 23:00"],
            ["2020-12-30 23:00", "2020-11-30 01:00"],
            id="the last day",
        ),
        pytest.param(
            {"days_of_month": ["-3:-1"]},
            ["2021-02-26 00:00", "2021-02-28 23:59", "2020-02-27 12:00"],
            ["2021-02-25 23:59", "2020-02-26 12:00"],
            id="the last three days, also in a leap year",
        ),
        pytest.param(
            {"days_of_month": ["1:31"], "months": ["february"]},
            ["2020-02-29 12:00", "2020-02-01 00:00"],
            ["2020-03-01 12:00"],
            id="clamped",
        ),
        pytest.param(
            {"days_of_month": ["31"]}, ["2020-01-31 12:00"], ["2020-04-30 12:00"], id="a day that a month lacks"
        ),
        pytest.param(
            {"days_of_month": ["1:-2"]}, ["2020-04-29 12:00"], ["2020-04-30 12:00"], id="up to the last but one"
        ),
        pytest.param(
            {"years": ["2020:2022"]},
            ["2020-01-01 00:00", "2022-12-31 23:59"],
            ["2019-12-31 23:59", "2023-01-01 00:00"],
            id="years",
        ),
        pytest.param(
            {"months": ["may:august", "12"]},
            ["2020-05-01 00:00", "2020-12-24 18:00"],
            ["2020-09-01 00:00"],
            id="months by name and number",
        ),
        pytest.param({"weekdays": ["Sunday"]}, ["2026-11-22 12:00"], ["2026-11-23 00:00"], id="capital letters"),
        pytest.param(
            {
                "times": [{"start_time": "00:00", "end_time": "24:00"}],
                "location": "Australia/Sydney",
                "weekdays": ["saturday"],
            },
            ["2020-07-10 14:00", "2020-07-11 13:59"],
            ["2020-07-10 13:59", "2020-07-11 14:00"],
            id="a day elsewhere",
        ),
        pytest.param(
            {"times": [{"start_time": "09:00", "end_time": "10:00"}], "location": "Europe/Berlin"},
            ["2026-03-28 08:30", "2026-03-29 07:30"],
            ["2026-03-28 07:30", "2026-03-29 08:30"],
            id="summer time begins",
        ),
    ],
)
def test_contains(interval: dict[str, Any], inside: list[str], outside: list[str]) -> None:
    read = clock.interval(interval, "here")

    assert [moment for moment in inside if not read.contains(at(moment))] == []
    assert [moment for moment in outside if read.contains(at(moment))] == []


@pytest.mark.parametrize(
    ("interval", "message"),
    [
        pytest.param(
            {"times": [{"start_time": "17:00", "end_time": "09:00"}]},
            "17:00 to 09:00 ends before it starts",
            id="backwards",
        ),
        pytest.param(
            {"times": [{"start_time": "9:00", "end_time": "17:00"}]},
            "start_time is '9:00', but must be a time",
            id="one digit",
        ),
        pytest.param(
            {"times": [{"start_time": 540, "end_time": "17:00"}]}, "put it into quotes", id="a number of YAML 1.1"
        ),
        pytest.param({"times": [{"start_time": "09:00", "end_time": "25:00"}]}, "end_time is '25:00'", id="hour 25"),
        pytest.param({"times": [{"start": "09:00"}]}, "must be {start_time", id="other keys"),
        pytest.param({"weekdays": ["mon"]}, "'mon' is none of sunday, monday", id="an abbreviation"),
        pytest.param({"weekdays": ["saturday:sunday"]}, "ends before it starts", id="a week begins on sunday"),
        pytest.param({"weekdays": ["1"]}, "'1' is none of", id="a weekday's number"),
        pytest.param({"months": ["13"]}, "'13' is none of january", id="month 13"),
        pytest.param({"days_of_month": ["0"]}, "'0' is none of", id="day 0"),
        pytest.param({"location": "Europe/Berlon"}, "location 'Europe/Berlon' is no time zone", id="no such place"),
        pytest.param({"location": "../etc/passwd"}, "is no time zone", id="a path"),
        pytest.param({"day": ["monday"]}, "'day' is none of days_of_month", id="an unknown key"),
    ],
)
def test_what_is_no_interval_is_refused(interval: dict[str, Any], message: str) -> None:
    with pytest.raises(AlertmanagerError, match=message):
        clock.interval(interval, "here")


def test_muted_until_is_the_next_moment_at_which_the_route_speaks() -> None:
    hours = {"weekdays": ["monday:friday"], "times": [{"start_time": "08:00", "end_time": "18:00"}], "location": "UTC"}
    holidays = {"days_of_month": ["25:26"], "months": ["december"], "location": "UTC"}
    named = clock.read(
        {
            "time_intervals": [
                {"name": "hours", "time_intervals": [hours]},
                {"name": "holidays", "time_intervals": [holidays]},
            ]
        }
    )

    christmas_eve = at("2026-12-24 18:00")  # a Thursday; the weekend comes after the holidays

    assert named.mutes(["holidays"], ["hours"], christmas_eve) == ("hours",)
    assert named.mutes(["holidays"], ["hours"], at("2026-12-25 09:00")) == ("holidays",)
    assert named.next_speaking(["holidays"], ["hours"], christmas_eve) == at("2026-12-28 08:00")
    assert named.next_speaking(["holidays"], ["hours"], at("2026-12-28 08:00")) == at("2026-12-28 08:00")


def test_a_route_that_never_speaks_has_no_such_moment() -> None:
    named = clock.read({"time_intervals": [{"name": "past", "time_intervals": [{"years": ["2001"]}]}]})

    assert named.next_speaking([], ["past"], at("2026-01-01 00:00")) is None
