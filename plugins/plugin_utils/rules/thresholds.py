"""The numbers in rules that people set: where they stand in an expression and in its description, and what they may be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import units
from .errors import RulesError

PREFIX = "rules_"
SCOPES = ("host", "environment")
# The last number of a line that ends in such a comment.
_MARKED = re.compile(
    r"(?<![\w.])(?P<number>-?\d+(?:\.\d+)?)(?P<after>[^\d\n]*?)[ \t]*# threshold: (?P<name>[a-z][a-z0-9_]*)[ \t]*$",
    re.MULTILINE,
)
_KEYS = {"alert", "unit", "scope", "min", "max", "description"}


@dataclass(frozen=True)
class Threshold:
    """One number that people may set.

    Attributes:
        name: Without the ``rules_`` of its variable.
        alert: The alert it belongs to.
        unit: One of ``units.UNITS``.
        scope: ``host`` where each host may have its own, else ``environment``.
        minimum: Smallest value allowed.
        maximum: Largest value allowed.
        description: What it limits, one sentence without its dot.
    """

    name: str
    alert: str
    unit: str
    scope: str
    minimum: float
    maximum: float
    description: str

    @property
    def variable(self) -> str:
        """Name of its variable."""
        return PREFIX + self.name

    def problem(self, value: Any) -> str:
        """Say what is wrong with a value, as the end of a sentence after the variable's name; empty when nothing is."""
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return ""  # its type is judged by the argument spec
        if self.minimum <= value <= self.maximum:
            return ""
        low, high = units.literal(self.minimum), units.literal(self.maximum)
        return f"is {units.literal(value)}, but must be between {low} and {high} ({self.description}; {units.UNITS[self.unit]})."


@dataclass(frozen=True)
class Literal:
    """A threshold as it stands in an expression, from ``start`` to ``end``."""

    name: str
    text: str
    start: int
    end: int

    @property
    def value(self) -> float:
        """Its number."""
        return float(self.text)


def from_mapping(name: str, line: Any, where: str) -> Threshold:
    """Read one entry of thresholds.yml.

    Raises:
        RulesError: A key is missing, unknown or has a value of the wrong kind.
    """
    if not isinstance(line, Mapping) or set(line) != _KEYS:
        raise RulesError(f"{where}: {name} must be a mapping with exactly {', '.join(sorted(_KEYS))}.")
    if line["unit"] not in units.UNITS or not name.endswith(f"_{line['unit']}"):
        raise RulesError(
            f"{where}: {name} has the unit {line['unit']!r}; it must end in its unit, one of {', '.join(units.UNITS)}."
        )
    if line["scope"] not in SCOPES:
        raise RulesError(f"{where}: {name}.scope is {line['scope']!r}, but must be one of {', '.join(SCOPES)}.")
    low, high = line["min"], line["max"]
    if not all(isinstance(one, (int, float)) and not isinstance(one, bool) for one in (low, high)) or low >= high:
        raise RulesError(
            f"{where}: {name}.min and .max must be numbers, the first one smaller, not {low!r} and {high!r}."
        )
    return Threshold(
        name=name,
        alert=str(line["alert"]),
        unit=str(line["unit"]),
        scope=str(line["scope"]),
        minimum=float(low),
        maximum=float(high),
        description=str(line["description"]).rstrip("."),
    )


def literals(expression: str) -> list[Literal]:
    """Return the thresholds of an expression, in its order."""
    return [
        Literal(found["name"], found["number"], found.start("number"), found.end("number"))
        for found in _MARKED.finditer(expression)
    ]


def in_expression(expression: str, values: Mapping[str, float]) -> str:
    """Return an expression with other numbers; thresholds that are not in ``values`` stay."""
    for found in reversed(literals(expression)):
        if found.name in values:
            expression = expression[: found.start] + units.literal(values[found.name]) + expression[found.end :]
    return expression


def in_description(description: str, threshold: Threshold, old: float, new: float) -> str:
    """Return a description with another number.

    Raises:
        RulesError: The old number does not stand in it exactly once (after ``limit`` where there are several).
    """
    found = places(description, units.written(old, threshold.unit))
    if len(found) != 1:
        raise RulesError(
            f"{threshold.alert}: its description names {units.written(old, threshold.unit)} ({threshold.name}) "
            f"{len(found)} times, not once: {description}"
        )
    start, end = found[0]
    return description[:start] + units.written(new, threshold.unit) + description[end:]


def places(text: str, number: str) -> list[tuple[int, int]]:
    """Return where a written number stands as a word of its own; only those after ``limit`` where there are any."""
    word = re.compile(rf"(?<![\w.]){re.escape(number)}(?![\w%/]|\.\d)")
    found = [(match.start(), match.end()) for match in word.finditer(text)]
    after_limit = [place for place in found if text[: place[0]].endswith("limit ")]
    return after_limit or found
