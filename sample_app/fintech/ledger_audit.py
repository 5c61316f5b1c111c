"""The ledger's audit as metrics: recomputed in the background, so that money that went missing wakes somebody."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from fintech.bank import audit
from fintech.database import Database

_LOG = logging.getLogger(__name__)
_PAUSE_S = 60.0
_SHARE_OF_TIME = 0.05  # a large ledger is audited less often, so that this never becomes a load of its own
_LOGGED_MAX = 10


class LedgerAudit(Collector):
    """The result of the last audit; shows nothing before the first one, because "not known" is not "sound".

    Args:
        database: Whose ledger it is.
        clock: Gives seconds since 1970, UTC.
    """

    def __init__(self, database: Database, *, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock
        self._result: tuple[int, float] | None = None

    def start(self, stop: threading.Event) -> None:
        """Audit from a background thread until `stop` is set: at once, then every 60 s or, when it takes long, less often."""
        threading.Thread(target=self._run, args=(stop,), name="ledger-audit", daemon=True).start()

    def run(self) -> None:
        """Audit once; a database that does not answer leaves the former result and its time."""
        try:
            with self._database.read() as connection:
                problems = audit(connection)
        except SQLAlchemyError as error:
            _LOG.warning("the ledger could not be audited: %s", type(error).__name__)
            return
        self._result = (len(problems), self._clock())
        for problem in problems[:_LOGGED_MAX]:
            _LOG.error("the ledger does not add up: %s", problem)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the number of things that do not add up, and when that was found."""
        if self._result is None:
            return
        problems, audited_at = self._result
        yield GaugeMetricFamily(
            "fintech_ledger_problems", "Transactions and accounts that do not add up.", value=problems
        )
        yield GaugeMetricFamily(
            "fintech_ledger_audit_timestamp_seconds", "When the ledger was last recomputed.", value=audited_at
        )

    def _run(self, stop: threading.Event) -> None:
        while True:
            started = time.perf_counter()
            self.run()
            if stop.wait(max(_PAUSE_S, (time.perf_counter() - started) / _SHARE_OF_TIME)):
                return
