"""How the pages write money and times: the same in every country, to be read rather than parsed."""

from __future__ import annotations

from markupsafe import Markup

from fintech.money import format_cents
from fintech.times import iso_time


def money(cents: int) -> str:
    """Write cents with thousands apart and a true minus sign: -123456789 becomes "−1,234,567.89"."""
    units, rest = format_cents(abs(cents)).split(".")
    return f"{'−' if cents < 0 else ''}{int(units):,}.{rest}"


def wrapping_money(cents: int) -> Markup:
    """Write cents like `money`, and let a line break between thousands where a narrow screen has no room."""
    return Markup(money(cents).replace(",", ",<wbr>"))  # noqa: S704  digits, commas, dot and minus need no escaping


def moment(seconds: int) -> Markup:
    """Write seconds since 1970, UTC, as a <time> element that says its zone: "2026-01-31 12:00 UTC"."""
    exact = iso_time(seconds)
    return Markup('<time datetime="{}"><span>{}</span> {} UTC</time>').format(exact, exact[:10], exact[11:16])
