"""How the numbers of rules are written for people and for PromQL."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

# Unit -> what a value of it is, for messages and documentation.
UNITS: Mapping[str, str] = {
    "ratio": "a share, 0.9 is 90%",
    "factor": "a factor",
    "seconds": "seconds",
    "hours": "hours",
    "days": "days",
    "count": "a count",
    "bytes": "bytes",
    "per_second": "a rate per second",
    "per_hour": "a rate per hour",
}
_WHOLE = ("count", "bytes")
_STEPS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
_BINARY = ("B", "KiB", "MiB", "GiB", "TiB")
_DURATION = re.compile(r"(?P<number>\d+)(?P<unit>ms|[smhdwy])")
_SECONDS_OF = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "y": 31536000.0}
_SPOKEN = {"m": "min"}


def type_of(unit: str) -> str:
    """Return the type of a variable with this unit, as an argument spec names it."""
    return "int" if unit in _WHOLE else "float"


def literal(value: float) -> str:
    """Write a number as PromQL reads it, without exponent: 0.05, 14400."""
    number = Decimal(str(value))
    return f"{number:f}" if number != number.to_integral() else str(int(number))


def written(value: float, unit: str) -> str:
    """Write a number with its unit as descriptions and documentation show it: 90%, 50ms, 4h, 20 days, 1.5GiB, 0.2/s."""
    if unit == "ratio":
        return f"{_short(value * 100)}%"
    if unit == "seconds":
        return _seconds(value)
    if unit == "hours":
        return f"{_short(value)} h"
    if unit == "days":
        return f"{_short(value)} day{'' if value == 1 else 's'}"
    if unit == "bytes":
        return _bytes(value)
    if unit in ("per_second", "per_hour"):
        return f"{_short(value)}/{'s' if unit == 'per_second' else 'h'}"
    return literal(value)


def seconds_of(duration: str) -> float | None:
    """Read a duration as Prometheus writes it, such as 15m or 1h30m; None when it is none."""
    if not duration or _DURATION.sub("", duration):
        return None
    return sum(int(part["number"]) * _SECONDS_OF[part["unit"]] for part in _DURATION.finditer(duration))


def spoken(duration: str) -> str:
    """Write a duration of Prometheus as texts do: 15m is ``15 min``, 20s is ``20 s``."""
    parts = (f"{part['number']} {_SPOKEN.get(part['unit'], part['unit'])}" for part in _DURATION.finditer(duration))
    return " ".join(parts)


def _short(value: float) -> str:
    """Up to six digits, no float noise: 0.07 * 100 is 7."""
    return literal(float(f"{value:.6g}"))


def _seconds(value: float) -> str:
    if 0 < abs(value) < 1:
        return f"{_short(value * 1000)}ms"
    parts = []
    rest = value
    for name, size in _STEPS:
        number = rest if name == "s" else rest // size
        if number:
            parts.append(f"{_short(number)}{name}")
            rest -= number * size
    return " ".join(parts) or "0s"


def _bytes(value: float) -> str:
    power = 0
    while abs(value) >= 1024 and power < len(_BINARY) - 1:
        value, power = value / 1024, power + 1
    return f"{_short(float(f'{value:.4g}'))}{_BINARY[power]}"
