"""How requests suffer the faults that are on.

Health, metrics, assets and the switch itself never do: a drill must stay observable and can always be ended.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from flask import Flask, g, has_app_context, request
from sqlalchemy import Connection, event
from sqlalchemy.exc import OperationalError

from fintech.database import Database, is_writing
from fintech.errors import InjectedFault
from fintech.fault_switch import FaultSwitch
from fintech.faults import AUDIT_JOB, Fault, FaultKind
from fintech.ops import MACHINERY

_OF_THE_DATABASE = (FaultKind.DATABASE_ERROR, FaultKind.DATABASE_LATENCY)

OnInjected = Callable[[FaultKind], None]


def affected_routes(app: Flask) -> frozenset[str]:
    """Return the route templates that faults can be switched on for."""
    return frozenset(rule.rule for rule in app.url_map.iter_rules() if not rule.rule.startswith(MACHINERY))


class FaultEffects:
    """Lets the faults act on requests, on what these do in the database, and on the ledger's audit.

    Args:
        switch: Says which faults are on.
        on_injected: Told each time one has acted.
    """

    def __init__(self, switch: FaultSwitch, *, on_injected: OnInjected) -> None:
        self._switch = switch
        self._on_injected = on_injected

    def init_app(self, app: Flask) -> None:
        """Act on the application's requests from now on."""
        app.before_request(self._act_on_request)

    def init_database(self, database: Database) -> None:
        """Act on the transactions of affected requests from now on."""
        # As soon as the pool has given a connection, so before SQLite's lock is taken: a wait that held it would hold up
        # requests that are to be spared.
        event.listen(database.engine, "engine_connect", self._act_on_connection)
        event.listen(database.engine, "commit", self._act_on_commit)

    def audit_fails(self) -> bool:
        """Tell whether this run of the ledger's audit is to fail."""
        hits = self._switch.hits(AUDIT_JOB)
        for fault in hits:
            self._on_injected(fault.kind)
        return bool(hits)

    def _act_on_request(self) -> None:
        if request.url_rule is None or request.url_rule.rule.startswith(MACHINERY):
            return
        hits = self._switch.hits(request.url_rule.rule)
        g.database_faults = [fault for fault in hits if fault.kind in _OF_THE_DATABASE]
        for fault in hits:
            if fault.kind is FaultKind.LATENCY:
                self._on_injected(fault.kind)
                time.sleep(fault.latency_s)
            elif fault.kind is FaultKind.ERROR:
                self._on_injected(fault.kind)
                raise InjectedFault("The fault switch is on for this route.")

    def _act_on_connection(self, _connection: Connection) -> None:
        for fault in _of_this_request(FaultKind.DATABASE_LATENCY):
            self._on_injected(fault.kind)
            time.sleep(fault.latency_s)

    def _act_on_commit(self, connection: Connection) -> None:
        if not is_writing(connection):
            return
        for fault in _of_this_request(FaultKind.DATABASE_ERROR):
            self._on_injected(fault.kind)
            raise OperationalError("COMMIT", None, InjectedFault("The fault switch is on for this route."))


def _of_this_request(kind: FaultKind) -> list[Fault]:
    """Return the faults of this kind that the request suffers in whose course we are, if it is one."""
    if not has_app_context():
        return []
    return [fault for fault in g.get("database_faults", ()) if fault.kind is kind]
