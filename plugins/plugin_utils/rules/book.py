"""The rule files of a directory as data, with the numbers in them that people may set."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from . import thresholds
from .errors import RulesError
from .thresholds import Threshold

THRESHOLDS = "thresholds.yml"
FILES = "files.yml"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Groups = list[dict[str, Any]]


@dataclass(frozen=True)
class Book:
    """The rule files of the stack.

    Attributes:
        files: Groups by the file's stem, such as ``host``, in the order of files.yml.
        needs: By stem, the components without which a file is of no use.
        thresholds: Numbers that people may set, by name.
        defaults: Their values, read from the expressions.
    """

    files: Mapping[str, Groups]
    needs: Mapping[str, tuple[str, ...]]
    thresholds: Mapping[str, Threshold]
    defaults: Mapping[str, float]

    def alerts(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield each alerting rule with the stem of its file."""
        for stem, groups in self.files.items():
            for rule in alerts_of(groups):
                yield stem, rule

    def of_alert(self, alert: str) -> list[Threshold]:
        """Return the thresholds of an alert."""
        return [threshold for threshold in self.thresholds.values() if threshold.alert == alert]


def alerts_of(groups: Groups) -> Iterator[dict[str, Any]]:
    """Yield the alerting rules of groups."""
    for group in groups:
        for rule in group["rules"]:
            if "alert" in rule:
                yield rule


def read(directory: Path) -> Book:
    """Read the rule files that files.yml names, and thresholds.yml.

    Raises:
        RulesError: A file is missing or no YAML, or the numbers in it and in thresholds.yml do not fit together.
    """
    parts = [directory / THRESHOLDS, directory / FILES, *sorted(directory.glob("*.yml"))]
    stamps = tuple((str(path), path.stat().st_mtime_ns) for path in parts if path.is_file())
    return copy.deepcopy(_read(directory, stamps))


@lru_cache(maxsize=4)
def _read(directory: Path, _stamps: tuple[tuple[str, int], ...]) -> Book:
    needs = {
        str(stem): (str(told),) if isinstance(told, str) else tuple(map(str, told))
        for stem, told in load(directory / FILES).items()
    }
    files = {stem: groups_of(directory / f"{stem}.yml") for stem in needs}
    numbers = known(directory)
    return Book(files=files, needs=needs, thresholds=numbers, defaults=_defaults(files, numbers))


def known(directory: Path) -> dict[str, Threshold]:
    """Read thresholds.yml.

    Raises:
        RulesError: It is missing or an entry is wrong.
    """
    path = directory / THRESHOLDS
    return dict(_known(path, path.stat().st_mtime_ns if path.is_file() else 0))


@lru_cache(maxsize=4)
def _known(path: Path, _changed_ns: int) -> dict[str, Threshold]:
    return {str(name): thresholds.from_mapping(str(name), line, THRESHOLDS) for name, line in load(path).items()}


def _defaults(files: Mapping[str, Groups], known: Mapping[str, Threshold]) -> dict[str, float]:
    found: dict[str, float] = {}
    for stem, groups in files.items():
        for rule in alerts_of(groups):
            for literal in thresholds.literals(str(rule["expr"])):
                where = f"{stem}.yml: {rule['alert']}: {literal.name}"
                if literal.name not in known:
                    raise RulesError(f"{where} is not in {THRESHOLDS}.")
                if known[literal.name].alert != rule["alert"]:
                    raise RulesError(
                        f"{where} belongs to {known[literal.name].alert} by {THRESHOLDS}; give it a name of its own."
                    )
                if found.setdefault(literal.name, literal.value) != literal.value:
                    raise RulesError(f"{where} is {literal.text} here and {found[literal.name]:g} in another place.")
    return found


def groups_of(path: Path) -> Groups:
    """Read the groups of one rule file.

    Raises:
        RulesError: It has none.
    """
    groups = load(path).get("groups")
    if not isinstance(groups, list):
        raise RulesError(f"{path} has no groups; it is no rule file.")
    return groups


def load(path: Path) -> dict[str, Any]:
    """Read a YAML mapping.

    Raises:
        RulesError: It is missing or something else.
    """
    try:
        loaded = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506  a safe loader
    except OSError as error:
        raise RulesError(f"{path} cannot be read: {error.strerror}.") from error
    except yaml.YAMLError as error:
        raise RulesError(f"{path} is no YAML: {error}") from error
    if loaded is None:
        return {}
    if not isinstance(loaded, dict):
        raise RulesError(f"{path} must hold a mapping.")
    return loaded
