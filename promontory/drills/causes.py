"""What sets an alert of the sample app off, as plain values; `breaks` makes each of them happen while a context lasts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from promontory.drills import breakage
from promontory.drills.app_host import Commands
from promontory.drills.frame import Broken, Field
from promontory.drills.load import load
from promontory.drills.query import value_of
from promontory.drills.switch import switched_on
from promontory.errors import UsageError

_STEPS_PER_CLIENT_S = 3.0   # more than a client of a crowd gets answered, so that it always has the next one at hand


@dataclass(frozen=True)
class Fault:
    """A fault of the app's own switch.

    Attributes:
        route: A route template, ``*`` for all, or ``job:ledger-audit``.
        kind: ``error``, ``latency``, ``database_error`` or ``database_latency``.
        percent: Share of the requests that suffer it, above 0 to 100.
        latency_s: Seconds of a wait; None where the kind is none.
    """

    route: str
    kind: str
    percent: float = 100.0
    latency_s: float | None = None


@dataclass(frozen=True)
class Customers:
    """The load generator with one of its profiles, at so many steps per second."""

    profile: str
    rate: float


@dataclass(frozen=True)
class Crowd:
    """Customers as many as keep all of something busy at every moment.

    Attributes:
        metric: What there is of it, such as request threads; its sum is asked of Prometheus.
        share: Clients for each of them.
        more: Clients beyond that.
    """

    metric: str
    share: float = 1.0
    more: int = 0


@dataclass(frozen=True)
class OnHosts:
    """Commands on the hosts of the app."""

    commands: Commands


Cause = Fault | Customers | Crowd | OnHosts


def breaks(cause: Cause, field: Field, expires_s: float) -> Broken:
    """Give the context of a cause.

    Args:
        expires_s: Seconds after which it ends by itself, should this process be killed.
    Raises:
        UsageError: The stack has not what it takes.
    """
    match cause:
        case Fault():
            return switched_on(
                field.stack.door("sample_app"), field.stack.secret("sample_app_admin_token"), _wish(cause), expires_s=expires_s
            )
        case Customers(profile, rate):
            return load(field, profile, rate=rate, expires_s=expires_s)
        case Crowd():
            clients = _clients(cause, field)
            rate = clients * _STEPS_PER_CLIENT_S
            return load(field, "steady", rate=rate, clients=clients, expires_s=expires_s)
        case OnHosts(commands):
            return breakage.commands(
                field.play, field.hosts("sample_app"),
                broken_by=commands.broken_by, mended_by=commands.mended_by, expires_s=expires_s,
            )  # fmt: skip


def _wish(fault: Fault) -> dict[str, Any]:
    wish: dict[str, Any] = {"route": fault.route, "kind": fault.kind, "percent": fault.percent}
    return wish if fault.latency_s is None else {**wish, "latency_s": fault.latency_s}


def _clients(crowd: Crowd, field: Field) -> int:
    there_are = value_of(field.stack, f'sum({crowd.metric}{{job="sample_app"}})')
    if not there_are:
        raise UsageError(
            f"Prometheus knows no {crowd.metric} of the sample app, so nobody can tell how much load it takes.",
            hint="Does the sample app run, and is it scraped? promontory status",
        )
    return math.ceil(there_are * crowd.share) + crowd.more
