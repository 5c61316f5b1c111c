"""Rules broken on purpose, and whether promtool's tests notice it."""

from __future__ import annotations

import copy
import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import yaml
from ansible_collections.promontory.stack.plugins.plugin_utils.rules import thresholds, units

from tests.rules.rulebook import seconds

TOOL_TIMEOUT_S = 300
# Evaluations of a test group from which on it pays to start promtool once more.
_MANY_STEPS = 500
# Many short tests in one process for each processor: memory is cheaper than collecting it.
QUICK = {**os.environ, "GOGC": "800", "GOMAXPROCS": "1"}

_COMPARISON = re.compile(r"(?P<operator>==|!=|<=|>=|<|>)\s*(?:bool\s+)?(?P<limit>-?\d+(?:\.\d+)?)")
_COMMENT = re.compile(r"(?<!\S)#.*$", re.MULTILINE)
_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "!=", "!=": "=="}
_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


@dataclass(frozen=True)
class Mutant:
    """A rule broken on purpose; `what` says how."""

    what: str
    rule: dict[str, Any]


def mutants(rule: dict[str, Any]) -> Iterator[Mutant]:
    """Break a rule in every way that its tests must notice.

    Each comparison is flipped, each limit moved both ways (by a quarter; by one where it is a whole number up to 1, and
    by ten upwards from a `> 0`, since counts that are not 0 are at least 1), so is each threshold that stands elsewhere,
    `for` is dropped and doubled, and the whole expression is made to hold never and always.
    """
    expression = str(rule["expr"])
    bare = _COMMENT.sub(lambda found: " " * len(found[0]), expression)  # the same places, no comments

    def changed(**values: Any) -> dict[str, Any]:
        return {**copy.deepcopy(rule), **values}

    compared = set()
    for found in _COMPARISON.finditer(bare):
        before, between, after = (
            expression[: found.start()],
            bare[found.end("operator") : found.start("limit")],
            expression[found.end() :],
        )
        operator, limit = found["operator"], float(found["limit"])
        compared.add(found.start("limit"))
        yield Mutant(
            f"{found[0]} flipped", changed(expr=f"{before}{_FLIPPED[operator]}{between}{found['limit']}{after}")
        )
        for moved in _moved(operator, limit):
            yield Mutant(
                f"{found[0]} moved to {moved:g}", changed(expr=f"{before}{operator} {units.literal(moved)}{after}")
            )
    for literal in thresholds.literals(expression):
        if literal.start in compared:
            continue
        for factor in (0.75, 1.25):
            moved = literal.value * factor
            with_other = thresholds.in_expression(expression, {literal.name: moved})
            yield Mutant(f"{literal.name} moved to {moved:g}", changed(expr=with_other))
    if "for" in rule:
        without = changed()
        del without["for"]
        yield Mutant("for dropped", without)
        yield Mutant("for doubled", changed(**{"for": f"{2 * seconds(rule['for']):g}s"}))
    yield Mutant("never holds", changed(expr=f"({expression}\n) and on () vector(1) < 0"))
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


def check_rules(promtool: Path, rules: Sequence[dict[str, Any]], folder: Path) -> None:
    """Assert that promtool takes these rules for rules."""
    groups = [{"name": str(number), "rules": [rule]} for number, rule in enumerate(rules)]
    (folder / "all.yml").write_text(yaml.dump({"groups": groups}, Dumper=_DUMPER), encoding="utf-8")
    done = subprocess.run(
        [promtool, "check", "rules", "--lint=none", "all.yml"],
        cwd=folder, capture_output=True, text=True, timeout=TOOL_TIMEOUT_S,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def verdicts(
    promtool: Path,
    rules: Sequence[dict[str, Any]],
    tests: dict[str, Any],
    folder: Path,
    beside: Sequence[dict[str, Any]] = (),
) -> list[bool]:
    """Tell for each rule, in a file with nothing but the ones given as `beside`, whether it passes the tests.

    promtool takes many test files at once; starting it for each of them would cost more than the tests.
    """
    folder.mkdir(exist_ok=True)
    for number, rule in enumerate(rules):
        whole = {"groups": [{"name": "one", "rules": [rule, *beside]}]}
        (folder / f"rules{number}.yml").write_text(yaml.dump(whole, Dumper=_DUMPER), encoding="utf-8")
    alive = list(range(len(rules)))
    for part in _rounds(tests):
        alive = _passing(promtool, alive, part, folder)
    return [number in alive for number in range(len(rules))]


def _rounds(tests: dict[str, Any]) -> list[dict[str, Any]]:
    """Split tests so that the costliest group is asked only about rules that passed all others."""
    step = seconds(tests.get("evaluation_interval", "1m"))
    groups = sorted(
        tests["tests"], key=lambda group: max(seconds(case["eval_time"]) for case in group["alert_rule_test"])
    )
    steps = max(seconds(case["eval_time"]) for case in groups[-1]["alert_rule_test"]) / step
    if len(groups) == 1 or steps < _MANY_STEPS:
        return [tests]
    return [{**tests, "tests": groups[:-1]}, {**tests, "tests": groups[-1:]}]


def _passing(promtool: Path, numbers: Sequence[int], tests: dict[str, Any], folder: Path) -> list[int]:
    """Return the numbers of those rules in the folder that pass the tests."""
    questions = yaml.dump({key: value for key, value in tests.items() if key != "rule_files"}, Dumper=_DUMPER)
    for number in numbers:
        (folder / f"{number}.yml").write_text(f"rule_files: [rules{number}.yml]\n{questions}", encoding="utf-8")
    names = [f"{number}.yml" for number in numbers]
    workers = os.cpu_count() or 1
    shares = [share for share in (names[start::workers] for start in range(workers)) if share]
    with ThreadPoolExecutor(workers) as pool:
        passed = {
            name: well for part in pool.map(lambda share: _run(promtool, share, folder), shares) for name, well in part
        }
    assert set(passed) == set(names), f"promtool did not judge {sorted(set(names) - set(passed))}"
    return [number for number in numbers if passed[f"{number}.yml"]]


def _run(promtool: Path, names: Sequence[str], folder: Path) -> list[tuple[str, bool]]:
    report = folder / f"{names[0]}.xml"
    subprocess.run(
        [promtool, "test", f"--junit={report}", "rules", *names],
        cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=TOOL_TIMEOUT_S, check=False, env=QUICK,
    )  # fmt: skip
    suites = ElementTree.parse(report).getroot()  # noqa: S314  promtool wrote it
    return [
        (str(suite.get("name")), all(suite.get(kind) == "0" for kind in ("failures", "errors"))) for suite in suites
    ]
