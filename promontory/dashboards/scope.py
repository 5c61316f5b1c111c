"""Narrows PromQL by a dashboard's variables: every selector gets the matchers it does not have yet."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

_TOKEN = re.compile(
    r"""(?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)
      | (?P<variable>\$\{[^}]*\}|\$\w+)
      | (?P<number>(?:0x[0-9a-fA-F]+|\d[\w.]*|\.\d\w*))
      | (?P<word>[a-zA-Z_:][\w:]*)
      | (?P<space>\s+|\#[^\n]*)
      | (?P<mark>.)""",
    re.VERBOSE | re.DOTALL,
)
_GROUPING = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right"})
_AGGREGATIONS = frozenset({
    "sum", "min", "max", "avg", "group", "stddev", "stdvar", "count", "count_values", "bottomk", "topk", "quantile",
    "limitk", "limit_ratio",
})  # fmt: skip
_WORDS = _GROUPING | {"and", "or", "unless", "atan2", "offset", "bool", "inf", "nan"}


LabelsOf = Callable[[str], Sequence[str]]
"""Gives the labels to narrow a metric by; the name is empty for a selector without one."""


def narrowed(expr: str, labels: Sequence[str] | LabelsOf) -> str:
    """Add ``label=~"$label"`` to every selector of an expression that does not match that label already.

    Args:
        expr: PromQL; Grafana's variables are left alone.
        labels: Names of labels, each with a dashboard variable of the same name; or a function that gives them by
            metric.
    """
    labels_of: LabelsOf = labels if callable(labels) else lambda metric: labels
    tokens = [(match.lastgroup or "", match.group()) for match in _TOKEN.finditer(expr)]
    written: list[str] = []
    position = 0
    while position < len(tokens):
        kind, text = tokens[position]
        after = _solid(tokens, position + 1)
        following = tokens[after][1] if after < len(tokens) else ""
        written.append(text)
        position += 1
        if kind == "word" and text.lower() in _GROUPING and following == "(":
            position = _copied_until(tokens, position, ")", written)
        elif kind == "mark" and text == "[":   # a range, or a subquery's range and step
            position = _copied_until(tokens, position, "]", written)
        elif kind == "mark" and text == "{":
            position = _selector(tokens, position, labels_of(""), written)
        elif kind == "word" and _is_metric(text, following):
            if following == "{":
                written.append("{")
                position = _selector(tokens, after + 1, labels_of(text), written)
            elif labels_of(text):
                written.append("{" + _matchers(labels_of(text)) + "}")
    return "".join(written)


def _is_metric(word: str, following: str) -> bool:
    if following == "(" or word.lower() in _WORDS:
        return False
    return not (word.lower() in _AGGREGATIONS and following.lower() in ("by", "without"))


def _selector(tokens: list[tuple[str, str]], position: int, labels: Sequence[str], written: list[str]) -> int:
    """Copy what stands between braces, with the missing matchers at its end; return the position behind it."""
    inside: list[str] = []
    end = _copied_until(tokens, position, "}", inside)
    had = [text for kind, text in tokens[position : end - 1] if kind == "word"]
    body = "".join(inside[:-1]).strip().rstrip(",")
    missing = _matchers([label for label in labels if label not in had])
    written.append(", ".join(part for part in (body, missing) if part) + "}")
    return end


def _copied_until(tokens: list[tuple[str, str]], position: int, last: str, written: list[str]) -> int:
    while position < len(tokens):
        kind, text = tokens[position]
        written.append(text)
        position += 1
        if kind == "mark" and text == last:
            break
    return position


def _solid(tokens: list[tuple[str, str]], position: int) -> int:
    while position < len(tokens) and tokens[position][0] == "space":
        position += 1
    return position


def _matchers(labels: Sequence[str]) -> str:
    return ", ".join(f'{label}=~"${label}"' for label in labels)
