"""The ledger's audit as metrics: recomputed in the background, so that money that went missing wakes somebody."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from fintech.database import Database
from fintech.ledger import audit

_LOG = logging.getLogger(__name__)
_PAUSE_S = 60.0
_SHARE_OF_TIME = 0.05  # a large ledger is audited less often, so that this never becomes a load of its own
_LOGGED_MAX = 10


class LedgerAudit:
    """Audits one ledger again and again; each process does so by itself, so that each of them can vouch for it.

    Args:
        database: Whose ledger it is.
        clock: Gives seconds since 1970, UTC.
        on_result: Told after each audit how many things do not add up, and when that was found.
        is_to_fail: Asked before each audit; True makes it end as if the database did not answer.
    """

    def __init__(
        self,
        database: Database,
        *,
        clock: Callable[[], float],
        on_result: Callable[[int, float], None],
        is_to_fail: Callable[[], bool],
    ) -> None:
        self._database = database
        self._clock = clock
        self._on_result = on_result
        self._is_to_fail = is_to_fail

    def start(self, stop: threading.Event) -> None:
        """Audit from a background thread until `stop` is set: at once, then every 60 s or, when it takes long, less often."""
        threading.Thread(target=self._run, args=(stop,), name="ledger-audit", daemon=True).start()

    def run(self) -> None:
        """Audit once; one that cannot be carried out has no result, so that the former one stays and ages."""
        if self._is_to_fail():
            _LOG.warning("the ledger could not be audited: a drill is under way")
            return
        try:
            with self._database.read() as connection:
                problems = audit(connection)
        except SQLAlchemyError as error:
            _LOG.warning("the ledger could not be audited: %s", type(error).__name__)
            return
        self._on_result(len(problems), self._clock())
        for problem in problems[:_LOGGED_MAX]:
            _LOG.error("the ledger does not add up: %s", problem)

    def _run(self, stop: threading.Event) -> None:
        while True:
            started = time.perf_counter()
            self.run()
            if stop.wait(max(_PAUSE_S, (time.perf_counter() - started) / _SHARE_OF_TIME)):
                return
