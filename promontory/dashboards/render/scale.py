"""Round marks for axes."""

from __future__ import annotations

import math
from datetime import UTC, datetime

_CLOCK_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800)
_SEXAGESIMAL = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800)


def number_ticks(low: float, high: float, count: int, base: int = 10) -> list[float]:
    """Return about `count` round marks that enclose a range.

    Args:
        base: 10; 1024 for sizes; 60 for seconds, whose round numbers above one are those of clocks.
    """
    step = _round_step((high - low) / max(count, 1), base)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [index * step for index in range(first, max(last, first + 1) + 1)]


def time_ticks(start: float, end: float, count: int) -> list[tuple[float, str]]:
    """Return about `count` round times (UTC, seconds since the epoch) within a range, and how they are written."""
    step = next((each for each in _CLOCK_S if each >= (end - start) / max(count, 1)), _CLOCK_S[-1])
    ticks = []
    at = math.ceil(start / step) * step
    while at <= end:
        moment = datetime.fromtimestamp(at, UTC)
        midnight = moment.hour == moment.minute == moment.second == 0
        ticks.append((float(at), moment.strftime("%m-%d" if midnight else "%H:%M:%S" if step < 60 else "%H:%M")))
        at += step
    return ticks


def _round_step(raw: float, base: int) -> float:
    if raw <= 0:
        return 1.0
    if base == 60 and raw > 1:
        return float(next((each for each in _SEXAGESIMAL if each >= raw), math.ceil(raw / 604800) * 604800))
    factor = 1.0
    if base == 1024 and raw >= 1:
        factor = 1024.0 ** math.floor(math.log(raw, 1024))
    power = 10.0 ** math.floor(math.log10(raw / factor))
    return next(multiple * power * factor for multiple in (1, 2, 2.5, 5, 10) if multiple * power * factor >= raw * (1 - 1e-9))
