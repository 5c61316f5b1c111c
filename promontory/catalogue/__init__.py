"""The metrics that the stack's programs export: name, type, labels and who exports them, as a Prometheus saw them.

`metrics.json` is recorded from running stacks (`python -m promontory.catalogue record URL`) and committed, so that
rules and dashboards can be judged without one. It has the shape
{metric: {type, help, unit, jobs: {job: [label, …]}}}, with the names that queries use: of a histogram the three series
`_bucket`, `_sum` and `_count`. `programs.json` beside it says which versions were recorded: {job: [version, …]}.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

METRICS_FILE = Path(__file__).with_name("metrics.json")
PROGRAMS_FILE = Path(__file__).with_name("programs.json")

# Prometheus makes these itself, out of rules; their labels are those of the alerts.
_MADE_BY_PROMETHEUS = {"ALERTS": None, "ALERTS_FOR_STATE": None}
# Values of these names are points in time although some are exported as counters: no rate makes sense of them.
_POINTS_IN_TIME = ("_created", "_timestamp_seconds", "_timestamp", "_start_time_seconds")

# In place of a job's name: exported by whoever pushes it.
ANY_JOB = "*"

Labels = frozenset[str] | None
"""Names of labels that a series may have; None where nobody can tell."""


@dataclass(frozen=True)
class Metric:
    """One metric by the name that queries use.

    Attributes:
        name: Such as `http_requests_total`.
        type: counter, gauge, histogram (also its `_sum` and `_count`), summary (likewise) or unknown.
        help: The exporter's own words.
        unit: Base unit in Prometheus' spelling, such as `seconds`; empty where there is none.
        jobs: Names of the labels by job that exports it.
    """

    name: str
    type: str
    help: str
    unit: str
    jobs: Mapping[str, frozenset[str]]

    @property
    def only_rises(self) -> bool:
        """Whether a value means something only as a difference over time."""
        if self.name.endswith(_POINTS_IN_TIME):
            return False
        parts = {"histogram": ("_bucket", "_sum", "_count"), "summary": ("_sum", "_count")}
        return self.type == "counter" or self.name.endswith(parts.get(self.type, ("\0",)))

    @property
    def is_gauge(self) -> bool:
        """Whether it goes up and down, so that a rate of it is nonsense. Of an unknown type one cannot say so."""
        return self.type != "unknown" and not self.only_rises

    def labels(self, jobs: Iterable[str] | None = None) -> frozenset[str]:
        """Return the labels it has in some of its jobs; without `jobs` in any of them."""
        chosen = self.jobs if jobs is None else jobs
        return frozenset().union(*(self.jobs[job] for job in chosen))


@dataclass(frozen=True)
class Catalogue:
    """All metrics that queries may name.

    Attributes:
        metrics: What the programs export, by name.
        recorded: What Prometheus makes itself, such as the results of recording rules: their labels by name.
    """

    metrics: Mapping[str, Metric]
    recorded: Mapping[str, Labels] = field(default_factory=lambda: dict(_MADE_BY_PROMETHEUS))

    def with_recorded(self, recorded: Mapping[str, Labels]) -> Catalogue:
        """Return a catalogue that knows further names, which no program exports."""
        return replace(self, recorded={**self.recorded, **recorded})

    def names(self) -> list[str]:
        """Return every name that a query may use."""
        return sorted({*self.metrics, *self.recorded})


def load(file: Path = METRICS_FILE) -> Catalogue:
    """Read a catalogue.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is no catalogue; the message names the file.
    """
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        metrics = {
            name: Metric(
                name, line["type"], line["help"], line["unit"], {job: frozenset(of) for job, of in line["jobs"].items()}
            )
            for name, line in told.items()
        }
    except (json.JSONDecodeError, AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"{file} is no catalogue of metrics: {error!r}. Record it again.") from error
    return Catalogue(metrics)


def as_json(metrics: Mapping[str, Metric]) -> str:
    """Return metrics as they stand in `metrics.json`: the same metrics always give the same bytes."""
    lines = {
        name: {
            "type": metric.type,
            "help": metric.help,
            "unit": metric.unit,
            "jobs": {job: sorted(labels) for job, labels in sorted(metric.jobs.items())},
        }
        for name, metric in sorted(metrics.items())
    }
    # One line for each metric: a change of one is a change of one line.
    body = ",\n".join(f"  {json.dumps(name)}: {json.dumps(line, ensure_ascii=False)}" for name, line in lines.items())
    return f"{{\n{body}\n}}\n"
