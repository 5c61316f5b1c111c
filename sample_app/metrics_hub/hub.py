"""One scrape of all pods: find them, ask them side by side, name them, merge what they said.

Nothing is remembered between scrapes but the pods' names and what was last wrong with them.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass

from metrics_hub.errors import ScrapeError
from metrics_hub.exposition import Format, parse
from metrics_hub.fetch import Answer, fetch
from metrics_hub.merge import Families, merge, render
from metrics_hub.names import PodNames
from metrics_hub.own_metrics import OwnMetrics, PodReport
from metrics_hub.targets import Target, Targets

_LOG = logging.getLogger(__name__)
_SHARE_OF_PODS = 0.8  # of the time that Prometheus waits; the rest is for merging and the way
_SHARE_OF_LOOKUP = 0.25  # of the pods' time, at most


@dataclass(frozen=True)
class Limits:
    """What the pods may cost.

    Attributes:
        pods: Targets of one scrape; of more, the last ones by address are left out.
        at_once: Targets asked side by side, in all scrapes under way together.
        pod_bytes: Bytes of one pod's answer.
        total_bytes: Bytes of all answers to one scrape; pods that answer after it is reached count as down.
        time_s: Seconds for all pods of a scrape together, when Prometheus does not wait for less.
    """

    pods: int = 100
    at_once: int = 32
    pod_bytes: int = 2**20
    total_bytes: int = 2**24
    time_s: float = 8.0


@dataclass(frozen=True)
class _Visit:
    """How asking one target went: an answer, or what was wrong."""

    answer: Answer | None
    problem: str
    duration_s: float

    @property
    def name(self) -> str | None:
        """What the target calls itself."""
        return self.answer.name if self.answer else None


class Hub:
    """Scrapes pods; thread-safe, for several Prometheus may ask at once."""

    def __init__(self, targets: Targets, limits: Limits | None = None) -> None:
        self._targets = targets
        self._limits = limits or Limits()
        self._names = PodNames()
        self._pool = ThreadPoolExecutor(max_workers=self._limits.at_once, thread_name_prefix="pod")
        self._problems: dict[str, str] = {}

    def scrape(self, form: Format, prometheus_waits_s: float | None = None) -> str:
        """Ask all pods and return one exposition.

        Args:
            form: The format of the exposition, and the one that the pods are asked for.
            prometheus_waits_s: Seconds after which Prometheus gives up; None when it did not say.
        """
        time_s = self._limits.time_s
        if prometheus_waits_s is not None:
            time_s = min(time_s, prometheus_waits_s * _SHARE_OF_PODS)
        ends_at = time.monotonic() + time_s
        found = self._targets.find(time_s * _SHARE_OF_LOOKUP)
        chosen = found.targets[: self._limits.pods]
        skipped = len(found.targets) - len(chosen)
        if skipped:
            _LOG.warning("%d of %d pods are not asked: at most %d are", skipped, len(found.targets), len(chosen))
        visits = self._ask_all(chosen, form, ends_at)
        names = self._names.settle({target: visit.name for target, visit in visits.items()})
        by_name = {names[target]: visits[target] for target in chosen}
        return self._put_together(by_name, form, resolved=found.success, skipped=skipped)

    def close(self) -> None:
        """End the threads; scrapes under way come to their end first."""
        self._pool.shutdown()

    def _ask_all(self, targets: tuple[Target, ...], form: Format, ends_at: float) -> dict[Target, _Visit]:
        """Ask all targets until `ends_at`, a time of the monotonic clock."""
        # Pods that hang must not use up the time of those that wait for their turn.
        turns = max(1, math.ceil(len(targets) / self._limits.at_once))
        turn_s = (ends_at - time.monotonic()) / turns
        under_way: dict[Future[_Visit], Target] = {
            self._pool.submit(self._ask, target, form, turn_s, ends_at): target for target in targets
        }
        visits: dict[Target, _Visit] = {}
        total = 0
        for future in as_completed(under_way):
            visit = future.result()
            total += len(visit.answer.body) if visit.answer else 0
            if visit.answer and total > self._limits.total_bytes:
                problem = f"the answers together are longer than {self._limits.total_bytes} bytes"
                visit = _Visit(Answer(b"", visit.name), problem, visit.duration_s)
            visits[under_way.pop(future)] = visit
        return visits

    def _ask(self, target: Target, form: Format, turn_s: float, ends_at: float) -> _Visit:
        began = time.monotonic()
        answer, problem = None, ""
        try:
            limit_s = min(turn_s, ends_at - began)
            answer = fetch(target, form, limit_s=limit_s, max_bytes=self._limits.pod_bytes)
        except ScrapeError as error:
            problem = str(error)
        return _Visit(answer, problem, time.monotonic() - began)

    def _put_together(self, visits: Mapping[str, _Visit], form: Format, *, resolved: bool, skipped: int) -> str:
        answers: dict[str, Families] = {}
        problems = {pod: visit.problem for pod, visit in visits.items() if visit.problem}
        for pod, visit in visits.items():
            if visit.answer and pod not in problems:
                try:
                    answers[pod] = parse(visit.answer.body, form, {"pod": pod, "instance": pod})
                except ScrapeError as error:
                    problems[pod] = str(error)
        self._log_changes(problems, visits.keys())
        merged = merge(answers, form)
        reports = {
            pod: PodReport(pod in answers, visit.duration_s, merged.samples[pod], merged.dropped[pod])
            for pod, visit in visits.items()
        }
        return render(OwnMetrics(resolved, skipped, reports).render(form), merged, form)

    def _log_changes(self, problems: dict[str, str], pods: Collection[str]) -> None:
        """Say once that a pod is down and once that it is back: a line per scrape would tell nobody more."""
        before, self._problems = self._problems, problems
        for pod in sorted(problems.keys() | before.keys()):
            if pod in problems and pod not in before:
                _LOG.warning("pod %s counts as down: %s", pod, problems[pod])
            elif pod in pods and pod not in problems:
                _LOG.info("pod %s is up again", pod)
