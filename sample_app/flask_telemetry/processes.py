"""The metrics process_* of a service of several processes, so that alerts on them mean what they mean for one."""

from __future__ import annotations

import os
import resource
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

from prometheus_client import Metric, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector


class ProcessesCollector(Collector):
    """Shows a gunicorn master and its workers as if they were one process.

    Processor time and memory are sums. The start is that of the newest process, so that a worker's end is seen as a
    restart. File descriptors are those of the process that has most, beside the limit of one.

    Args:
        workers: Gives the numbers of the worker processes that live.
    """

    def __init__(self, workers: Callable[[], Iterable[int]]) -> None:
        self._workers = workers
        self._master = os.getpid()
        self._cpu_s = 0.0

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics that prometheus_client shows of one process."""
        # First those that have ended: one that ends meanwhile is missing for a moment rather than counted twice.
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        seen: dict[str, list[float]] = defaultdict(list)
        for pid in (self._master, *self._workers()):
            for family in ProcessCollector(pid=lambda pid=pid: pid, registry=None).collect():  # type: ignore[misc]
                seen[family.name].append(family.samples[0].value)
        # A counter that fell would look like a restart, and all of it like fresh work.
        self._cpu_s = max(self._cpu_s, ended.ru_utime + ended.ru_stime + sum(seen["process_cpu_seconds"]))
        yield CounterMetricFamily(
            "process_cpu_seconds_total", "Processor time of the service's processes, seconds.", value=self._cpu_s
        )
        for name, documentation, combined in (
            ("process_resident_memory_bytes", "Resident memory of the service's processes, bytes.", sum),
            ("process_virtual_memory_bytes", "Virtual memory of the service's processes, bytes.", sum),
            ("process_start_time_seconds", "Start of the newest of the service's processes since 1970, seconds.", max),
            ("process_open_fds", "Open file descriptors of the process that has most.", max),
            ("process_max_fds", "File descriptors that one process may have open.", max),
        ):
            if seen[name]:
                yield GaugeMetricFamily(name, documentation, value=combined(seen[name]))
