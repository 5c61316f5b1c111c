"""The fault switch: which faults are on, the same for all workers and replicas of one database.

A fault is a row in the table `faults`. Each process reads the rows once a second into its memory, and requests look only
there. While the database is away the last known faults stay on until they expire, and what is switched here meanwhile
acts in this process at once, and in the others when the database is back.

A fault ends by the clock of each process: a replica whose clock is 3 s ahead ends it 3 s earlier.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Collection

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.exc import SQLAlchemyError

from fintech.database import Database
from fintech.database import faults as table
from fintech.faults import Fault, FaultKind

_LOG = logging.getLogger(__name__)
_PAUSE_S = 1.0

Key = tuple[str, FaultKind]
_Change = Callable[[Connection], object]


class FaultSwitch:
    """The faults as one process knows them; safe to use from several threads.

    Args:
        database: Where they are shared. Not the one that requests use: a drill that takes all of its connections must
            still be ended.
        clock: Gives seconds since 1970, UTC.
        draw: Gives numbers from 0 up to, not including, 1; decides which requests are affected.
        on_change: Told the faults that are on whenever they are others than before.
    """

    def __init__(
        self,
        database: Database,
        *,
        clock: Callable[[], float] = time.time,
        draw: Callable[[], float] = random.random,
        on_change: Callable[[Collection[Key]], None] = lambda active: None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._draw = draw
        self._on_change = on_change
        self._lock = threading.Lock()  # of the conversation with the database, and of everything below
        self._known: dict[Key, Fault] = {}  # replaced, never changed: requests read it without the lock
        self._unsaved: list[_Change] = []
        self._shown: frozenset[Key] = frozenset()
        self._away = False

    def now(self) -> float:
        """Return the time by which faults expire here, seconds since 1970, UTC."""
        return self._clock()

    def start(self, stop: threading.Event) -> None:
        """Follow the database from a background thread, once a second, until `stop` is set."""
        threading.Thread(target=self._follow, args=(stop,), name="faults", daemon=True).start()

    def set(self, fault: Fault) -> bool:
        """Switch a fault on; one of the same route and kind is replaced.

        Returns:
            Whether the database has it, and with it every other process; if not, it will once it is back.
        """
        with self._lock:
            return self._change({**self._known, (fault.route, fault.kind): fault}, lambda c: _save(c, fault))

    def clear(self, route: str | None = None, kind: FaultKind | None = None) -> int:
        """Switch off the faults of this route and this kind, None being any; return how many there were."""
        with self._lock:
            self._read_and_save()  # what another process switched on within the last second counts too
            going = {key for key in self._known if route in (None, key[0]) and kind in (None, key[1])}
            live = sum(fault.expires_at > self._clock() for key, fault in self._known.items() if key in going)
            left = {key: fault for key, fault in self._known.items() if key not in going}
            self._change(left, lambda c: _forget(c, route, kind))
        return live

    def active(self) -> list[tuple[Fault, float]]:
        """List the faults that are on, each with the seconds left to it."""
        if not self._known:  # the usual case, asked by every request: no clock
            return []
        now = self._clock()
        return [(fault, fault.expires_at - now) for fault in self._known.values() if fault.expires_at > now]

    def hits(self, route: str) -> list[Fault]:
        """Draw which faults this piece of work of `route` suffers; waits come before errors."""
        hit = [fault for fault, _ in self.active() if fault.is_about(route) and self._draw() * 100 < fault.percent]
        return sorted(hit, key=lambda fault: not fault.kind.waits)

    def refresh(self) -> None:
        """Read the faults of the database, and tell when the ones that are on are others than before."""
        with self._lock:
            self._read_and_save()
            self._show()

    def close(self) -> None:
        """Close the connection to the database."""
        self._database.close()

    def _follow(self, stop: threading.Event) -> None:
        while True:
            self.refresh()
            if stop.wait(_PAUSE_S):
                return

    def _change(self, known: dict[Key, Fault], change: _Change) -> bool:
        self._known = known  # first of all: it acts here whatever becomes of the database
        self._unsaved.append(change)
        saved = self._read_and_save()
        self._show()
        return saved

    def _read_and_save(self) -> bool:
        """Bring what was not saved yet into the database, and its faults into the memory; tell whether that went well."""
        try:
            if self._unsaved:
                with self._database.write() as connection:
                    connection.execute(delete(table).where(table.c.expires_at <= self._clock()))
                    for change in self._unsaved:
                        change(connection)
                self._unsaved = []
            with self._database.read() as connection:
                rows = connection.execute(select(table)).all()
        except SQLAlchemyError as error:
            if not self._away:
                _LOG.warning("faults are not shared until the database is back: %s", type(error).__name__)
            self._away = True
            return False
        if self._away:
            _LOG.warning("faults are shared again")
        self._away = False
        self._known = {
            (row.route, FaultKind(row.kind)): Fault(
                row.route, FaultKind(row.kind), row.percent, row.latency_s, row.expires_at
            )
            for row in rows
            if row.kind in list(FaultKind)  # a newer program may know others
        }
        return True

    def _show(self) -> None:
        active = frozenset((fault.route, fault.kind) for fault, _ in self.active())
        if active != self._shown:
            self._shown = active
            self._on_change(active)


def _save(connection: Connection, fault: Fault) -> None:
    _forget(connection, fault.route, fault.kind)
    connection.execute(
        insert(table).values(
            route=fault.route,
            kind=fault.kind.value,
            percent=fault.percent,
            latency_s=fault.latency_s,
            expires_at=fault.expires_at,
        )
    )


def _forget(connection: Connection, route: str | None, kind: FaultKind | None) -> None:
    wanted = delete(table)
    if route is not None:
        wanted = wanted.where(table.c.route == route)
    if kind is not None:
        wanted = wanted.where(table.c.kind == kind.value)
    connection.execute(wanted)
