"""Which labels the result of an expression may have: what `by`, `on`, `$labels.x` and legends can still name."""

from __future__ import annotations

from collections.abc import Callable

from promql_parser import (
    AggModifierType,
    AggregateExpr,
    BinaryExpr,
    Call,
    LabelModifierType,
    MatchOp,
    NumberLiteral,
    StringLiteral,
    UnaryExpr,
    VectorMatchCardinality,
    VectorSelector,
)

from promontory.catalogue import ANY_JOB, Catalogue, Labels
from promontory.promql.tree import Node, bare, children, matchers, name_of, parse, takes, walk

_NONE: frozenset[str] = frozenset()
SET_OPERATORS = {"and", "or", "unless"}
# Aggregations that choose among the series and leave them as they are.
_CHOOSING = {"topk", "bottomk", "limitk", "limit_ratio"}
# Functions whose result is one number or one series without labels.
_WITHOUT_LABELS = {"scalar", "vector", "time", "pi"}


def labels_of(expression: str, catalogue: Catalogue) -> Labels:
    """Return the labels that series of the result may have, without `__name__`; None where nobody can tell.

    Raises:
        ValueError: It is no PromQL.
    """
    return of_node(parse(expression), catalogue)


def of_node(node: Node, catalogue: Catalogue) -> Labels:
    """Return the labels that the result of a part of an expression may have."""
    node = bare(node)
    if isinstance(node, NumberLiteral | StringLiteral):
        return _NONE
    if isinstance(node, VectorSelector):
        return of_selector(node, catalogue)
    if isinstance(node, Call):
        return _of_call(node, catalogue)
    if isinstance(node, AggregateExpr):
        return _of_aggregation(node, catalogue)
    if isinstance(node, BinaryExpr):
        return _of_binary(node, catalogue)
    below = children(node)  # a unary minus, a range, a subquery
    return of_node(below[0], catalogue) if below else None


def of_selector(selector: VectorSelector, catalogue: Catalogue) -> Labels:
    """Return the labels of the series that a selector may choose; none for an unknown metric."""
    name = name_of(selector)
    if name is None or name not in catalogue.metrics:
        return catalogue.recorded.get(name or "")
    metric = catalogue.metrics[name]
    return metric.labels(job for job in metric.jobs if job == ANY_JOB or takes(selector, "job", job))


def is_number(node: Node) -> bool:
    """Tell whether a part is one number and no series, so that it takes part in no matching."""
    node = bare(node)
    if isinstance(node, UnaryExpr):
        return is_number(node.expr)
    if isinstance(node, BinaryExpr):
        return is_number(node.lhs) and is_number(node.rhs)
    return isinstance(node, NumberLiteral) or (isinstance(node, Call) and node.func.name in {"scalar", "time", "pi"})


def _with(labels: Labels, change: Callable[[frozenset[str]], frozenset[str]]) -> Labels:
    return None if labels is None else change(labels)


def _of_call(call: Call, catalogue: Catalogue) -> Labels:
    name = call.func.name
    if name in _WITHOUT_LABELS or not call.args:
        return _NONE
    if name in ("absent", "absent_over_time"):
        # The result has the labels that the selector says exactly, and no others.
        selectors = [node for node in walk(call) if isinstance(node, VectorSelector)]
        inner = bare(call.args[0])
        if len(selectors) == 1 and not isinstance(inner, BinaryExpr | AggregateExpr):
            return frozenset(item.name for item in matchers(selectors[0]) if item.op == MatchOp.Equal)
        return _NONE
    if name == "info":
        return None
    vectors = [item for item in call.args if not isinstance(bare(item), NumberLiteral | StringLiteral)]
    inner_labels = of_node(vectors[0], catalogue) if vectors else _NONE
    if name in ("label_replace", "label_join"):
        made = bare(call.args[1])
        return _with(inner_labels, lambda labels: labels | {made.val}) if isinstance(made, StringLiteral) else None
    if name in ("histogram_quantile", "histogram_fraction"):
        return _with(inner_labels, lambda labels: labels - {"le"})
    return inner_labels


def _of_aggregation(node: AggregateExpr, catalogue: Catalogue) -> Labels:
    inner = of_node(node.expr, catalogue)
    operation = str(node.op)
    if operation in _CHOOSING:
        return inner
    named = frozenset(node.modifier.labels) if node.modifier else _NONE
    if node.modifier and node.modifier.type == AggModifierType.Without:
        kept = _with(inner, lambda labels: labels - named)
    else:
        kept = named if inner is None else inner & named
    if operation == "count_values" and isinstance(node.param, StringLiteral):
        made = node.param.val
        return _with(kept, lambda labels: labels | {made})
    return kept


def _of_binary(node: BinaryExpr, catalogue: Catalogue) -> Labels:
    left, right = of_node(node.lhs, catalogue), of_node(node.rhs, catalogue)
    operation = str(node.op)
    if operation == "or":
        return None if left is None or right is None else left | right
    if operation in SET_OPERATORS or is_number(node.rhs):
        return left
    if is_number(node.lhs):
        return right
    modifier = node.modifier
    if modifier is None:
        return left if right is None else right if left is None else left & right
    further = frozenset(modifier.group_labels or ())
    if modifier.card == VectorMatchCardinality.ManyToOne:
        return _with(left, lambda labels: labels | further)
    if modifier.card == VectorMatchCardinality.OneToMany:
        return _with(right, lambda labels: labels | further)
    if modifier.matching is None:
        return left
    named = frozenset(modifier.matching.labels)
    if modifier.matching.type == LabelModifierType.Include:
        return named if left is None else left & named
    return _with(left, lambda labels: labels - named)
