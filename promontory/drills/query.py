"""Single numbers, asked of Prometheus."""

from __future__ import annotations

from promontory.stack import Stack


def value_of(stack: Stack, expression: str) -> float:
    """Return the value of an expression that gives at most one; 0 where it gives none.

    Raises:
        ServiceUnreachable: Prometheus does not answer.
    """
    found = stack.door("prometheus").request("GET", "api/v1/query", params={"query": expression}).json()["data"]["result"]
    return float(found[0]["value"][1]) if found else 0.0
