"""The files through which several workers share their metrics, and what becomes of those of a worker that has ended.

prometheus_client gives each process files of its own, named by its number, and adds them up at a scrape. Left alone,
the files of every worker that ever lived stay, and a process that gets an old number counts on from there.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import threading
from collections.abc import Iterable
from pathlib import Path

from prometheus_client import CollectorRegistry, Metric, values
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

_PREFIX = "flask-telemetry-"
_ENVIRONMENT = "PROMETHEUS_MULTIPROC_DIR"
# What stays true when a process is gone: sums, and the value that was set last. The other gauges end with it.
_STAYING = ("counter", "histogram", "summary", "gauge_sum", "gauge_mostrecent")


class SharedFiles(Collector):
    """A fresh directory for the files of one gunicorn master and its workers; made before the first worker is.

    It lies below the directory for temporary files. Whoever has it open holds a lock on it, workers included, so
    that the next start can tell a directory in use from one that a killed service left behind, and removes the latter.
    """

    def __init__(self) -> None:
        _remove_leftovers()
        self.path = Path(tempfile.mkdtemp(prefix=_PREFIX))
        self._directory = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(self._directory, fcntl.LOCK_EX)
        # A scrape must see a worker's files or the sum that they went into, not both and not neither.
        self._lock = threading.Lock()
        self._ended: dict[str, MmapedDict] = {}

    def collect(self) -> Iterable[Metric]:
        """Add up the metrics of all workers, those that have ended included."""
        with self._lock:
            # A file is empty for a moment after its worker has made it.
            files = [str(path) for path in self.path.glob("*.db") if path.stat().st_size]
            merged: Iterable[Metric] = MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call]
            return list(merged)

    def worker_ended(self, pid: int) -> None:
        """Take what stays true of a worker that has ended into the sums, and remove its files."""
        with self._lock:
            for path in self.path.glob(f"*_{pid}.db"):
                kind = path.name.rpartition("_")[0]
                if kind in _STAYING and path.stat().st_size:
                    self._take_over(kind, path)
                path.unlink()

    def remove(self) -> None:
        """Remove the directory; nothing can be collected any more."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._directory)

    def _take_over(self, kind: str, path: Path) -> None:
        sums = self._ended.get(kind)
        if sums is None:
            sums = self._ended[kind] = MmapedDict(str(self.path / f"{kind}_ended.db"))  # type: ignore[no-untyped-call]
        for key, value, timestamp, _ in MmapedDict.read_all_values_from_file(path):  # type: ignore[no-untyped-call]
            value_before, timestamp_before = sums.read_value(key)  # type: ignore[no-untyped-call]
            if kind != "gauge_mostrecent":
                value += value_before
            elif timestamp < timestamp_before:
                continue
            sums.write_value(key, value, timestamp)  # type: ignore[no-untyped-call]


def share_metrics(files: SharedFiles | None) -> None:
    """Make metrics that are created from now on live in these files, or in the memory of their process for None.

    prometheus_client decides this by the environment when it is imported. gunicorn's configuration is imported before
    the number of workers is known, so it is decided once more.
    """
    if files is None:
        os.environ.pop(_ENVIRONMENT, None)
    else:
        os.environ[_ENVIRONMENT] = str(files.path)
    values.ValueClass = values.get_value_class()  # type: ignore[no-untyped-call]


def metrics_are_shared() -> bool:
    """Tell whether metrics that are created now live in files, as `share_metrics` has decided."""
    return values.ValueClass is not values.MutexValue


def registry_of(*collectors: Collector) -> CollectorRegistry:
    """Return a registry of these collectors."""
    registry = CollectorRegistry()
    for collector in collectors:
        registry.register(collector)
    return registry


def _remove_leftovers() -> None:
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        try:
            directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:
            continue  # somebody else's, or gone already
        try:
            fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(directory).st_uid == os.geteuid():
                shutil.rmtree(path, ignore_errors=True)
        except BlockingIOError:
            pass  # in use
        finally:
            os.close(directory)
