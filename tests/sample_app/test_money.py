"""Amounts: what is taken is taken to the cent, everything else is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fintech.errors import Invalid
from fintech.money import MAX_AMOUNT_CENTS, format_cents, parse_amount

REFUSED = [
    "-1000", "+5", "0", "0.00", "1e400", "1E2", "NaN", "nan", "inf", "Infinity", "1.234", "12.", ".5", "1,50", "1 000",
    "01", "00.10", "0x10", "1_000", "", " ", " 1", "1 ", "1\n", "١٢", "１２", "10000000000.01", "9" * 400, "½", "$5",
    None, 5, 5.0, True, ["5"], {"amount": "5"}, float("nan"), 10**400,
]  # fmt: skip


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: repr(text)[:24])
def test_what_is_no_plain_amount_is_refused(text: object) -> None:
    with pytest.raises(Invalid) as refused:
        parse_amount(text)
    assert refused.value.field == "amount"


@pytest.mark.parametrize(
    ("text", "cents"),
    [("12.34", 1234), ("12.3", 1230), ("12", 1200), ("0.01", 1), ("10000000000.00", MAX_AMOUNT_CENTS)],
)
def test_a_plain_amount_is_read_to_the_cent(text: str, cents: int) -> None:
    assert parse_amount(text) == cents


@given(st.integers(1, MAX_AMOUNT_CENTS))
def test_an_amount_survives_writing_and_reading(cents: int) -> None:
    assert parse_amount(format_cents(cents)) == cents


@given(st.text(max_size=12))
def test_any_text_is_an_amount_in_range_or_refused(text: str) -> None:
    """Nothing else: no other exception, no amount out of range."""
    try:
        cents = parse_amount(text)
    except Invalid:
        return
    assert 1 <= cents <= MAX_AMOUNT_CENTS
    assert text.isascii()
    assert text.replace(".", "", 1).isdigit()


def test_a_negative_balance_change_is_written_with_its_sign() -> None:
    assert [format_cents(cents) for cents in (-1234, -5, 0, 5)] == ["-12.34", "-0.05", "0.00", "0.05"]
