"""The connection pool of a SQLAlchemy engine as metrics, by OpenTelemetry's names.

Counted from the pool's events, because a number that is asked for at a scrape cannot be had from another process.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from sqlalchemy import Engine, Pool, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection, QueuePool

# From a free connection at hand to the pool's own limit, 30 s when an engine sets none.
_WAIT_BUCKETS_S = (0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 10.0, 30.0)
_POOL = "db_client_connection_pool_name"


class _Opening(threading.local):
    """When the present thread began to open a connection, and for how long it has since it began to wait, seconds."""

    began = 0.0
    duration_s = 0.0


class PoolMetrics:
    """The metrics of all watched pools of one process.

    Args:
        registry: Where they are shown.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._count = Gauge(
            "db_client_connection_count",
            "Open connections by state.",
            [_POOL, "db_client_connection_state"],
            multiprocess_mode="livesum",
            registry=registry,
        )
        self._max = Gauge(
            "db_client_connection_max",
            "Connections that there may be.",
            [_POOL],
            multiprocess_mode="livesum",
            registry=registry,
        )
        self._pending = Gauge(
            "db_client_connection_pending_requests",
            "Threads that wait for a connection.",
            [_POOL],
            multiprocess_mode="livesum",
            registry=registry,
        )
        self._wait = Histogram(
            "db_client_connection_wait_time_seconds",
            "Time to get a connection, without the time to open one, or to give up.",
            [_POOL],
            buckets=_WAIT_BUCKETS_S,
            registry=registry,
        )
        self._timeouts = Counter(
            "db_client_connection_timeouts", "Waits for a connection that were given up.", [_POOL], registry=registry
        )
        self._opening = _Opening()

    def watch(self, engine: Engine, pool_name: str) -> None:
        """Measure the pool of an engine.

        Args:
            engine: Fresh; connections that are open already would be missing.
            pool_name: Tells it from the other pools of the service.
        """
        self._watch_states(engine, pool_name)
        self._watch_waits(engine.pool, pool_name)
        # dispose() gives the engine another pool: with the listeners of the former one, but not with its wrapped method.
        event.listen(engine, "engine_disposed", lambda disposed: self._watch_waits(disposed.pool, pool_name))
        most = _most_connections(engine.pool)
        if most is not None:
            self._max.labels(pool_name).set(most)

    def _watch_states(self, engine: Engine, pool_name: str) -> None:
        used, idle = (self._count.labels(pool_name, state) for state in ("used", "idle"))
        checked_out: set[ConnectionPoolEntry] = set()

        def on_opening(*_what: object) -> None:
            self._opening.began = time.perf_counter()

        def on_connect(_connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
            self._opening.duration_s += time.perf_counter() - self._opening.began
            if entry not in checked_out:  # it is when a connection is replaced in the middle of its checkout
                idle.inc()

        def on_checkout(
            _connection: DBAPIConnection, entry: ConnectionPoolEntry, _proxy: PoolProxiedConnection
        ) -> None:
            if entry not in checked_out:
                checked_out.add(entry)
                idle.dec()
                used.inc()

        def on_checkin(connection: DBAPIConnection | None, entry: ConnectionPoolEntry) -> None:
            if entry in checked_out:  # it is not when the checkout failed
                checked_out.remove(entry)
                used.dec()
                if connection is not None:  # it is when the connection broke
                    idle.inc()

        def on_detach(_connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
            if entry in checked_out:
                checked_out.remove(entry)
                used.dec()

        def on_close(_connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
            if entry not in checked_out:  # else it broke while it was used, and on_checkin will have the last word
                idle.dec()

        for name, listener in (
            ("do_connect", on_opening),
            ("connect", on_connect),
            ("checkout", on_checkout),
            ("checkin", on_checkin),
            ("detach", on_detach),
            ("close", on_close),
        ):
            event.listen(engine, name, listener)

    def _watch_waits(self, pool: Pool, pool_name: str) -> None:
        pending, wait = self._pending.labels(pool_name), self._wait.labels(pool_name)
        timeouts = self._timeouts.labels(pool_name)
        connect = pool.connect

        def watched_connect() -> PoolProxiedConnection:
            started = time.perf_counter()
            self._opening.duration_s = 0.0
            pending.inc()
            try:
                return connect()
            except PoolTimeoutError:
                timeouts.inc()
                raise
            finally:
                pending.dec()
                wait.observe(time.perf_counter() - started - self._opening.duration_s)

        pool.connect = watched_connect  # type: ignore[method-assign]


def _most_connections(pool: Pool) -> int | None:
    """Tell how many connections a pool may have open; None for one without a limit."""
    if not isinstance(pool, QueuePool) or pool.size() == 0:
        return None
    overflow: Any = pool._max_overflow  # there is no public name for it; -1 means no limit
    return None if overflow < 0 else pool.size() + int(overflow)
