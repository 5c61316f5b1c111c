"""The curve that a rule watches: the left side of its comparison, and the limit it is compared with. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import promql_parser

_COMPARISONS = {">", "<", ">=", "<=", "==", "!="}
_SETS = {"and", "unless", "or"}


@dataclass(frozen=True)
class Curve:
    """What is drawn of a rule.

    Attributes:
        expr: PromQL of the curve.
        operator: Such as ``>``.
        limit: The number it is compared with.
    """

    expr: str
    operator: str
    limit: float


def of_rule(expr: str) -> Curve | None:
    """Return the first comparison with a number in a rule's expression; None where it has none that leads to a curve.

    Raises:
        ValueError: It is no PromQL.
    """
    return next(_comparisons(promql_parser.parse(expr)), None)


def _comparisons(part: promql_parser.Expr) -> Iterator[Curve]:
    if isinstance(part, promql_parser.ParenExpr):
        yield from _comparisons(part.expr)
    if not isinstance(part, promql_parser.BinaryExpr):
        return
    operator = str(part.op)
    if operator in _COMPARISONS:
        limit = _number(part.rhs)
        if limit is not None:
            yield Curve(part.lhs.prettify(), operator, limit)
            return
    if operator in _SETS:
        yield from _comparisons(part.lhs)
        yield from _comparisons(part.rhs)


def _number(part: promql_parser.Expr) -> float | None:
    if isinstance(part, promql_parser.ParenExpr):
        return _number(part.expr)
    if isinstance(part, promql_parser.UnaryExpr):
        inner = _number(part.expr)
        return None if inner is None else -inner
    return float(part.val) if isinstance(part, promql_parser.NumberLiteral) else None
