"""The fault switch: for drills, makes some requests of a route slow or failing, for a limited time.

Health, metrics and the switch itself are never affected: a drill must stay observable and can always be ended.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from fintech.errors import Invalid

ALL_ROUTES = "*"
_LATENCY_S_MAX = 30.0
_EXPIRES_S_MAX = 3600


class FaultKind(StrEnum):
    """What an affected request suffers: an answer 500, or a wait before it is worked on."""

    ERROR = "error"
    LATENCY = "latency"


@dataclass(frozen=True)
class Fault:
    """One switched-on fault.

    Args:
        route: A route template, or "*" for all of them.
        kind: What happens.
        percent: Share of the requests affected, above 0 to 100.
        latency_s: Seconds waited, for LATENCY; 0 for ERROR.
        expires_s: Seconds after which it switches itself off.
    """

    route: str
    kind: FaultKind
    percent: float
    latency_s: float
    expires_s: float

    @classmethod
    def from_mapping(cls, fields: Mapping[str, object], routes: Collection[str]) -> Fault:
        """Read a fault as the API takes it: route, kind, percent (100), latency_s (for latency), expires_s (300).

        Args:
            fields: Of the names above; None counts as not given.
            routes: The templates that may be chosen.
        Raises:
            Invalid: Names the field and what it may be.
        """
        route = fields.get("route")
        if not isinstance(route, str) or (route != ALL_ROUTES and route not in routes):
            raise Invalid("route", f'must be "*" or one of {", ".join(sorted(routes))}')
        kind = fields.get("kind")
        if not isinstance(kind, str) or kind not in list(FaultKind):
            raise Invalid("kind", f"must be one of {', '.join(FaultKind)}")
        if kind == FaultKind.ERROR and fields.get("latency_s") is not None:
            raise Invalid("latency_s", "belongs to the kind latency")
        return cls(
            route=route,
            kind=FaultKind(kind),
            percent=_number(fields.get("percent"), "percent", most=100, default=100),
            latency_s=_number(fields.get("latency_s"), "latency_s", most=_LATENCY_S_MAX)
            if kind == FaultKind.LATENCY
            else 0.0,
            expires_s=_number(fields.get("expires_s"), "expires_s", most=_EXPIRES_S_MAX, default=300),
        )


class FaultSwitch:
    """The faults of one process; safe to use from several threads.

    Args:
        clock: Monotonic seconds.
        draw: Gives numbers from 0 up to, not including, 1; decides which requests are affected.
    """

    def __init__(
        self, *, clock: Callable[[], float] = time.monotonic, draw: Callable[[], float] = random.random
    ) -> None:
        self._clock = clock
        self._draw = draw
        self._lock = threading.Lock()
        self._until: dict[tuple[str, FaultKind], tuple[Fault, float]] = {}

    def set(self, fault: Fault) -> None:
        """Switch a fault on; one of the same route and kind is replaced."""
        with self._lock:
            self._until[fault.route, fault.kind] = (fault, self._clock() + fault.expires_s)

    def clear(self) -> int:
        """Switch all faults off and return how many there were."""
        with self._lock:
            count = sum(1 for _ in self._live())
            self._until.clear()
        return count

    def active(self) -> list[tuple[Fault, float]]:
        """List the faults that are on, each with the seconds left to it."""
        if not self._until:  # the usual case, asked by every request: no lock, no clock
            return []
        with self._lock:
            live = list(self._live())
            self._until = {(fault.route, fault.kind): (fault, until) for fault, until in live}
            now = self._clock()
        return [(fault, until - now) for fault, until in live]

    def hits(self, route: str) -> list[Fault]:
        """Draw which faults this request of `route` suffers; waits come before errors."""
        hit = [
            fault
            for fault, _ in self.active()
            if fault.route in (ALL_ROUTES, route) and self._draw() * 100 < fault.percent
        ]
        return sorted(hit, key=lambda fault: fault.kind is FaultKind.ERROR)

    def _live(self) -> Iterator[tuple[Fault, float]]:
        now = self._clock()
        return ((fault, until) for fault, until in self._until.values() if until > now)


class FaultCollector(Collector):
    """Shows the faults that are on as fintech_fault_active; an expired one vanishes without a request."""

    def __init__(self, switch: FaultSwitch) -> None:
        self._switch = switch

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the gauge: 1 for each fault that is on."""
        family = GaugeMetricFamily(
            "fintech_fault_active", "1 while a fault is switched on for a drill.", labels=["route", "kind"]
        )
        for fault, _ in self._switch.active():
            family.add_metric([fault.route, fault.kind.value], 1)
        yield family


def _number(value: object, field: str, *, most: float, default: float | None = None) -> float:
    if value is None and default is not None:
        return default
    # NaN and infinity fail the comparison too.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= most:
        raise Invalid(field, f"must be a number above 0 and at most {most:g}")
    return float(value)
