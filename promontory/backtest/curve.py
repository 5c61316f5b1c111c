"""The curve that a rule watches: the left side of its comparison, and the limit it is compared with. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from promql_parser import BinaryExpr

from promontory.promql import tree
from promontory.promql.labels import SET_OPERATORS


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
    return next(_comparisons(tree.parse(expr)), None)


def _comparisons(part: tree.Node) -> Iterator[Curve]:
    part = tree.bare(part)
    if not isinstance(part, BinaryExpr):
        return
    operator = str(part.op)
    if operator in tree.COMPARISONS:
        limit = tree.number(part.rhs)
        if limit is not None:
            yield Curve(part.lhs.prettify(), operator, limit)
            return
    if operator in SET_OPERATORS:
        yield from _comparisons(part.lhs)
        yield from _comparisons(part.rhs)
