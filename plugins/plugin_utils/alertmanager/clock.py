"""Alertmanager's time intervals, asked whether they contain a moment; the same arithmetic as its own."""

from __future__ import annotations

import calendar
import re
import zoneinfo
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Any

from .errors import AlertmanagerError

WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_MONTHS = tuple(month.lower() for month in calendar.month_name)  # index 1 is january
_TIME = re.compile(r"(?:([01]\d|2[0-3]):([0-5]\d))|24:00")
_LAST_DAY = 31
_SCALES: tuple[tuple[str, Sequence[str], tuple[int, int]], ...] = (
    ("weekdays", WEEKDAYS, (0, 6)),
    ("days_of_month", (), (-_LAST_DAY, _LAST_DAY)),
    ("months", _MONTHS, (1, 12)),
    ("years", (), (1, 9999)),
)

Range = tuple[int, int]  # both inclusive, but for times, whose end is not


@dataclass(frozen=True)
class Interval:
    """One element of a named interval; a field without ranges says nothing.

    Attributes:
        times: Minutes of the day, the end exclusive.
        weekdays: 0 is Sunday.
        days_of_month: From 1; negative ones count from the month's end.
        months: 1 is January.
        years: As they are written.
        zone: Where the clock hangs.
    """

    times: tuple[Range, ...] = ()
    weekdays: tuple[Range, ...] = ()
    days_of_month: tuple[Range, ...] = ()
    months: tuple[Range, ...] = ()
    years: tuple[Range, ...] = ()
    zone: tzinfo = UTC

    def contains(self, moment: datetime) -> bool:
        """Tell whether a moment, with its zone, lies in it."""
        local = moment.astimezone(self.zone)
        minute = local.hour * 60 + local.minute
        in_month = calendar.monthrange(local.year, local.month)[1]
        return (
            (not self.times or any(begin <= minute < end for begin, end in self.times))
            and (not self.days_of_month or any(_in_days(days, local.day, in_month) for days in self.days_of_month))
            and _in_ranges(self.months, local.month)
            and _in_ranges(self.weekdays, (local.weekday() + 1) % 7)
            and _in_ranges(self.years, local.year)
        )


@dataclass(frozen=True)
class Clock:
    """All named intervals of a configuration."""

    intervals: Mapping[str, tuple[Interval, ...]]

    def within(self, name: str, moment: datetime) -> bool:
        """Tell whether a moment lies in the interval of this name."""
        return any(interval.contains(moment) for interval in self.intervals[name])

    def mutes(self, mute: Sequence[str], active: Sequence[str], moment: datetime) -> tuple[str, ...]:
        """Return the names of what keeps a route silent at a moment; nothing when it speaks."""
        muting = tuple(name for name in mute if self.within(name, moment))
        is_closed = active and not any(self.within(name, moment) for name in active)
        return (*muting, *active) if is_closed else muting

    def next_speaking(
        self, mute: Sequence[str], active: Sequence[str], moment: datetime, *, days: int = 400
    ) -> datetime | None:
        """Return when a route speaks again, at the earliest `moment`; None when not within `days`."""
        if not self.mutes(mute, active, moment):
            return moment
        for candidate in self._turns([*mute, *active], moment, days):
            if not self.mutes(mute, active, candidate):
                return candidate
        return None

    def _turns(self, names: Sequence[str], moment: datetime, days: int) -> list[datetime]:
        """Every moment at which one of the intervals may begin or end."""
        turns: set[datetime] = set()
        for name in names:
            for interval in self.intervals[name]:
                minutes = {0, *(minute for times in interval.times for minute in times)}
                first = moment.astimezone(interval.zone).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
                for day in range(days + 1):
                    for minute in minutes:
                        local = (first + timedelta(days=day, minutes=minute)).replace(tzinfo=interval.zone)
                        turns.add(local.astimezone(UTC))
        return sorted(turn for turn in turns if turn > moment)


def read(config: Mapping[str, Any]) -> Clock:
    """Read ``time_intervals`` (and the old ``mute_time_intervals``) of a configuration.

    Raises:
        AlertmanagerError: A name is there twice, or an interval has another form; it names both.
    """
    intervals: dict[str, tuple[Interval, ...]] = {}
    for key in ("time_intervals", "mute_time_intervals"):
        for number, named in enumerate(config.get(key) or []):
            where = f"alertmanager_{key}[{number}]"
            if not isinstance(named, Mapping) or not named.get("name"):
                raise AlertmanagerError(f"{where} has no name.")
            name = str(named["name"])
            if name in intervals:
                raise AlertmanagerError(f"{where}: the name {name!r} is used twice.")
            intervals[name] = tuple(interval(one, f"{where} ({name})") for one in named.get("time_intervals") or [])
    return Clock(intervals)


def interval(raw: Any, where: str) -> Interval:
    """Read one element of a named interval; see `read`."""
    known = {"times", "location", *(name for name, _, _ in _SCALES)}
    if not isinstance(raw, Mapping) or set(raw) - known:
        wrong = sorted(set(raw) - known)[0] if isinstance(raw, Mapping) else raw
        raise AlertmanagerError(f"{where}: {wrong!r} is none of {', '.join(sorted(known))}.")
    ranges = {
        name: tuple(_range(str(text), words, limits, f"{where}.{name}") for text in raw.get(name) or [])
        for name, words, limits in _SCALES
    }
    return Interval(
        times=tuple(times(one, f"{where}.times") for one in raw.get("times") or []),
        zone=zone(str(raw["location"]), where) if raw.get("location") else UTC,
        **ranges,
    )


def times(raw: Any, where: str) -> Range:
    """Read ``{start_time, end_time}`` as minutes of the day."""
    if not isinstance(raw, Mapping) or set(raw) != {"start_time", "end_time"}:
        raise AlertmanagerError(f'{where}: {raw!r} must be {{start_time: "09:00", end_time: "17:00"}}.')
    begin, end = (minute(raw[key], f"{where}.{key}") for key in ("start_time", "end_time"))
    if begin >= end:
        raise AlertmanagerError(f"{where}: {raw['start_time']} to {raw['end_time']} ends before it starts.")
    return begin, end


def minute(text: Any, where: str) -> int:
    """Read ``HH:MM``, 00:00 to 24:00, as minutes of the day."""
    if not isinstance(text, str) or not _TIME.fullmatch(text):
        # YAML reads an unquoted 09:30 as text, but 17:00 as a number to the base of 60.
        hint = " (put it into quotes)" if isinstance(text, int) else ""
        raise AlertmanagerError(f'{where} is {text!r}, but must be a time such as "09:30"{hint}.')
    hours, _, minutes = text.partition(":")
    return int(hours) * 60 + int(minutes)


@lru_cache
def zone(name: str, where: str) -> tzinfo:
    """Return the zone of a name such as Europe/Berlin.

    Raises:
        AlertmanagerError: There is none. Where this machine has no list of zones at all, the host's Alertmanager judges.
    """
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        if not zoneinfo.available_timezones():
            return UTC
        raise AlertmanagerError(
            f"{where}: location {name!r} is no time zone; write it like Europe/Berlin or UTC."
        ) from None


def _range(text: str, words: Sequence[str], limits: Range, where: str) -> Range:
    begin, colon, end = text.lower().partition(":")
    first = _member(begin, words, limits, text, where)
    last = _member(end, words, limits, text, where) if colon else first
    if first > last and not (first > 0 > last):
        raise AlertmanagerError(f"{where}: {text!r} ends before it starts.")
    return first, last


def _member(text: str, words: Sequence[str], limits: Range, whole: str, where: str) -> int:
    if text and text in words:
        return words.index(text)
    low, high = limits
    # Weekdays have names alone, months both.
    if words is not WEEKDAYS and re.fullmatch(r"-?\d+", text) and int(text) != 0 and low <= int(text) <= high:
        return int(text)
    allowed = ", ".join(word for word in words if word) or f"numbers from {low if low > 0 else 1} to {high}"
    raise AlertmanagerError(f"{where}: {whole!r} is none of {allowed}, nor a range of them such as {_example(words)}.")


def _example(words: Sequence[str]) -> str:
    return "monday:friday" if words is WEEKDAYS else "january:march" if words else "1:5"


def _in_days(days: Range, day: int, in_month: int) -> bool:
    begin, end = (value if value > 0 else in_month + value + 1 for value in days)
    return begin <= in_month and max(begin, -in_month) <= day <= min(end, in_month)


def _in_ranges(ranges: Sequence[Range], value: int) -> bool:
    return not ranges or any(begin <= value <= end for begin, end in ranges)
