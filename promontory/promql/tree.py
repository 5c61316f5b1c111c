"""PromQL as a tree: parsing, walking, and which metrics and jobs a selector may mean."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import promql_parser
from promql_parser import (
    AggregateExpr,
    BinaryExpr,
    Call,
    MatchOp,
    MatrixSelector,
    NumberLiteral,
    ParenExpr,
    SubqueryExpr,
    UnaryExpr,
    VectorSelector,
)

COMPARISONS = frozenset({"==", "!=", "<", ">", "<=", ">="})

Node = Any
"""A node of promql_parser's tree; its classes have no base in common at run time."""


def parse(expression: str) -> Node:
    """Return the tree of an expression.

    Raises:
        ValueError: It is no PromQL, or its types do not fit; the message is the parser's.
    """
    return promql_parser.parse(expression)


def children(node: Node) -> list[Node]:
    """Return the expressions directly below a node."""
    if isinstance(node, BinaryExpr):
        return [node.lhs, node.rhs]
    if isinstance(node, Call):
        return list(node.args)
    if isinstance(node, AggregateExpr):
        return [node.expr] if node.param is None else [node.param, node.expr]
    if isinstance(node, MatrixSelector):
        return [node.vector_selector]
    if isinstance(node, ParenExpr | SubqueryExpr | UnaryExpr):
        return [node.expr]
    return []


def walk(node: Node) -> Iterator[Node]:
    """Yield a node and everything below it, outer ones first."""
    yield node
    for child in children(node):
        yield from walk(child)


def bare(node: Node) -> Node:
    """Return what stands within parentheses."""
    while isinstance(node, ParenExpr):
        node = node.expr
    return node


def number(node: Node) -> float | None:
    """Return the value of an expression of plain numbers, such as ``-(5 * 60)``; None where it is something else."""
    node = bare(node)
    if isinstance(node, NumberLiteral):
        return float(node.val)
    if isinstance(node, UnaryExpr):
        inner = number(node.expr)
        return None if inner is None else -inner
    if isinstance(node, BinaryExpr) and str(node.op) in ("*", "/", "+", "-"):
        left, right = number(node.lhs), number(node.rhs)
        if left is None or right is None or (str(node.op) == "/" and right == 0):
            return None
        return {"*": left * right, "/": left / (right or 1), "+": left + right, "-": left - right}[str(node.op)]
    return None


def metrics_of(expression: str) -> frozenset[str]:
    """Return the names of the metrics that an expression asks for.

    Raises:
        ValueError: It is no PromQL.
    """
    found = (name_of(node) for node in walk(parse(expression)) if isinstance(node, VectorSelector))
    return frozenset(name for name in found if name is not None)


def name_of(selector: VectorSelector) -> str | None:
    """Return the metric that a selector names; None where it chooses by other labels alone, or by a pattern."""
    if selector.name:
        return selector.name
    told = [item.value for item in selector.matchers.matchers if item.name == "__name__" and item.op == MatchOp.Equal]
    return told[0] if told else None


def matchers(selector: VectorSelector) -> Iterator[promql_parser.Matcher]:
    """Yield the conditions of a selector, except the one for its name."""
    groups = [selector.matchers.matchers, *selector.matchers.or_matchers]
    for group in groups:
        yield from (item for item in group if item.name != "__name__")


def takes(selector: VectorSelector, label: str, value: str) -> bool:
    """Tell whether a selector's conditions on a label let a value through."""
    return all(_holds(item, value) for item in matchers(selector) if item.name == label)


def _holds(matcher: promql_parser.Matcher, value: str) -> bool:
    if matcher.op == MatchOp.Equal:
        return value == matcher.value
    if matcher.op == MatchOp.NotEqual:
        return value != matcher.value
    try:
        found = re.fullmatch(matcher.value, value, re.DOTALL) is not None
    except re.error:  # RE2 knows expressions that Python does not
        return True
    return found if matcher.op == MatchOp.Re else not found
