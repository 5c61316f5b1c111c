"""Durations as Prometheus and Alertmanager write them, such as ``1h30m``."""

from __future__ import annotations

import promql_parser


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
