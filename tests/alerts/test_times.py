"""Working hours and maintenance windows become time intervals that mean the same."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from ansible_collections.promontory.stack.plugins.plugin_utils.alertmanager import AlertmanagerError, clock, times

HOURS = {"location": "UTC", "times": [{"start_time": "08:00", "end_time": "18:00"}]}
WINDOW = {"name": "db", "matchers": ['instance="db1"'], "location": "UTC"}


def moments_of(window: dict[str, Any], first: datetime, last: datetime, step: timedelta) -> list[datetime]:
    """The moments of a stretch of time at which a window holds."""
    [named], _ = times.maintenance([window])
    hours = clock.read({"time_intervals": [named]})
    found = []
    while first <= last:
        if hours.within(named["name"], first):
            found.append(first)
        first += step
    return found


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-12-01 22:00", "2026-12-01 23:30"),
        ("2026-12-01 22:00", "2026-12-02 00:00"),
        ("2026-12-01 00:00", "2026-12-02 00:00"),
        ("2026-12-01 22:00", "2026-12-02 02:00"),
        ("2026-12-30 13:17", "2027-02-03 04:05"),
        ("2027-02-27 00:00", "2027-03-02 00:00"),
    ],
)
@pytest.mark.parametrize("location", ["UTC", "America/New_York"])
def test_a_window_holds_from_its_start_to_its_end_and_not_a_minute_longer(start: str, end: str, location: str) -> None:
    zone = ZoneInfo(location)
    begins, ends = (datetime.fromisoformat(text).replace(tzinfo=zone) for text in (start, end))
    step = timedelta(minutes=13) if ends - begins < timedelta(days=2) else timedelta(hours=7)
    window = {**WINDOW, "start": start, "end": end, "location": location}

    held = moments_of(window, begins - timedelta(days=2), ends + timedelta(days=2), step)

    assert held, "it holds at some time"
    assert all(begins <= moment < ends for moment in held)
    assert moments_of(window, begins, begins, step) == [begins]
    assert moments_of(window, ends - timedelta(minutes=1), ends, timedelta(minutes=1)) == [ends - timedelta(minutes=1)]


def test_a_weekly_window_goes_on_past_midnight() -> None:
    weekly = {**WINDOW, "weekly": [{"weekdays": ["saturday"], "start_time": "23:00", "end_time": "01:30"}]}
    first = datetime(2026, 11, 1, tzinfo=UTC)  # a Sunday

    held = moments_of(weekly, first, first + timedelta(days=8), timedelta(minutes=30))

    assert [f"{moment:%a %H:%M}" for moment in held] == [
        "Sun 00:00", "Sun 00:30", "Sun 01:00", "Sat 23:00", "Sat 23:30", "Sun 00:00", "Sun 00:30", "Sun 01:00",
    ]  # fmt: skip


def test_moments_and_dates_may_be_what_yaml_makes_of_them() -> None:
    window = {**WINDOW, "start": datetime(2026, 12, 1, 22, 0), "end": "2026-12-01T23:00"}

    [named], _ = times.maintenance([window])
    [_, holidays] = times.working_hours({**HOURS, "holidays": [date(2026, 12, 25), "01-06"]})

    assert named["time_intervals"][0]["times"] == [{"start_time": "22:00", "end_time": "23:00"}]
    assert holidays["time_intervals"] == [
        {"days_of_month": ["25"], "months": ["12"], "years": ["2026"], "location": "UTC"},
        {"days_of_month": ["6"], "months": ["1"], "location": "UTC"},
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"location": ""}, "alertmanager_working_hours has no location", id="no zone"),
        pytest.param({"location": "Mars/Base"}, "location 'Mars/Base' is no time zone", id="no such zone"),
        pytest.param({"times": []}, r"alertmanager_working_hours.times is empty", id="no times"),
        pytest.param(
            {"times": [{"start_time": "18:00", "end_time": "08:00"}]},
            "18:00 to 08:00 ends before it starts",
            id="backwards",
        ),
        pytest.param(
            {"weekdays": ["mondays"]}, r"alertmanager_working_hours.weekdays: 'mondays' is none of", id="no weekday"
        ),
        pytest.param({"holidays": ["2026-02-30"]}, "holidays: '2026-02-30' is no date", id="a day that is not"),
        pytest.param({"holidays": ["Christmas"]}, "holidays: 'Christmas' is no date; write 2026-12-25", id="a name"),
        pytest.param({"holidays": ["25.12."]}, "is no date", id="another order"),
    ],
)
def test_hours_that_cannot_be_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(AlertmanagerError, match=message):
        times.working_hours({**HOURS, **changes})


ONCE = {"start": "2026-12-01 22:00", "end": "2026-12-02 02:00"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({}, "needs either start and end, or weekly", id="no time"),
        pytest.param(
            {"start": "2026-12-01 22:00"}, "needs both start and end; a window without an end is refused", id="no end"
        ),
        pytest.param(
            {**ONCE, "end": "2026-12-01 21:00"}, r"\(db\) ends .* before it starts", id="ends before it starts"
        ),
        pytest.param({**ONCE, "end": "2026-12-01 22:00"}, "before it starts", id="no length"),
        pytest.param({**ONCE, "end": "2027-12-01 22:00"}, "lasts 365 days, the limit is 92", id="a year"),
        pytest.param(
            {**ONCE, "start": "tomorrow"}, r"start is 'tomorrow', but must be a time such as", id="no time at all"
        ),
        pytest.param({**ONCE, "start": "2026-11-31 22:00"}, "start is '2026-11-31 22:00'", id="no such day"),
        pytest.param({**ONCE, "start": "2026-12-01 22:00+01:00"}, "the zone stands in location", id="an offset"),
        pytest.param({**ONCE, "weekly": [{"weekdays": ["sunday"]}]}, "needs either", id="both kinds"),
        pytest.param({**ONCE, "location": "Nowhere"}, "location 'Nowhere' is no time zone", id="no such zone"),
        pytest.param({**ONCE, "location": ""}, "has no location", id="no zone"),
        pytest.param({**ONCE, "matchers": []}, "has no matchers", id="whose alerts"),
        pytest.param({**ONCE, "matchers": ["instance db1"]}, "is no matcher", id="no matcher"),
        pytest.param({**ONCE, "matchers": ['a=~"("']}, "broken regular expression", id="a broken expression"),
        pytest.param({**ONCE, "name": "my window"}, "a name has letters", id="a name with a space"),
        pytest.param(
            {"weekly": [{"weekdays": [], "start_time": "01:00", "end_time": "02:00"}]},
            "weekly has no weekdays",
            id="no weekday",
        ),
        pytest.param(
            {"weekly": [{"weekdays": ["sunday"], "start_time": "01:00", "end_time": "01:00"}]},
            "01:00 to 01:00 has no length",
            id="weekly, no length",
        ),
    ],
)
def test_windows_that_cannot_be_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(AlertmanagerError, match=message):
        times.maintenance([{**WINDOW, **changes}])


def test_a_name_stands_for_one_window() -> None:
    with pytest.raises(AlertmanagerError, match="the name 'db' is used twice"):
        times.maintenance([{**WINDOW, **ONCE}, {**WINDOW, **ONCE}])
