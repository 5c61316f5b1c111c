"""What the routes would have sent."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from promontory.backtest.firing import Firing
from promontory.backtest.mails import notifications

HOUR = 3600.0
MONDAY_NINE = datetime(2026, 11, 16, 9, tzinfo=UTC).timestamp()


def firing(start: float, end: float | None, name: str = "Full", **labels: str) -> Firing:
    return Firing({"alertname": name, "instance": "db1", **labels}, start, start, end, 1.0)


def config(*, send_resolved: bool = True, **route: Any) -> dict[str, Any]:
    usual = {"group_by": ["alertname"], "group_wait": "30s", "group_interval": "5m", "repeat_interval": "4h"}
    return {
        "route": {"receiver": "people", **usual, **route},
        "receivers": [
            {"name": "people", "email_configs": [{"to": "a@example.net", "send_resolved": send_resolved}]},
            {"name": "hook", "webhook_configs": [{"url": "https://hook.example.net"}]},
        ],
    }


def sent(firings: list[Firing], routes: dict[str, Any], end: float = 24 * HOUR) -> list[tuple[float, int, int]]:
    return [(one.at, one.firing, one.resolved) for one in notifications(firings, routes, end)]


def test_one_alert_is_two_mails() -> None:
    assert sent([firing(0, 600)], config()) == [(30, 1, 0), (630, 0, 1)]


def test_an_end_is_no_mail_for_who_does_not_want_it() -> None:
    assert sent([firing(0, 600)], config(send_resolved=False)) == [(30, 1, 0)]


def test_alerts_within_the_group_wait_are_one_mail() -> None:
    storm = [firing(number / 10, 600, instance=f"db{number}") for number in range(60)]

    assert sent(storm, config()) == [(30, 60, 0), (630, 0, 60)]


def test_an_alert_that_joins_is_told_at_the_next_interval() -> None:
    joined = [firing(0, 2000), firing(100, 2000, instance="db2")]

    assert sent(joined, config())[:2] == [(30, 1, 0), (330, 2, 0)]


def test_what_is_over_before_the_first_look_is_never_told() -> None:
    assert sent([firing(0, 20)], config()) == []


def test_an_unchanged_group_is_told_again_after_the_repeat_interval() -> None:
    times = [at for at, _, _ in sent([firing(0, None)], config(), end=13 * HOUR)]

    assert times == [30, 30 + 4 * HOUR + 300, 30 + 8 * HOUR + 600, 30 + 12 * HOUR + 900], "at the first look after it"


def test_flapping_between_two_looks_is_one_alert() -> None:
    flapping = [firing(0, 100), firing(200, 2000)]

    assert sent(flapping, config()) == [(30, 1, 0), (2130, 0, 1)]


def test_groups_are_told_apart() -> None:
    assert len(sent([firing(0, None), firing(0, None, "Other")], config(), end=60)) == 2


def test_a_route_that_goes_on_tells_both() -> None:
    routes = config(routes=[{"receiver": "hook", "continue": True}, {"receiver": "people"}])

    told = notifications([firing(0, None)], routes, 60)

    assert sorted((one.receiver, one.integration, one.is_mail) for one in told) == [("hook", "webhook", False), ("people", "email", True)]


def test_outside_of_working_hours_nobody_is_told_until_they_begin() -> None:
    routes = config(routes=[{"matchers": ['severity="warning"'], "active_time_intervals": ["work"]}])
    routes["time_intervals"] = [{"name": "work", "time_intervals": [{"times": [{"start_time": "09:00", "end_time": "17:00"}]}]}]
    early = firing(MONDAY_NINE - 2 * HOUR, MONDAY_NINE + HOUR, severity="warning")
    night = firing(MONDAY_NINE - 6 * HOUR, MONDAY_NINE - 5 * HOUR, "Other", severity="warning")

    times = [one.at - MONDAY_NINE for one in notifications([early, night], routes, MONDAY_NINE + 4 * HOUR)]

    assert len(times) == 2
    assert 0 <= times[0] < 300, "the first look of the day"
    assert HOUR <= times[1] < HOUR + 300


def test_what_is_inhibited_is_not_told() -> None:
    told = notifications([firing(0, 600)], config(), HOUR, inhibited=lambda labels, at: labels["instance"] == "db1")

    assert told == []
