"""Writes values with their unit as Grafana does (packages/grafana-data/src/valueFormats)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime

_SHORT = ("", " K", " Mil", " Bil", " Tri", " Quadr")
_COUNT = ("", "K", "M", "B", "T")
_SI = ("", "k", "M", "G", "T", "P")
_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi")
# Units that are a number in thousands with a word behind it.
_RATES = {
    "reqps": "req/s", "ops": "ops/s", "cps": "c/s", "wps": "wr/s", "rps": "rd/s", "iops": "io/s", "eps": "evt/s",
    "mps": "msg/s", "recps": "rec/s", "rowsps": "rows/s", "cpm": "c/m", "opm": "ops/m", "reqpm": "req/m", "epm": "evts/m",
}  # fmt: skip
_SI_UNITS = {"pps": "p/s", "decbytes": "B", "Bps": "B/s", "bps": "b/s", "hertz": "Hz", "watt": "W", "volt": "V", "amp": "A"}
_BINARY_UNITS = {"bytes": "B", "binBps": "B/s", "binbps": "b/s", "bits": "b"}
_MINUTE, _HOUR, _DAY, _WEEK, _YEAR = 60.0, 3600.0, 86400.0, 604800.0, 31536000.0
# From this many seconds on, the unit and how many seconds it has.
_SECONDS = (
    (0.0, "ns", 1e-9), (1e-6, "µs", 1e-6), (1e-3, "ms", 1e-3), (1.0, "s", 1.0), (_MINUTE, "mins", _MINUTE),
    (_HOUR, "hours", _HOUR), (_DAY, "days", _DAY), (_WEEK, "weeks", _WEEK), (_YEAR, "years", _YEAR),
)  # fmt: skip
_IN_SECONDS = {"ns": 1e-9, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": _MINUTE, "h": _HOUR, "d": _DAY}
_SPANS = (
    ("year", _YEAR), ("month", 2592000.0), ("week", _WEEK), ("day", _DAY), ("hour", _HOUR), ("minute", _MINUTE),
    ("second", 1.0), ("millisecond", 0.001),
)  # fmt: skip


def written(value: float, unit: str = "short", decimals: int | None = None, *, now: float = 0.0) -> str:
    """Write a value with its unit.

    Args:
        unit: A unit of Grafana; one that is not known here is written behind the number.
        decimals: Digits behind the point; None takes as many as Grafana would, about three digits in all.
        now: What a date is told relative to, seconds since the epoch.
    """
    if unit in ("dtdurations", "dtdurationms"):
        return _duration(value / (1000 if unit == "dtdurationms" else 1), decimals or 0)
    if unit.startswith("dateTime"):
        return _date(value / 1000, unit, now)
    scaled, suffix = scale_of(value, unit)
    return f"{_fixed(value / scaled, decimals)}{suffix}"


def written_axis(ticks: Sequence[float], unit: str, decimals: int | None = None, *, now: float = 0.0) -> list[str]:
    """Write the marks of an axis: all that have one unit with the same number of digits, as few as tell them apart."""
    if unit in ("dtdurations", "dtdurationms") or unit.startswith("dateTime"):
        return [written(tick, unit, decimals, now=now) for tick in ticks]
    labels: list[str] = []
    scales = [scale_of(tick, unit) for tick in ticks]
    for tick, (scaled, suffix) in zip(ticks, scales, strict=True):
        like = [other / scaled for other, its in zip(ticks, scales, strict=True) if its[1] == suffix]
        exact = max(_digits(number) for number in like)
        apart = next((digits for digits in range(6) if len({f"{number:.{digits}f}" for number in like}) == len(set(like))), 6)
        digits = min(exact, apart + 1) if tick else 0
        labels.append(f"{tick / scaled:.{digits}f}{suffix}")
    return labels


def scale_of(value: float, unit: str) -> tuple[float, str]:
    """Return what a value is divided by before it is written, and what is written behind it."""
    size = abs(value)
    if unit in ("none", "", "string", "locale"):
        return 1.0, ""
    if unit == "percentunit":
        return 0.01, "%"
    if unit == "percent":
        return 1.0, "%"
    if unit in _IN_SECONDS:
        own = _IN_SECONDS[unit]
        if not size:
            return 1.0, f" {unit}"
        name, seconds = next((name, seconds) for least, name, seconds in reversed(_SECONDS) if size * own >= least)
        return seconds / own, f" {name[:-1] if size * own / seconds == 1 and len(name) > 2 else name}"
    if unit in _BINARY_UNITS:
        power = _power(size, 1024, len(_BINARY))
        return 1024.0**power, f" {_BINARY[power]}{_BINARY_UNITS[unit]}"
    if unit in _SI_UNITS:
        power = _power(size, 1000, len(_SI))
        return 1000.0**power, f" {_SI[power]}{_SI_UNITS[unit]}"
    if unit in _RATES:
        power = _power(size, 1000, len(_COUNT))
        return 1000.0**power, f"{_COUNT[power]} {_RATES[unit]}"
    if unit in ("short", "sishort"):
        power = _power(size, 1000, len(_SHORT))
        return 1000.0**power, _SHORT[power]
    return 1.0, f" {unit.partition(':')[2] or unit}"


def base_of(unit: str) -> int:
    """Return what the marks of an axis are round in: 1024 for sizes, 60 for times, else 10."""
    if unit in _BINARY_UNITS:
        return 1024
    return 60 if unit in _IN_SECONDS or unit.startswith("dtduration") else 10


def _power(size: float, base: int, count: int) -> int:
    power = 0
    while size >= base and power < count - 1:
        size /= base
        power += 1
    return power


def _fixed(value: float, decimals: int | None) -> str:
    if decimals is None:
        decimals = 0 if not value or value == int(value) else _usual(value)
    # Half goes up, as in the browser.
    text = f"{math.floor(value * 10.0**decimals + 0.5) / 10.0**decimals:.{decimals}f}"
    return text[1:] if text.startswith("-") and not float(text) else text


def _usual(value: float) -> int:
    """How many digits Grafana writes behind the point (getDecimalsForValue): for negative numbers one less."""
    digits = 1 - math.floor(math.log10(abs(value))) + (1 if value > 0 else 0)
    return min(max(0, digits), 12)


def _digits(value: float) -> int:
    """How many digits behind the point a round number has."""
    return next((digits for digits in range(6) if abs(round(value, digits) - value) < 1e-7 * max(1.0, abs(value))), 6)


def _duration(seconds: float, more: int) -> str:
    if seconds < 0:
        return f"{_duration(-seconds, more)} ago"
    words: list[str] = []
    for name, length in _SPANS:
        count = math.floor(seconds / length)
        if count >= 1 or words:
            words.append(f"{count} {name}{'' if count == 1 else 's'}")
            seconds -= count * length
            if len(words) > more:
                break
    return ", ".join(words) or "0 seconds"


def _date(at: float, unit: str, now: float) -> str:
    if unit == "dateTimeFromNow":
        away = _duration(abs(now - at), 0)
        return f"{away} ago" if at <= now else f"in {away}"
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")
