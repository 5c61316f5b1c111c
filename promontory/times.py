"""Durations as Prometheus and Alertmanager write them, such as ``1h30m``, and times as people type them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import promql_parser

from promontory.errors import UsageError

DURATION = re.compile(r"(\d+(ms|[smhdwy]))+")


def seconds(text: str) -> float:
    """Read a duration; ``0s`` and ``0`` are none at all, which the parser of PromQL does not take.

    Raises:
        ValueError: It is no duration.
    """
    if text.strip("0smh") == "" and text.startswith("0"):
        return 0.0
    return float(promql_parser.parse_duration(text).total_seconds())


def spoken(number: float) -> str:
    """Write seconds in days, hours, minutes and seconds: ``1d 2h``; parts of a second only below one."""
    parts = []
    left = round(number)
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, left = divmod(left, length)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts) or f"{number:g}s"


def span(start: str, end: str, now: float) -> tuple[float, float]:
    """Read ``--from`` and ``--to``: each a duration ago, a time in ISO 8601 (UTC where it names no zone) or ``now``.

    Args:
        now: Epoch seconds.
    Returns:
        Beginning and end, epoch seconds.
    Raises:
        UsageError: One cannot be read, or they are in the wrong order.
    """
    begun, ended = _moment(start, now, "--from"), _moment(end, now, "--to")
    if begun >= ended:
        raise UsageError(f"--from {start} is not before --to {end}.")
    return begun, ended


def _moment(text: str, now: float, option: str) -> float:
    if text == "now":
        return now
    if DURATION.fullmatch(text):
        return now - seconds(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} {text} is neither a duration (7d) nor a time (2026-11-01T08:00Z).") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
