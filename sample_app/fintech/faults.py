"""A fault: what a drill makes some requests of a route suffer, for a limited time."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from fintech.errors import Invalid

ALL_ROUTES = "*"
# No request has this route: it is the ledger's audit in the background.
AUDIT_JOB = "job:ledger-audit"

LATENCY_S_MAX = 30.0
EXPIRES_S_MAX = 3600
EXPIRES_S_DEFAULT = 300


class FaultKind(StrEnum):
    """What an affected request suffers; the label `kind` of fintech_fault_active.

    ERROR: an answer 500 before it is worked on. LATENCY: a wait before that. DATABASE_ERROR: the commit of what it
    writes fails, so nothing is booked and the answer is 503. DATABASE_LATENCY: each of its transactions waits while it
    holds a pooled connection.
    """

    ERROR = "error"
    LATENCY = "latency"
    DATABASE_ERROR = "database_error"
    DATABASE_LATENCY = "database_latency"

    @property
    def waits(self) -> bool:
        """Whether the fault is a wait, so that it has a length."""
        return self in (FaultKind.LATENCY, FaultKind.DATABASE_LATENCY)


@dataclass(frozen=True)
class Fault:
    """One switched-on fault.

    Args:
        route: A route template, "*" for all of them, or AUDIT_JOB.
        kind: What happens.
        percent: Share of the requests affected, above 0 to 100.
        latency_s: Seconds waited, for the kinds that wait; 0 for the others.
        expires_at: When it switches itself off, seconds since 1970, UTC.
    """

    route: str
    kind: FaultKind
    percent: float
    latency_s: float
    expires_at: float

    @classmethod
    def from_mapping(cls, fields: Mapping[str, object], routes: Collection[str], *, now: float) -> Fault:
        """Read a fault as the API takes it: route, kind, percent (100), latency_s (of kinds that wait), expires_s (300).

        Args:
            fields: Of the names above; None counts as not given.
            routes: The templates that may be chosen.
            now: Seconds since 1970, UTC; expires_s counts from it.
        Raises:
            Invalid: Names the field and what it may be.
        """
        route = fields.get("route")
        if not isinstance(route, str) or (route not in (ALL_ROUTES, AUDIT_JOB) and route not in routes):
            raise Invalid("route", f'must be "*", "{AUDIT_JOB}" or one of {", ".join(sorted(routes))}')
        kind = _kind(fields.get("kind"), (FaultKind.ERROR,) if route == AUDIT_JOB else tuple(FaultKind))
        if not kind.waits and fields.get("latency_s") is not None:
            raise Invalid("latency_s", "belongs to the kinds latency and database_latency")
        expires_s = _number(fields.get("expires_s"), "expires_s", most=EXPIRES_S_MAX, default=EXPIRES_S_DEFAULT)
        return cls(
            route=route,
            kind=kind,
            percent=_number(fields.get("percent"), "percent", most=100, default=100),
            latency_s=_number(fields.get("latency_s"), "latency_s", most=LATENCY_S_MAX) if kind.waits else 0.0,
            expires_at=now + expires_s,
        )

    def is_about(self, route: str) -> bool:
        """Tell whether work of this route is concerned; the audit is no request, so "*" does not mean it."""
        return self.route == route or (self.route == ALL_ROUTES and route != AUDIT_JOB)


def _kind(value: object, possible: tuple[FaultKind, ...]) -> FaultKind:
    if not isinstance(value, str) or value not in possible:
        raise Invalid("kind", f"must be one of {', '.join(possible)}")
    return FaultKind(value)


def _number(value: object, field: str, *, most: float, default: float | None = None) -> float:
    if value is None and default is not None:
        return default
    # NaN and infinity fail the comparison too.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= most:
        raise Invalid(field, f"must be a number above 0 and at most {most:g}")
    return float(value)
