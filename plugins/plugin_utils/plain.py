"""Turns what the template engine hands out (tagged text, lazy containers) into values of Python's own types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def of(value: Any) -> Any:
    """Return a deep copy made of dict, list, str, int, float, bool and None; other values stay as they are."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, str):
        return "".join(value) if type(value) is not str else value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, Mapping):
        return {of(key): of(value[key]) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        return [of(item) for item in value]
    return value
