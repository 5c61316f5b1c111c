"""Label matchers as Alertmanager reads them: ``severity="critical"``, ``{team=~"a|b", job!=x}``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from .errors import AlertmanagerError

_OPERATORS = ("=~", "!~", "!=", "=")
_TOKEN = re.compile(r'\s*("(?:[^"\\]|\\.)*"|=~|!~|!=|=|[{},]|[^\s{}!=~,"\'`\\]+)')
_ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}


@dataclass(frozen=True)
class Matcher:
    """One condition on one label; a label that an alert lacks counts as the empty text.

    Attributes:
        name: Of the label.
        operator: ``=``, ``!=``, ``=~`` or ``!~``; expressions hold for the whole value.
        value: Text or regular expression.
    """

    name: str
    operator: str
    value: str

    def __str__(self) -> str:
        value = self.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'{self.name}{self.operator}"{value}"'

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(self.value)

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Tell whether an alert with these labels is meant."""
        value = labels.get(self.name, "")
        if self.operator in ("=", "!="):
            return (value == self.value) == (self.operator == "=")
        return bool(self._pattern.fullmatch(value)) == (self.operator == "=~")


def parse(text: str, where: str) -> list[Matcher]:
    """Read matchers, one or several separated by commas, with or without braces.

    Args:
        text: Such as ``severity="critical"``; quotes may be left out around simple values.
        where: What is read, for messages.
    Raises:
        AlertmanagerError: They cannot be read, or hold a broken regular expression.
    """
    tokens = list(_tokens(text, where))
    if tokens and tokens[0] == "{":
        if tokens[-1] != "}":
            raise AlertmanagerError(f"{where}: {text!r} opens a brace and does not close it.")
        tokens = tokens[1:-1]
    found = []
    while tokens:
        if len(tokens) < 3 or tokens[1] not in _OPERATORS or {tokens[0], tokens[2]} & {*_OPERATORS, "{", "}", ","}:
            raise AlertmanagerError(
                f'{where}: {text!r} is no matcher; write it like severity="critical" or job=~"a|b".'
            )
        name, operator, value = (_plain(token) for token in tokens[:3])
        found.append(_compiled(Matcher(name, operator, value), text, where))
        tokens = tokens[3:]
        if tokens:
            if tokens[0] != ",":
                raise AlertmanagerError(f"{where}: {text!r} needs a comma before {_plain(tokens[0])!r}.")
            tokens = tokens[1:]
    return found


def of_route(route: Mapping[str, object], where: str) -> list[Matcher]:
    """Return the matchers of a route, also those in the old form ``match`` and ``match_re``."""
    found = of_list(route.get("matchers"), f"{where}.matchers")
    for key, operator in (("match", "="), ("match_re", "=~")):
        pairs = route.get(key) or {}
        if not isinstance(pairs, Mapping):
            raise AlertmanagerError(f"{where}.{key} must map labels to values.")
        found += [
            _compiled(Matcher(str(name), operator, str(value)), str(value), f"{where}.{key}")
            for name, value in pairs.items()
        ]
    return found


def of_list(texts: object, where: str) -> list[Matcher]:
    """Return the matchers of a list of texts; nothing for none."""
    if texts is None:
        return []
    if isinstance(texts, str) or not isinstance(texts, Sequence):
        raise AlertmanagerError(f"{where} is {texts!r}, but must be a list such as ['severity=\"critical\"'].")
    return [matcher for text in texts for matcher in parse(str(text), where)]


def holds(matchers: Sequence[Matcher], labels: Mapping[str, str]) -> bool:
    """Tell whether all matchers hold; none hold for every alert."""
    return all(matcher.holds(labels) for matcher in matchers)


def exclude_each_other(one: Sequence[Matcher], other: Sequence[Matcher]) -> bool:
    """Tell whether no alert can be meant by both; False where that cannot be seen from single values."""
    for fixed, rest in ((one, other), (other, one)):
        values = {matcher.name: matcher.value for matcher in fixed if matcher.operator == "="}
        for matcher in rest:
            if matcher.name in values and not matcher.holds(values):
                return True
    return False


def _tokens(text: str, where: str) -> Iterator[str]:
    position = 0
    while position < len(text.rstrip()):
        match = _TOKEN.match(text, position)
        if match is None:
            raise AlertmanagerError(f"{where}: {text!r} cannot be read from {text[position:].strip()!r} on.")
        yield match.group(1)
        position = match.end()


def _plain(token: str) -> str:
    if not token.startswith('"'):
        return token
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match.group(1), match.group(0)), token[1:-1], flags=re.DOTALL)


def _compiled(matcher: Matcher, text: str, where: str) -> Matcher:
    if matcher.operator in ("=~", "!~"):
        try:
            re.compile(matcher.value)
        except re.error as error:
            raise AlertmanagerError(f"{where}: {text!r} holds a broken regular expression ({error}).") from error
    return matcher
