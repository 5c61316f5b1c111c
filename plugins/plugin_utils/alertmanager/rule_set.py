"""What is known of the alerts that Prometheus can send: their names and labels, read from the rule files."""

from __future__ import annotations

import glob
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from .errors import AlertmanagerError
from .matchers import Matcher

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# Labels of every target.
_OF_TARGETS = ("environment", "instance", "job")
_AGGREGATION = re.compile(
    r"\b(sum|min|max|avg|count|group|stddev|stdvar|quantile|topk|bottomk)\b\s*(\(|by\b|without\b)"
)
_WITHOUT_LABELS = re.compile(r"^\s*(vector|absent|absent_over_time)\s*\(")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Alert:
    """One alerting rule.

    Attributes:
        name: Value of the label alertname.
        fixed: Labels whose value is known.
        possible: Names of further labels that it may have; everything that cannot be ruled out.
    """

    name: str
    fixed: Mapping[str, str]
    possible: frozenset[str]

    def may_have(self, label: str) -> bool:
        """Tell whether its alerts may have a label."""
        return bool(self.fixed.get(label)) or label in self.possible

    def may_be(self, conditions: Sequence[Matcher]) -> bool:
        """Tell whether one of its alerts may be meant by all of these matchers."""
        return all(
            matcher.holds(self.fixed) if matcher.name in self.fixed or matcher.name not in self.possible else True
            for matcher in conditions
        )


def read(patterns: Sequence[str]) -> list[Alert]:
    """Read the alerts of rule files.

    Args:
        patterns: Paths or shell patterns on the controller. Files without ``groups`` are none and are passed over.
    Raises:
        AlertmanagerError: A pattern matches nothing, or a file cannot be read.
    """
    alerts: list[Alert] = []
    for pattern in patterns:
        paths = sorted(glob.glob(str(Path(pattern).expanduser())))
        if not paths:
            raise AlertmanagerError(f"alertmanager_rule_files: {pattern} matches no file on the controller.")
        for path in paths:
            alerts += _of_file(path, Path(path).stat().st_mtime_ns)
    return alerts


def of_rule(rule: Mapping[str, Any], external: Sequence[str] = ()) -> Alert:
    """Tell what is known of one alerting rule."""
    labels = {str(name): str(value) for name, value in (rule.get("labels") or {}).items()}
    fixed = {name: value for name, value in labels.items() if "{{" not in value}
    expression = str(rule.get("expr", ""))
    texts = " ".join([expression, *map(str, (rule.get("annotations") or {}).values())])
    possible = {*_WORD.findall(texts), *(set(labels) - set(fixed)), *external}
    if not _AGGREGATION.search(expression) and not _WITHOUT_LABELS.match(expression):
        possible |= {*_OF_TARGETS}
    name = str(rule["alert"])
    return Alert(name, {**fixed, "alertname": name}, frozenset(possible - set(fixed) - {"alertname"}))


@lru_cache(maxsize=256)
def _of_file(path: str, changed_ns: int) -> tuple[Alert, ...]:
    """Read one file once: a task asks for the configuration several times."""
    try:
        document = yaml.load(Path(path).read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506  a safe loader
        groups = document.get("groups") or [] if isinstance(document, Mapping) else []
        return tuple(of_rule(rule) for group in groups for rule in group.get("rules") or [] if "alert" in rule)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, AttributeError, TypeError) as error:
        raise AlertmanagerError(f"alertmanager_rule_files: {path} cannot be read as a rule file ({error}).") from error
