"""Amounts of money: text outside, integer cents inside, nothing else anywhere."""

from __future__ import annotations

import re

from fintech.errors import Invalid

# One transaction moves at most ten billion; an account holds at most a thousand times that. Both are far below
# 2**63 cents, so that no sum of balances the house can hold overflows a BIGINT.
MAX_AMOUNT_CENTS = 10**12
MAX_BALANCE_CENTS = 10**15

# Plain ASCII digits: `\d` alone would let other scripts' digits through, and `$` a trailing newline.
AMOUNT = re.compile(r"(?P<units>0|[1-9][0-9]{0,10})(?:\.(?P<cents>[0-9]{1,2}))?")


def parse_amount(text: object, *, field: str = "amount") -> int:
    """Read an amount such as "12.34", "12.3" or "12".

    Args:
        text: What the client sent; only a string is taken, since a JSON number may already have lost a cent.
        field: The field's name, for the message.
    Returns:
        Cents, 1 to MAX_AMOUNT_CENTS.
    Raises:
        Invalid: Not a string, a sign, an exponent, NaN, more than two decimals, zero, or too large.
    """
    if not isinstance(text, str):
        raise Invalid(field, 'must be a string such as "12.34"')
    match = AMOUNT.fullmatch(text)
    if match is None:
        raise Invalid(field, 'must be digits with at most two decimals, such as "12.34", without sign or exponent')
    cents = int(match["units"]) * 100 + int((match["cents"] or "").ljust(2, "0"))
    if cents == 0:
        raise Invalid(field, "must be at least 0.01")
    if cents > MAX_AMOUNT_CENTS:
        raise Invalid(field, f"must be at most {format_cents(MAX_AMOUNT_CENTS)}")
    return cents


def format_cents(cents: int) -> str:
    """Write cents as text: 1234 becomes "12.34", -5 becomes "-0.05"."""
    sign = "-" if cents < 0 else ""
    units, rest = divmod(abs(cents), 100)
    return f"{sign}{units}.{rest:02}"
