"""What ``rules_alerts`` changes in an alert besides its numbers: off, ``for``, severity, ``keep_firing_for``."""

from __future__ import annotations

import copy
import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from . import units
from .errors import RulesError

VARIABLE = "rules_alerts"
SEVERITIES = ("critical", "warning", "info")
_KEYS = ("enabled", "for", "severity", "keep_firing_for")


def judge(told: Mapping[str, Any], known: Iterable[str]) -> None:
    """Judge the whole variable.

    Raises:
        RulesError: An alert or a key is unknown, or a value is none that Prometheus takes.
    """
    names = sorted(set(known))
    for alert, change in told.items():
        where = f"{VARIABLE}.{alert}"
        if alert not in names:
            near = difflib.get_close_matches(str(alert), names, n=1, cutoff=0.6)
            raise RulesError(
                f"{where}: there is no such alert.{f' Did you mean {near[0]}?' if near else ''} docs/reference/alerts.md lists them."
            )
        if not isinstance(change, Mapping):
            raise RulesError(f"{where} is {change!r}, not a mapping such as {{for: 30m}}.")
        for key, value in change.items():
            _judge_one(f"{where}.{key}", str(key), value)


def _judge_one(where: str, key: str, value: Any) -> None:
    if key not in _KEYS:
        raise RulesError(f"{where} is no known key; known are {', '.join(_KEYS)}.")
    if key == "enabled" and not isinstance(value, bool):
        raise RulesError(f"{where} is {value!r}, but must be true or false.")
    if key == "severity" and value not in SEVERITIES:
        raise RulesError(f"{where} is {value!r}, but must be one of {', '.join(SEVERITIES)}.")
    if key in ("for", "keep_firing_for") and (not isinstance(value, str) or units.seconds_of(value) is None):
        raise RulesError(f"{where} is {value!r}, but must be a duration such as 90s, 15m or 2h.")


def is_enabled(alert: str, told: Mapping[str, Any]) -> bool:
    """Tell whether an alert is deployed."""
    return bool(told.get(alert, {}).get("enabled", True))


def applied(rule: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """Return a rule with what was told of its alert; the description says the new time where it said the old one."""
    change = told.get(str(rule["alert"]), {})
    changed = copy.deepcopy(dict(rule))
    for key in ("for", "keep_firing_for"):
        if key in change:
            changed[key] = change[key]
    if "severity" in change:
        changed["labels"]["severity"] = change["severity"]
    if "for" in change and "for" in rule:
        old, new = units.spoken(str(rule["for"])), units.spoken(change["for"])
        changed["annotations"]["description"] = changed["annotations"]["description"].replace(
            f"for {old}", f"for {new}"
        )
    order = ("alert", "expr", "for", "keep_firing_for", "labels", "annotations")
    return {
        key: changed[key] for key in sorted(changed, key=lambda key: order.index(key) if key in order else len(order))
    }
