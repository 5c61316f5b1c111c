"""Finds what is wrong with an expression before a Prometheus evaluates it, most of which Prometheus would answer with nothing."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass

from promql_parser import (
    AggModifierType,
    AggregateExpr,
    BinaryExpr,
    Call,
    LabelModifierType,
    MatrixSelector,
    SubqueryExpr,
    VectorMatchCardinality,
    VectorSelector,
)

from promontory.catalogue import ANY_JOB, Catalogue, Labels
from promontory.promql.labels import SET_OPERATORS, is_number, of_node, of_selector
from promontory.promql.tree import COMPARISONS, Node, bare, children, matchers, name_of, parse, takes, walk

_RATES = {"rate", "irate", "increase"}
_SLOPES = {"delta", "idelta", "deriv", "predict_linear"}
# What is left of a counter after these is no counter any more.
_NOT_THE_VALUE = {
    *_RATES, *_SLOPES, "resets", "changes", "absent", "absent_over_time", "timestamp", "count_over_time", "present_over_time",
    "last_over_time", "scalar",
}  # fmt: skip
_COUNTING = {"count", "group"}
# Fewer samples make a rate of nothing, or of a single step: two are needed, and one scrape may be late or lost.
_SCRAPES_FOR_A_RATE = 4
_SCRAPES_FOR_A_RANGE = 2


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        code: What kind of thing: syntax, unknown-metric, unknown-job, unknown-label, lost-label, rate-of-gauge,
            slope-of-counter, raw-counter, quantile-without-le or short-range.
        message: A sentence with the name, and what to do where one can say so.
    """

    code: str
    message: str

    def __str__(self) -> str:
        """Return the message with its code."""
        return f"{self.code}: {self.message}"


def check(expression: str, catalogue: Catalogue, *, scrape_interval_s: float = 15) -> list[Problem]:
    """Return what is wrong with an expression; nothing when it is fine.

    Args:
        expression: PromQL, with no variables in it.
        catalogue: The metrics that exist; see `with_rules` for the results of recording rules.
        scrape_interval_s: Seconds between two samples, for ranges that are too short.
    """
    try:
        tree = parse(expression)
    except ValueError as error:
        return [Problem("syntax", f"{error}, in {expression!r}")]
    judge = _Judge(catalogue, scrape_interval_s)
    found = [problem for node in walk(tree) for problem in judge.node(node)]
    found.extend(judge.raw_counters(tree))
    return list(dict.fromkeys(found))


class _Judge:
    """Judges single nodes against one catalogue."""

    def __init__(self, catalogue: Catalogue, scrape_interval_s: float) -> None:
        self._catalogue = catalogue
        self._scrape_interval_s = scrape_interval_s

    def node(self, node: Node) -> Iterator[Problem]:
        """Yield the problems of one node, not of those below it."""
        if isinstance(node, VectorSelector):
            yield from self._selector(node)
        elif isinstance(node, Call):
            yield from self._call(node)
        elif isinstance(node, AggregateExpr):
            yield from self._aggregation(node)
        elif isinstance(node, BinaryExpr):
            yield from self._matching(node)
            yield from self._compared_counters(node)

    def raw_counters(self, tree: Node) -> Iterator[Problem]:
        """Yield a problem for each counter whose bare value is the result."""
        for name in sorted(self._raw(tree)):
            yield Problem(
                "raw-counter", f"The result is the bare value of the counter {name}; take rate() or increase()."
            )

    def _selector(self, selector: VectorSelector) -> Iterator[Problem]:
        name = name_of(selector)
        if name is None or name in self._catalogue.recorded:
            labels = self._catalogue.recorded.get(name or "", None)
            if labels is None:
                return
        elif name not in self._catalogue.metrics:
            yield Problem("unknown-metric", f"No program exports {name}{_near(name, self._catalogue.names())}")
            return
        else:
            metric = self._catalogue.metrics[name]
            if not any(job == ANY_JOB or takes(selector, "job", job) for job in metric.jobs):
                jobs = ", ".join(sorted(metric.jobs))
                yield Problem("unknown-job", f"{selector} chooses a job that has no {name}; it is exported by {jobs}.")
                return
            labels = of_selector(selector, self._catalogue) or frozenset()
        for label in dict.fromkeys(item.name for item in matchers(selector)):
            if label not in labels:
                yield Problem("unknown-label", f"{name} has no label {label}{_near(label, labels)}")

    def _call(self, call: Call) -> Iterator[Problem]:
        function = call.func.name
        for argument in call.args:
            inner = bare(argument)
            if isinstance(inner, MatrixSelector):
                yield from self._range(function, inner)
        if function == "histogram_quantile":
            labels = of_node(call.args[1], self._catalogue)
            if labels is not None and "le" not in labels:
                yield Problem(
                    "quantile-without-le",
                    "The argument of histogram_quantile has no label le; keep it in `by`, and take the series …_bucket.",
                )

    def _range(self, function: str, matrix: MatrixSelector) -> Iterator[Problem]:
        name = name_of(matrix.vector_selector)
        metric = self._catalogue.metrics.get(name or "")
        if metric is not None and function in _RATES and metric.is_gauge:
            yield Problem(
                "rate-of-gauge", f"{function}() of {name}, which is a {metric.type}; take delta() or deriv()."
            )
        if metric is not None and function in _SLOPES and metric.only_rises:
            yield Problem(
                "slope-of-counter", f"{function}() of the counter {name}: its resets count as falls; take rate()."
            )
        scrapes = _SCRAPES_FOR_A_RATE if function in _RATES else _SCRAPES_FOR_A_RANGE
        least = scrapes * self._scrape_interval_s
        if matrix.range.total_seconds() < least:
            yield Problem(
                "short-range",
                f"{function}() looks back {matrix.range.total_seconds():g} s at {name}, which is less than {scrapes} scrapes; "
                f"take {least:g} s or more.",
            )

    def _aggregation(self, node: AggregateExpr) -> Iterator[Problem]:
        labels = of_node(node.expr, self._catalogue)
        if node.modifier is None or labels is None:
            return
        word = "by" if node.modifier.type == AggModifierType.By else "without"
        for label in node.modifier.labels:
            if label not in labels:
                yield Problem(
                    "lost-label", f"{word} ({label}): what is aggregated has no such label{_near(label, labels)}"
                )

    def _matching(self, node: BinaryExpr) -> Iterator[Problem]:
        modifier = node.modifier
        if modifier is None or is_number(node.lhs) or is_number(node.rhs):
            return
        left, right = of_node(node.lhs, self._catalogue), of_node(node.rhs, self._catalogue)
        if modifier.matching is not None:
            on = modifier.matching.type == LabelModifierType.Include
            word = "on" if on else "ignoring"
            for label in modifier.matching.labels:
                lacking = [side for side, labels in (("left", left), ("right", right)) if _lacks(labels, label)]
                if (on and lacking) or len(lacking) == 2:
                    yield Problem(
                        "lost-label",
                        f"{word} ({label}): the {' and the '.join(lacking)} side of {node.op} has no such label.",
                    )
        if modifier.card == VectorMatchCardinality.ManyToOne:
            yield from _not_there("group_left", modifier.group_labels, right, node)
        elif modifier.card == VectorMatchCardinality.OneToMany:
            yield from _not_there("group_right", modifier.group_labels, left, node)

    def _compared_counters(self, node: BinaryExpr) -> Iterator[Problem]:
        operator = str(node.op)
        if operator in SET_OPERATORS:
            return
        left, right = self._raw(node.lhs), self._raw(node.rhs)
        if left and left == right and _has_offset(node):
            return  # a counter with what it was before
        if operator == "-" and left and right:
            return  # what went in less what came out
        for name in sorted(left | right):
            what = "compared" if operator in COMPARISONS else f"taken with {operator}"
            yield Problem("raw-counter", f"The bare value of the counter {name} is {what}; take rate() or increase().")

    def _raw(self, node: Node) -> frozenset[str]:
        """Return the counters whose bare value is in the result of a part."""
        node = bare(node)
        if isinstance(node, VectorSelector):
            metric = self._catalogue.metrics.get(name_of(node) or "")
            return frozenset({metric.name}) if metric is not None and metric.only_rises else frozenset()
        if isinstance(node, Call) and node.func.name in _NOT_THE_VALUE:
            return frozenset()
        if isinstance(node, AggregateExpr):
            return frozenset() if str(node.op) in _COUNTING else self._raw(node.expr)
        if isinstance(node, BinaryExpr):
            if str(node.op) in SET_OPERATORS:
                return self._raw(node.lhs) | (self._raw(node.rhs) if str(node.op) == "or" else frozenset())
            return frozenset()  # named by _compared_counters already
        if isinstance(node, SubqueryExpr | MatrixSelector):
            return self._raw(children(node)[0])
        return frozenset().union(*(self._raw(child) for child in children(node)))


def _not_there(word: str, wanted: list[str] | None, labels: Labels, node: BinaryExpr) -> Iterator[Problem]:
    for label in wanted or ():
        if _lacks(labels, label):
            yield Problem("lost-label", f"{word} ({label}): the other side of {node.op} has no such label.")


def _lacks(labels: Labels, label: str) -> bool:
    return labels is not None and label not in labels


def _has_offset(node: Node) -> bool:
    return any(isinstance(part, VectorSelector) and part.offset is not None for part in walk(node))


def _near(name: str, known: frozenset[str] | list[str]) -> str:
    found = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.75)
    return f"; did you mean {found[0]}?" if found else "."
