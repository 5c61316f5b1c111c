"""What the documentation promises about outages is what promtool measures with the rules as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rules import outages
from tests.rules.rulebook import PROJECT

PAGE = PROJECT / "docs/how-to/service-levels.md"
BEGIN, END = "<!-- outages: measured by `python -m tests.rules.outages` -->\n", "<!-- outages: end -->"


@pytest.fixture(scope="module")
def notices(promtool: Path) -> list[outages.Notice]:
    """Every alert in every simulated outage."""
    return outages.measure(promtool)


def told(notices: list[outages.Notice], name: str) -> dict[str, outages.Notice]:
    """What told of one outage."""
    return {notice.alert: notice for notice in notices if notice.outage.name == name}


@pytest.mark.network
def test_the_documented_table_is_what_is_measured(notices: list[outages.Notice]) -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert page.split(BEGIN)[1].split(END)[0].strip() == outages.table(notices).strip()


@pytest.mark.network
def test_a_total_outage_pages_within_two_minutes_and_is_over_within_six(notices: list[outages.Notice]) -> None:
    page = told(notices, "everything fails")["SloBurnFast"]

    assert (page.detected <= 120, page.over <= 360) == (True, True)


@pytest.mark.network
def test_half_a_minute_of_failures_and_a_short_trickle_tell_nobody(notices: list[outages.Notice]) -> None:
    assert told(notices, "everything fails, for 30 s") == {}
    assert told(notices, "1 request of 100 fails, for half an hour") == {}


@pytest.mark.network
def test_at_low_traffic_the_probe_pages_and_failures_alone_wait(notices: list[outages.Notice]) -> None:
    unreachable = told(notices, "nobody gets through, at 6 requests an hour")
    failing = told(notices, "everything fails but the probe, at 6 requests an hour")

    assert unreachable["SloBurnFast"].detected <= 120
    assert set(failing) == {"SloFailuresAtLowTraffic"}
