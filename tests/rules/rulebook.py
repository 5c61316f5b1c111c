"""The rule files, their promtool tests and the runbooks, read as data."""

from __future__ import annotations

import copy
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).parents[2]
RULES = PROJECT / "rules"
RUNBOOKS = PROJECT / "docs" / "runbooks"
TOOL_TIMEOUT_S = 120

_COMPARISON = re.compile(r"(?P<operator>==|!=|<=|>=|<|>)\s*(?P<limit>-?\d+(?:\.\d+)?)")
_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "!=", "!=": "=="}
_SECONDS = {"s": 1, "m": 60, "h": 3600}


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

    def tests(self) -> dict[str, Any]:
        """Return the promtool test file with only the questions about this alert."""
        whole = promtool_tests(self.file)
        groups = []
        for group in whole["tests"]:
            asked = [case for case in group["alert_rule_test"] if case["alertname"] == self.name]
            if asked:
                groups.append({**group, "alert_rule_test": asked})
        return {**whole, "tests": groups}

    def cases(self) -> list[dict[str, Any]]:
        """Return the single questions about this alert: eval_time, alertname and, where it fires, exp_alerts."""
        return [case for group in self.tests()["tests"] for case in group["alert_rule_test"]]


@dataclass(frozen=True)
class Mutant:
    """A rule broken on purpose; `what` says how."""

    what: str
    rule: dict[str, Any]


def alerts() -> list[Alert]:
    """Return all alerts of all rule files."""
    return [
        Alert(path.stem, rule)
        for path in sorted(RULES.glob("*.yml"))
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
        for rule in group["rules"]
        if "alert" in rule
    ]


def promtool_tests(stem: str) -> dict[str, Any]:
    """Return the promtool test file of one rule file."""
    loaded: dict[str, Any] = yaml.safe_load((RULES / "tests" / f"{stem}.test.yml").read_text(encoding="utf-8"))
    return loaded


def mutants(rule: dict[str, Any]) -> Iterator[Mutant]:
    """Break a rule in every way that its tests must notice.

    Each comparison is flipped, each limit moved both ways (by a quarter; by one where it is a whole number up to 1, and
    by ten upwards from a `> 0`, since counts that are not 0 are at least 1), `for` is dropped and doubled, and the
    whole expression is made to hold never and always.
    """
    expression = str(rule["expr"])

    def changed(**values: Any) -> dict[str, Any]:
        return {**copy.deepcopy(rule), **values}

    for found in _COMPARISON.finditer(expression):
        before, after = expression[: found.start()], expression[found.end() :]
        operator, limit = found["operator"], float(found["limit"])
        yield Mutant(f"{found[0]} flipped", changed(expr=f"{before}{_FLIPPED[operator]} {found['limit']}{after}"))
        for moved in _moved(operator, limit):
            yield Mutant(f"{found[0]} moved to {moved:g}", changed(expr=f"{before}{operator} {moved:g}{after}"))
    if "for" in rule:
        without = changed()
        del without["for"]
        yield Mutant("for dropped", without)
        yield Mutant("for doubled", changed(**{"for": f"{2 * seconds(rule['for'])}s"}))
    yield Mutant("never holds", changed(expr=f"({expression}) and on () vector(1) < 0"))
    if expression.strip() != "vector(1)":
        yield Mutant("always holds", changed(expr="vector(1)"))


def _moved(operator: str, limit: float) -> tuple[float, float]:
    if operator in {"==", "!="}:
        return limit - 1, limit + 1
    if limit == 0:
        return limit - 1, limit + 10
    if limit == 1:
        return 0, 2
    return limit * 0.75, limit * 1.25


def seconds(duration: str) -> int:
    """Read a duration of Prometheus with one unit, such as `5m`."""
    return int(duration[:-1]) * _SECONDS[duration[-1]]


def check_rules(promtool: Path, rules: list[dict[str, Any]], folder: Path) -> None:
    """Assert that promtool takes these rules for rules."""
    groups = [{"name": str(number), "rules": [rule]} for number, rule in enumerate(rules)]
    (folder / "all.yml").write_text(yaml.safe_dump({"groups": groups}), encoding="utf-8")
    done = subprocess.run(
        [promtool, "check", "rules", "all.yml"], cwd=folder, capture_output=True, text=True, timeout=TOOL_TIMEOUT_S
    )
    assert done.returncode == 0, done.stdout + done.stderr


def passes(promtool: Path, rule: dict[str, Any], tests: dict[str, Any], folder: Path) -> bool:
    """Tell whether promtool finds that a rule, alone in `folder`, passes the tests of a file."""
    folder.mkdir()
    rules = {"groups": [{"name": "one", "rules": [rule]}]}
    (folder / "rules.yml").write_text(yaml.safe_dump(rules), encoding="utf-8")
    (folder / "tests.yml").write_text(yaml.safe_dump({**tests, "rule_files": ["rules.yml"]}), encoding="utf-8")
    done = subprocess.run(
        [promtool, "test", "rules", "tests.yml"], cwd=folder, capture_output=True, text=True, timeout=TOOL_TIMEOUT_S
    )
    return done.returncode == 0
