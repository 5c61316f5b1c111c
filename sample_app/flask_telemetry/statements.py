"""How long a SQLAlchemy engine's statements take, by what they do; the label never holds more than the first word."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from prometheus_client import CollectorRegistry, Histogram
from sqlalchemy import Engine

_DURATION_BUCKETS_S = (0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 10.0)
_OTHER = "OTHER"
_NAMES = ("SELECT", "INSERT", "UPDATE", "DELETE", "BEGIN", "COMMIT", _OTHER)
_EXECUTE = ("do_execute", "do_execute_no_params", "do_executemany")
_LONGEST_NAME = max(map(len, _NAMES))


class StatementMetrics:
    """The durations of all watched engines of one process.

    Args:
        registry: Where they are shown.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        duration = Histogram(
            "db_client_operation_duration_seconds",
            "Time of a statement or commit, failed ones included.",
            ["db_operation_name"],
            buckets=_DURATION_BUCKETS_S,
            registry=registry,
        )
        self._durations = {name: duration.labels(name) for name in _NAMES}

    def watch(self, engine: Engine) -> None:
        """Measure the statements of an engine.

        A statement's two events would do, but a failed one and a commit have only the first.
        """
        dialect = engine.dialect
        for name in _EXECUTE:
            setattr(dialect, name, self._executing(getattr(dialect, name)))
        dialect.do_commit = self._committing(dialect.do_commit)  # type: ignore[method-assign]

    def _executing(self, execute: Callable[..., None]) -> Callable[..., None]:
        def executing(cursor: Any, statement: str, *rest: Any, **named: Any) -> None:
            started = time.perf_counter()
            try:
                execute(cursor, statement, *rest, **named)
            finally:
                self._durations[operation_of(statement)].observe(time.perf_counter() - started)

        return executing

    def _committing(self, commit: Callable[..., None]) -> Callable[..., None]:
        duration = self._durations["COMMIT"]

        def committing(connection: Any) -> None:
            started = time.perf_counter()
            try:
                commit(connection)
            finally:
                duration.observe(time.perf_counter() - started)

        return committing


def operation_of(statement: str) -> str:
    """Return the first word of an SQL statement when it is one of those that are told apart, else "OTHER"."""
    words = statement.lstrip()[: _LONGEST_NAME + 1].split(None, 1)
    name = words[0].rstrip(";").upper() if words else _OTHER
    return name if name in _NAMES else _OTHER
