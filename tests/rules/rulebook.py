"""The rule files, their promtool tests and the runbooks, read as data."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.promontory.stack.plugins.plugin_utils.rules import book, thresholds
from ansible_collections.promontory.stack.plugins.plugin_utils.rules.thresholds import Threshold

PROJECT = Path(__file__).parents[2]
RULES = PROJECT / "rules"
RUNBOOKS = PROJECT / "docs" / "runbooks"
# Compiled from rules_slos: the same alert for each objective, tested by test_slo.py.
COMPILED = "slo"

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Alert:
    """One alerting rule.

    Attributes:
        file: The rule file's stem, such as `host`.
        rule: The rule as it stands in the file.
    """

    file: str
    rule: dict[str, Any]

    @property
    def name(self) -> str:
        """The alert's name."""
        return str(self.rule["alert"])

    @property
    def id(self) -> str:
        """What pytest calls it, so that `-k host` selects a file and `-k HostOomKill` one alert."""
        slo = self.rule["labels"].get("slo")
        return f"{self.file}-{self.name}" + (f"-{slo}" if slo else "")

    def tests(self) -> dict[str, Any]:
        """Return the promtool test file with only the questions about this alert."""
        whole = promtool_tests(self.file)
        groups = []
        for group in whole["tests"]:
            asked = [case for case in group.get("alert_rule_test") or [] if case["alertname"] == self.name]
            if asked:
                kept = {key: value for key, value in group.items() if key != "promql_expr_test"}
                groups.append({**kept, "alert_rule_test": asked})
        return {**whole, "tests": groups}

    def cases(self) -> list[dict[str, Any]]:
        """Return the single questions about this alert: eval_time, alertname and, where it fires, exp_alerts."""
        return [case for group in self.tests()["tests"] for case in group["alert_rule_test"]]

    def thresholds(self) -> dict[str, tuple[Threshold, float]]:
        """Return its thresholds with the number in the expression; KeyError for one that thresholds.yml lacks."""
        known = known_thresholds()
        return {
            literal.name: (known[literal.name], literal.value)
            for literal in thresholds.literals(str(self.rule["expr"]))
        }


@cache
def stems() -> tuple[str, ...]:
    """Return the stems of all rule files, those that are compiled included."""
    written = {path.stem for path in RULES.glob("*.yml")} - {"thresholds", "files"}
    return tuple(sorted(written))


@cache
def alerts() -> tuple[Alert, ...]:
    """Return all alerts of all rule files, the compiled ones included."""
    return tuple(
        Alert(stem, rule) for stem in stems() for rule in book.alerts_of(book.groups_of(RULES / f"{stem}.yml"))
    )


def written_alerts() -> list[Alert]:
    """Return the alerts that people wrote, each in one rule."""
    return [alert for alert in alerts() if alert.file != COMPILED]


@cache
def known_thresholds() -> dict[str, Threshold]:
    """Return the entries of thresholds.yml."""
    lines = book.load(RULES / book.THRESHOLDS)
    return {name: thresholds.from_mapping(name, line, book.THRESHOLDS) for name, line in lines.items()}


@cache
def promtool_tests(stem: str) -> dict[str, Any]:
    """Return the promtool test file of one rule file."""
    text = (RULES / "tests" / f"{stem}.test.yml").read_text(encoding="utf-8")
    loaded: dict[str, Any] = yaml.load(text, Loader=_LOADER)  # noqa: S506  a safe loader
    return loaded


def runbook(name: str) -> str:
    """Return the text of an alert's runbook."""
    return (RUNBOOKS / f"{name}.md").read_text(encoding="utf-8")


def seconds(duration: str | int) -> float:
    """Read a duration as promtool does: `0`, `5m`, `10m15s`."""
    text = str(duration)
    if text == "0":
        return 0
    parts = re.findall(r"(\d+)(ms|[smhd])", text)
    assert "".join(number + unit for number, unit in parts) == text, f"{text!r} is no duration"
    return sum(int(number) * _SECONDS.get(unit, 0.001) for number, unit in parts)
