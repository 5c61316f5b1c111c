"""A dashboard with the answers to its questions."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from promontory.dashboards.queries import Asked, Values, Window, questions
from promontory.dashboards.render.prometheus import Prometheus, QueryRefused
from promontory.errors import UsageError

_AT_ONCE = 4          # queries; a Prometheus takes 20 by default
_NAME = re.compile(r"\{\{\s*([^}\s]+)\s*\}\}")


@dataclass(frozen=True)
class Series:
    """One series of a panel.

    Attributes:
        name: As the legend calls it.
        values: One for each step of the window, None where there is none; a single one for an instant query.
    """

    name: str
    labels: Mapping[str, str]
    values: Sequence[float | None]
    ref_id: str = "A"

    def numbers(self) -> list[float]:
        """Give the values that are there."""
        return [value for value in self.values if value is not None]


@dataclass(frozen=True)
class Event:
    """Something that an annotation marks; `at` in seconds since the epoch."""

    at: float
    color: str
    text: str


@dataclass(frozen=True)
class Answers:
    """What a panel has to show.

    Attributes:
        error: Why a query of it was refused; empty when none was.
    """

    series: Sequence[Series] = ()
    error: str = ""


@dataclass(frozen=True)
class Filled:
    """A dashboard and what Prometheus said; `answers` by the panel's id."""

    board: Mapping[str, Any]
    window: Window
    answers: Mapping[int, Answers]
    events: Sequence[Event] = ()
    chosen: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def refused(self) -> list[tuple[str, str]]:
        """Titles of panels with a refused query, and Prometheus' words."""
        titles = {panel["id"]: panel["title"] for panel in shown_panels(self.board, open_rows=True)}
        return [(titles[key], each.error) for key, each in self.answers.items() if each.error]

    @property
    def times(self) -> list[float]:
        """The moments that series have values for."""
        return [self.window.start + index * self.window.step_s for index in range(steps(self.window))]


def aligned(window: Window) -> Window:
    """Move a window's ends to multiples of its step, as Grafana does: the same moments are asked for again and again."""
    step = window.step_s
    start, end = math.floor(window.start / step) * step, math.floor(window.end / step) * step
    return Window(start, max(end, start + step), window.points, window.scrape_interval_s)


def steps(window: Window) -> int:
    """Count the moments of a window."""
    return round((window.end - window.start) / window.step_s) + 1


def shown_panels(board: Mapping[str, Any], *, open_rows: bool) -> Iterable[Mapping[str, Any]]:
    """Give the panels that are drawn; those of closed rows only on request."""
    for panel in board["panels"]:
        if panel["type"] != "row":
            yield panel
        elif open_rows:
            yield from panel.get("panels") or []


def fill(
    board: Mapping[str, Any], prometheus: Prometheus, window: Window, values: Values | None = None, *, open_rows: bool = False
) -> Filled:
    """Ask everything that a dashboard shows.

    Args:
        values: What is chosen in its variables; each must be one that Prometheus knows.
        open_rows: Ask for the panels of closed rows, too.

    Raises:
        UsageError: A value that is chosen does not exist.
        ServiceUnreachable: Prometheus does not answer.
    """
    window = aligned(window)
    asked = questions(board, window, values)
    _known(board, asked, prometheus, window, values or {})
    wanted = {panel["id"] for panel in shown_panels(board, open_rows=open_rows)}
    todo = [one for one in asked if one.kind == "annotation" or (one.kind == "panel" and one.panel["id"] in wanted)]

    def answer(one: Asked) -> list[Mapping[str, Any]] | str:
        try:
            return prometheus.ask(one, window)
        except QueryRefused as refused:
            return str(refused)

    answers: dict[int, Answers] = {}
    events: list[Event] = []
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for one, told in zip(todo, pool.map(answer, todo), strict=True):
            if one.kind == "annotation":
                events += _events(board, one, told, window) if not isinstance(told, str) else []
                continue
            before = answers.get(one.panel["id"], Answers())
            if isinstance(told, str):
                answers[one.panel["id"]] = Answers(before.series, f"query {one.ref_id}: {told}")
            else:
                series = [_series(one, entry, window) for entry in told]
                answers[one.panel["id"]] = Answers([*before.series, *(each for each in series if each.numbers())], before.error)
    answers = {key: Answers(_told_apart(each.series), each.error) for key, each in answers.items()}
    return Filled(board, window, answers, sorted(events, key=lambda event: event.at), dict(values or {}))


def _known(board: Mapping[str, Any], asked: Sequence[Asked], prometheus: Prometheus, window: Window, values: Values) -> None:
    offered = {one.name: one for one in asked if one.kind == "variable"}
    for name, chosen in values.items():
        if name not in offered:
            continue
        known = prometheus.label_values(offered[name], window)
        for value in chosen:
            if value not in known:
                raise UsageError(
                    f"--var {name}={value}: the dashboard {board['title']!r} offers no such {name} in this time.",
                    hint=f"It offers: {', '.join(known[:20]) or 'nothing at all'}.",
                )


def _series(asked: Asked, entry: Mapping[str, Any], window: Window) -> Series:
    labels: dict[str, str] = dict(entry["metric"])
    if asked.instant:
        values: list[float | None] = [_number(entry["value"][1])]
    else:
        values = [None] * steps(window)
        for moment, text in entry["values"]:
            index = round((float(moment) - window.start) / window.step_s)
            if 0 <= index < len(values):
                values[index] = _number(text)
    return Series(_named(asked.legend, labels), labels, values, asked.ref_id)


def _told_apart(series: Sequence[Series]) -> list[Series]:
    """Name series without a legend of their own by what differs between them, as Grafana does."""
    unnamed = [each for each in series if not each.name]
    names = sorted({name for each in unnamed for name in each.labels})
    differing = [name for name in names if len({each.labels.get(name) for each in unnamed}) > 1]
    found = []
    for each in series:
        if not each.name:
            labels = [each.labels.get(name, "") for name in differing[:1]] if len(differing) == 1 else [
                f"{name}={each.labels[name]}" for name in differing if name in each.labels
            ]
            plain = each.labels.get("__name__") or ", ".join(value for _, value in sorted(each.labels.items()))
            each = replace(each, name=", ".join(labels) or plain or f"Value {each.ref_id}")
        found.append(each)
    return found


def _number(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


def _named(legend: str, labels: Mapping[str, str]) -> str:
    """Fill in a legend; nothing when there is none, and what differs between the series names them later."""
    return "" if legend == "__auto" else _NAME.sub(lambda match: labels.get(match[1], ""), legend)


def _events(board: Mapping[str, Any], asked: Asked, told: Sequence[Mapping[str, Any]], window: Window) -> list[Event]:
    source = next(each for each in board["annotations"]["list"] if each["name"] == asked.name)
    found: dict[tuple[float, str], Event] = {}
    for entry in told:
        words = (_named(source.get("titleFormat", ""), entry["metric"]), _named(source.get("textFormat", ""), entry["metric"]))
        text = " ".join(word for word in words if word)
        before = -math.inf
        for moment, value in entry["values"]:
            if source.get("useValueForTime"):
                at = float(value) / 1000
            elif float(moment) - before <= 1.5 * max(window.step_s, 60):
                before = float(moment)      # still the same event
                continue
            else:
                at = before = float(moment)
            if window.start <= at <= window.end:
                found[at, text] = Event(at, source.get("iconColor", "blue"), text)
    return list(found.values())
