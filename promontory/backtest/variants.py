"""Rules that are tried out: with other thresholds, or from a file that is not deployed yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ansible_collections.promontory.stack.plugins.plugin_utils.rules import book, thresholds, units
from ansible_collections.promontory.stack.plugins.plugin_utils.rules.errors import RulesError

from promontory.backtest.history import Rule
from promontory.errors import UsageError
from promontory.times import seconds


def parse_settings(texts: Sequence[str]) -> dict[str, float]:
    """Read ``name=number`` texts, the name with or without ``rules_``.

    Raises:
        UsageError: One is something else.
    """
    values = {}
    for text in texts:
        name, sign, number = text.partition("=")
        try:
            values[name.strip().removeprefix(thresholds.PREFIX)] = float(number)
        except ValueError:
            sign = ""
        if not sign:
            raise UsageError(f"--set {text}: expected NAME=NUMBER.", hint="Such as --set host_cpu_used_ratio=0.8")
    return values


def with_thresholds(rules_dir: Path, values: Mapping[str, float], deployed: Sequence[Rule]) -> list[Rule]:
    """Return the rules that change when thresholds are set to other values; the other thresholds have their defaults.

    Raises:
        UsageError: A threshold is not known or out of its range.
    """
    known = _read(rules_dir)
    for name, value in values.items():
        if name not in known.thresholds:
            raise UsageError(f"--set {name}: there is no such threshold.", hint=f"Known: {', '.join(sorted(known.thresholds))}")
        if problem := known.thresholds[name].problem(value):
            raise UsageError(f"--set {name} {problem}")
    by_alert: dict[str, dict[str, float]] = {}
    for name, value in values.items():
        by_alert.setdefault(known.thresholds[name].alert, {})[name] = value
    like = {rule.name: rule for rule in deployed}
    found = []
    for _, raw in known.alerts():
        own = by_alert.get(raw["alert"])
        if own:
            tried = _rule({**raw, "expr": thresholds.in_expression(str(raw["expr"]), own)}, _said(own))
            before = like.get(tried.name)
            # What else people have set for this alert stays.
            found.append(
                tried
                if before is None
                else replace(
                    tried,
                    for_s=before.for_s,
                    keep_firing_s=before.keep_firing_s,
                    labels=before.labels,
                    interval_s=before.interval_s,
                )
            )
    return found


def from_file(path: Path) -> list[Rule]:
    """Read the alerting rules of a rule file.

    Raises:
        UsageError: It is none.
    """
    try:
        groups = book.groups_of(path)
    except RulesError as error:
        raise UsageError(f"--rules {path}: {error}") from error
    return [
        replace(_rule(rule, path.name), interval_s=_seconds(group.get("interval", "15s")))
        for group in groups
        for rule in group.get("rules", [])
        if "alert" in rule
    ]


def _read(rules_dir: Path) -> book.Book:
    try:
        return book.read(rules_dir)
    except RulesError as error:
        raise UsageError(str(error)) from error


def _rule(raw: Mapping[str, Any], variant: str) -> Rule:
    return Rule(
        name=str(raw["alert"]),
        expr=str(raw["expr"]),
        for_s=_seconds(raw.get("for", "0s")),
        keep_firing_s=_seconds(raw.get("keep_firing_for", "0s")),
        labels={str(name): str(value) for name, value in (raw.get("labels") or {}).items()},
        variant=variant,
    )


def _said(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name}={units.literal(value)}" for name, value in values.items())


def _seconds(duration: Any) -> float:
    try:
        return seconds(str(duration))
    except ValueError as error:
        raise UsageError(f"{duration!r} is no duration such as 5m.") from error
