"""The curve that a rule watches."""

from __future__ import annotations

import pytest

from promontory.backtest.curve import Curve, of_rule


@pytest.mark.parametrize(
    ("expr", "curve"),
    [
        ("up == 0", Curve("up", "==", 0)),
        ("(rate(x[5m]) / rate(y[5m])) > 0.05 and rate(y[5m]) > 2", Curve("(rate(x[5m]) / rate(y[5m]))", ">", 0.05)),
        ("(a unless b) < -2.5  # threshold: x", Curve("(a unless b)", "<", -2.5)),
        ("(up == 1 unless on (job) x) and y > 3", Curve("up", "==", 1)),
        ("a unless (b > 0.5)", Curve("b", ">", 0.5)),
        ("absent(x)", None),
        ("a > b", None),
    ],
)
def test_it_is_the_left_side_of_the_first_comparison_with_a_number(expr: str, curve: Curve | None) -> None:
    assert of_rule(expr) == curve


def test_what_is_no_promql_is_refused() -> None:
    with pytest.raises(ValueError, match="paren"):
        of_rule("rate(x[5m]")
