"""Working hours, holidays and maintenance windows as Alertmanager's time intervals."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

from . import clock, matchers
from .errors import AlertmanagerError
from .matchers import Matcher

WORKING_HOURS = "working-hours"
HOLIDAYS = "holidays"
MAINTENANCE = "maintenance-"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2})(?::00)?")
_LONGEST_DAYS = 92  # longer than this is no maintenance, and would hide faults that nobody remembers
_DAY_ENDS = "24:00"

NamedInterval = dict[str, Any]  # {name, time_intervals} as in alertmanager.yml


@dataclass(frozen=True)
class Window:
    """One maintenance window.

    Attributes:
        interval: Name of its time interval.
        matchers: The alerts that are muted meanwhile, as texts.
        conditions: The same, parsed.
    """

    interval: str
    matchers: tuple[str, ...]
    conditions: tuple[Matcher, ...]


def working_hours(raw: Mapping[str, Any]) -> list[NamedInterval]:
    """Build the intervals of ``alertmanager_working_hours``; none where it is empty.

    Raises:
        AlertmanagerError: A place, weekday, time or date is none; it names key and value.
    """
    if not raw:
        return []
    where = "alertmanager_working_hours"
    location = _location(raw, where)
    interval: dict[str, Any] = {
        "weekdays": [str(day) for day in raw.get("weekdays") or ["monday:friday"]],
        "times": _times(raw.get("times"), f"{where}.times"),
        "location": location,
    }
    clock.interval(interval, where)
    named: list[NamedInterval] = [{"name": WORKING_HOURS, "time_intervals": [interval]}]
    holidays = [_holiday(day, location, f"{where}.holidays") for day in raw.get("holidays") or []]
    return [*named, {"name": HOLIDAYS, "time_intervals": holidays}] if holidays else named


def maintenance(raw: Sequence[Mapping[str, Any]]) -> tuple[list[NamedInterval], list[Window]]:
    """Build the intervals and windows of ``alertmanager_maintenance``.

    Raises:
        AlertmanagerError: A window has no name, no matchers, no time, or one that cannot be.
    """
    intervals: list[NamedInterval] = []
    windows: list[Window] = []
    for position, entry in enumerate(raw):
        name = str(entry.get("name") or "")
        where = f"alertmanager_maintenance[{position}] ({name or 'without name'})"
        if not _NAME.fullmatch(name):
            raise AlertmanagerError(
                f"{where}: a name has letters, digits, dot, dash and underscore, such as db-upgrade."
            )
        texts = tuple(str(text) for text in entry.get("matchers") or ())
        if not texts:
            raise AlertmanagerError(
                f"{where} has no matchers; say whose alerts are muted, such as ['instance=\"db1\"']."
            )
        interval = MAINTENANCE + name
        if interval in {window.interval for window in windows}:
            raise AlertmanagerError(f"{where}: the name {name!r} is used twice.")
        intervals.append({"name": interval, "time_intervals": _when(entry, where)})
        windows.append(Window(interval, texts, tuple(matchers.of_list(texts, f"{where}: matchers"))))
    return intervals, windows


def _when(entry: Mapping[str, Any], where: str) -> list[dict[str, Any]]:
    once, weekly = entry.get("start") or entry.get("end"), entry.get("weekly")
    if bool(once) == bool(weekly):
        raise AlertmanagerError(f"{where} needs either start and end, or weekly; a window without an end is refused.")
    location = _location(entry, where)
    if weekly:
        return [interval for one in weekly for interval in _weekly(one, location, f"{where}: weekly")]
    if not entry.get("start") or not entry.get("end"):
        raise AlertmanagerError(f"{where} needs both start and end; a window without an end is refused.")
    start, end = (_moment(entry[key], f"{where}: {key}") for key in ("start", "end"))
    if end <= start:
        raise AlertmanagerError(f"{where} ends ({end}) before it starts ({start}).")
    if end - start > timedelta(days=_LONGEST_DAYS):
        raise AlertmanagerError(
            f"{where} lasts {(end - start).days} days, the limit is {_LONGEST_DAYS}; change the rule or its threshold instead."
        )
    return list(_span(start, end, location))


def _weekly(raw: Mapping[str, Any], location: str, where: str) -> Iterator[dict[str, Any]]:
    """One weekly time; what goes on past midnight goes on in the next day."""
    days = [str(day) for day in raw.get("weekdays") or []]
    if not days:
        raise AlertmanagerError(f"{where} has no weekdays, such as [sunday].")
    begin, end = str(raw.get("start_time") or ""), str(raw.get("end_time") or "")
    first, last = clock.minute(begin, f"{where}.start_time"), clock.minute(end, f"{where}.end_time")
    if first == last:
        raise AlertmanagerError(f"{where}: {begin} to {end} has no length; a whole day is 00:00 to 24:00.")
    today = clock.interval({"weekdays": days}, where).weekdays
    if first < last:
        yield {"weekdays": days, "times": [{"start_time": begin, "end_time": end}], "location": location}
        return
    numbers = sorted({day for low, high in today for day in range(low, high + 1)})
    tomorrow = [clock.WEEKDAYS[(day + 1) % 7] for day in numbers]
    yield {"weekdays": days, "times": [{"start_time": begin, "end_time": _DAY_ENDS}], "location": location}
    if last:
        yield {"weekdays": tomorrow, "times": [{"start_time": "00:00", "end_time": end}], "location": location}


def _span(start: datetime, end: datetime, location: str) -> Iterator[dict[str, Any]]:
    """A stretch of time in one place, cut at midnights; whole days of a month are one element."""
    if start.date() == end.date():
        yield _day(start.date(), start.date(), f"{start:%H:%M}", f"{end:%H:%M}", location)
        return
    whole = start.date()
    if start.time() != datetime.min.time():
        yield _day(whole, whole, f"{start:%H:%M}", _DAY_ENDS, location)
        whole += timedelta(days=1)
    days = [whole + timedelta(days=number) for number in range((end.date() - whole).days)]
    for _, month in groupby(days, key=lambda day: (day.year, day.month)):
        of_month = list(month)
        yield _day(of_month[0], of_month[-1], "", "", location)
    if end.time() != datetime.min.time():
        yield _day(end.date(), end.date(), "00:00", f"{end:%H:%M}", location)


def _day(first: date, last: date, begin: str, end: str, location: str) -> dict[str, Any]:
    times = {"times": [{"start_time": begin, "end_time": end}]} if begin else {}
    days = str(first.day) if first == last else f"{first.day}:{last.day}"
    return {
        **times,
        "days_of_month": [days],
        "months": [str(first.month)],
        "years": [str(first.year)],
        "location": location,
    }


def _holiday(raw: Any, location: str, where: str) -> dict[str, Any]:
    """A date, ``2026-12-25``, or the same of every year, ``12-25``."""
    text = raw.isoformat()[:10] if isinstance(raw, date) else str(raw)
    yearly = re.fullmatch(r"\d{2}-\d{2}", text)
    try:
        day = date.fromisoformat(f"2024-{text}" if yearly else text)  # 2024 has a 29th of February
    except ValueError:
        raise AlertmanagerError(f"{where}: {text!r} is no date; write 2026-12-25, or 12-25 for every year.") from None
    years = {} if yearly else {"years": [str(day.year)]}
    return {"days_of_month": [str(day.day)], "months": [str(day.month)], **years, "location": location}


def _moment(raw: Any, where: str) -> datetime:
    # YAML reads an unquoted moment as one already.
    text = raw.isoformat(sep=" ") if isinstance(raw, datetime) else str(raw)
    match = _MOMENT.fullmatch(text)
    try:
        if match is None or int(match.group(1)[8:]) > calendar.monthrange(int(text[:4]), int(text[5:7]))[1]:
            raise ValueError
        return datetime.fromisoformat(f"{match.group(1)} {match.group(2)}")
    except (ValueError, IndexError):
        raise AlertmanagerError(
            f'{where} is {text!r}, but must be a time such as "2026-12-01 22:00"; the zone stands in location.'
        ) from None


def _location(raw: Mapping[str, Any], where: str) -> str:
    location = str(raw.get("location") or "")
    if not location:
        raise AlertmanagerError(f"{where} has no location; name the zone of its times, such as Europe/Berlin or UTC.")
    clock.zone(location, where)
    return location


def _times(raw: Any, where: str) -> list[dict[str, str]]:
    if not raw:
        raise AlertmanagerError(f'{where} is empty; write for example [{{start_time: "09:00", end_time: "17:00"}}].')
    for one in raw:
        clock.times(one, where)
    return [dict(one) for one in raw]
