"""Checks values against a role's argument spec, strictly, and says everything that is wrong at once.

Ansible's own validator converts before it judges: the text "false" passes as a boolean and then counts as true in the
role, 3.10 passes as text and is "3.1". Here a type is meant. What passes here passes there too.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible.module_utils.common import validation

_NOT_GIVEN = object()
_WANTED = {
    "str": "text",
    "path": "a path",
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "list": "a list",
    "dict": "a mapping",
    "bytes": "a size such as 10MB",
    "bits": "a size such as 10Mb",
    "sid": "text",
}
_FREE = frozenset({"raw", "json", "jsonarg"})
_SECRET = re.compile(r"pass(word|phrase)?$|secret|token|credential", re.IGNORECASE)
_SHOWN = 80
_GROUP_CHECKS = {
    "mutually_exclusive": validation.check_mutually_exclusive,
    "required_together": validation.check_required_together,
    "required_one_of": validation.check_required_one_of,
    "required_if": validation.check_required_if,
    "required_by": validation.check_required_by,
}


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        variable: The variable it belongs to.
        message: A complete sentence, without secrets.
        derived_from: Names that the value is made of, where it is a role's default.
    """

    variable: str
    message: str
    derived_from: frozenset[str] = frozenset()


def check(options: Mapping[str, Any], values: Mapping[str, Any]) -> list[Finding]:
    """Check variables against the options of a role.

    Args:
        options: ``argument_specs.main.options``.
        values: Templated values of those variables that are set.
    """
    checker = _Checker()
    for name, option in options.items():
        checker.variable = name
        value = values.get(name, _NOT_GIVEN)
        if value is _NOT_GIVEN:
            if option.get("required"):
                checker.say(name, f"is not set, and has no default: {_description(option)}")
            continue
        checker.value(name, value, option, secret=_is_secret(name, option))
    return checker.findings


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `` Did you mean x?`` for a name close to a known one, else ""."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.7)
    return f" Did you mean {near[0]}?" if near else ""


class _Checker:
    """Collects findings while it walks down a value."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.variable = ""

    def say(self, path: str, message: str) -> None:
        self.findings.append(Finding(self.variable, f"{path} {message}"))

    def value(self, path: str, value: Any, option: Mapping[str, Any], *, secret: bool) -> None:
        """Check a value and what it contains; nothing below a value of the wrong type is judged."""
        kind = option.get("type", "str")
        if value is None:
            if option.get("required") or "default" in option:
                self.say(path, f"is null, but must be {_WANTED.get(kind, kind)}. Leave it out to get its default.")
            return
        if kind not in _FREE and not _fits(value, kind):
            self.say(
                path,
                f"is {_show(value, secret)}, but must be {_WANTED.get(kind, kind)}.{_way_out(path, value, kind, secret)}",
            )
            return
        self._choices(path, value, option, secret=secret)
        if kind == "list":
            self._elements(path, value, option, secret=secret)
        elif kind == "dict" and "options" in option:
            self.mapping(path, value, option)

    def _elements(self, path: str, value: Any, option: Mapping[str, Any], *, secret: bool) -> None:
        element = {key: option[key] for key in (*_GROUP_CHECKS, "options") if key in option}
        element["type"] = option.get("elements", "raw")
        element["required"] = True  # a null in a list is nothing that a role expects
        for number, item in enumerate(value):
            self.value(f"{path}[{number}]", item, element, secret=secret)

    def mapping(self, path: str, value: Mapping[str, Any], option: Mapping[str, Any]) -> None:
        """Check a mapping with described keys."""
        options = option["options"]
        known = {name: name for name in options}
        for name, sub in options.items():
            known.update(dict.fromkeys(sub.get("aliases", ()), name))
        given = {}
        for key, item in value.items():
            if key in known:
                given[known[key]] = item
            else:
                self.say(
                    f"{path}.{key}",
                    f"is no known key.{nearest(str(key), known) or ' Known: ' + ', '.join(sorted(known)) + '.'}",
                )
        for name, sub in options.items():
            if name in given:
                self.value(f"{path}.{name}", given[name], sub, secret=_is_secret(name, sub))
            elif sub.get("required"):
                self.say(f"{path}.{name}", f"is missing: {_description(sub)}")
        for rule, judge in _GROUP_CHECKS.items():
            if rule in option:
                try:
                    judge(option[rule], given)
                except TypeError as error:
                    self.say(path, f"is incomplete or contradicts itself: {error}")

    def _choices(self, path: str, value: Any, option: Mapping[str, Any], *, secret: bool) -> None:
        choices = option.get("choices")
        if not choices:
            return
        wrong = [item for item in (value if isinstance(value, list) else [value]) if item not in choices]
        if wrong:
            hint = "" if secret else nearest(str(wrong[0]), map(str, choices))
            self.say(path, f"is {_show(wrong[0], secret)}, but must be one of {', '.join(map(str, choices))}.{hint}")


def _fits(value: Any, kind: str) -> bool:
    if kind == "bool":
        return isinstance(value, bool)
    if kind == "int":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "float":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind == "list":
        return isinstance(value, list)
    if kind == "dict":
        return isinstance(value, Mapping)
    if kind in ("bytes", "bits"):
        return isinstance(value, (str, int)) and not isinstance(value, bool)
    return isinstance(value, str)


def _show(value: Any, secret: bool) -> str:
    """Return a value for a message; a container by its kind, because a secret may lie anywhere in it."""
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}"
    if secret:
        return "a value of another type (not shown)"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        text = value if len(value) <= _SHOWN else value[: _SHOWN - 1] + "…"
        return f"the text {text!r}"
    return f"the number {value!r}"


def _way_out(path: str, value: Any, kind: str, secret: bool) -> str:
    """Return how to write it right, where the mistake is a common one."""
    if isinstance(value, str) and kind in ("bool", "int", "float"):
        text = value.strip().lower()
        fits = text in ("true", "false") if kind == "bool" else re.fullmatch(r"-?\d+(\.\d+)?", text)
        if fits and not secret:
            return f" Write it without quotes; on the command line -e '{{\"{path}\": {text}}}', as -e name=value is always text."
    if kind in ("str", "path") and isinstance(value, (int, float)):
        return " Put it in quotes: YAML reads an unquoted one as a number or a boolean."
    if kind == "list" and isinstance(value, str):
        return " Write it as [one, two], also when it is only one."
    return ""


def _is_secret(name: str, option: Mapping[str, Any]) -> bool:
    """Tell whether a value must not be shown: it says so, its name does, or something below it is secret."""
    if "no_log" in option:
        if option["no_log"]:
            return True
    elif option.get("type", "str") == "str" and _SECRET.search(name):
        return True
    return any(_is_secret(key, sub) for key, sub in (option.get("options") or {}).items())


def _description(option: Mapping[str, Any]) -> str:
    description = option.get("description") or "it is required."
    return str(description if isinstance(description, str) else description[0])
