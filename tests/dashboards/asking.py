"""Asks a real Prometheus what dashboards would ask it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import requests

from promontory.dashboards.queries import Asked, Window, questions


@dataclass(frozen=True)
class Answer:
    """What came back: how many series with a value, or Prometheus' error."""

    asked: Asked
    series: int
    error: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether a panel would have nothing to show for it."""
        return not self.error and self.series == 0


@dataclass
class Prometheus:
    """A Prometheus by its URL; `session` knows the password of the edge before it."""

    url: str
    session: requests.Session

    def has(self, expr: str) -> bool:
        """Tell whether an expression has a value now."""
        told = self.session.get(f"{self.url}/api/v1/query", params={"query": expr}, timeout=60).json()
        return bool(told["data"]["result"])

    def ask(self, asked: Asked, window: Window) -> Answer:
        """Run one query as Grafana would."""
        if asked.kind == "variable":
            path, parameters = f"label/{asked.label}/values", {"match[]": asked.expr, "start": window.start, "end": window.end}
        elif asked.instant:
            path, parameters = "query", {"query": asked.expr, "time": window.end}
        else:
            path, parameters = "query_range", {
                "query": asked.expr, "start": window.start, "end": window.end, "step": window.step_s
            }
        told = self.session.post(f"{self.url}/api/v1/{path}", data=parameters, timeout=60) if "match[]" not in parameters else (
            self.session.get(f"{self.url}/api/v1/{path}", params=parameters, timeout=60)
        )
        document: Mapping[str, Any] = told.json()
        if document.get("status") != "success":
            return Answer(asked, 0, str(document.get("error")))
        found = document["data"] if asked.kind == "variable" else document["data"]["result"]
        return Answer(asked, len([entry for entry in found if asked.kind == "variable" or _has_number(entry)]))


def _has_number(entry: Mapping[str, Any]) -> bool:
    """NaN is what 0/0 gives: a panel draws nothing for it."""
    samples = entry.get("values") or [entry["value"]]
    return any(value not in ("NaN", "+Inf", "-Inf") for _, value in samples)


def ask_everything(prometheus: Prometheus, boards: Iterable[Mapping[str, Any]], *, minutes: float = 30) -> list[Answer]:
    """Run every query of dashboards over the last `minutes`."""
    end = time.time()
    window = Window(start=end - 60 * minutes, end=end)
    return [prometheus.ask(asked, window) for board in boards for asked in questions(board, window)]


def empty_panels(answers: Iterable[Answer]) -> list[Asked]:
    """Return the panels none of whose queries gave a number, once each."""
    by_panel: dict[tuple[str, int], list[Answer]] = {}
    for answer in answers:
        if answer.asked.kind == "panel":
            by_panel.setdefault((answer.asked.dashboard, answer.asked.panel["id"]), []).append(answer)
    return [found[0].asked for found in by_panel.values() if all(answer.is_empty for answer in found)]
