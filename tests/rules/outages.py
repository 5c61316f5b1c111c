"""Simulated outages: when the alerts of an objective notice, and when they are over.

    python -m tests.rules.outages      prints the table of docs/how-to/service-levels.md

promtool runs the real rules over made-up series and is asked at the end when each alert first and last fired.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.promontory.stack.plugins.plugin_utils.rules import compose, slo, slo_rules, units

from promontory.reference.role_files import load
from tests.rules.mutants import QUICK
from tests.rules.rulebook import PROJECT

OBJECTIVE = "sample_app-availability"
_MINUTE = 60
_HOUR = 3600
_LABELS = 'job="sample_app", instance="app1", http_route="/"'
_SAMPLE = re.compile(r"\{(?P<labels>[^}]*)\} (?P<value>[-+.\dE]+)")
_LIMIT_S = 300
_OTHER = [{"labels": "nothing", "value": -1}]


@dataclass(frozen=True)
class Outage:
    """What happens, after a history without a failure.

    Attributes:
        name: What a reader calls it; the environment of its series.
        per_hour: Requests an hour.
        failing: Share of them that fail, 0 to 1.
        lasts: Seconds.
        probe: Whether the probe from outside fails as well.
    """

    name: str
    per_hour: float
    failing: float
    lasts: int
    probe: bool = False


@dataclass(frozen=True)
class Simulation:
    """Outages that are looked at in the same steps.

    Attributes:
        scrape: Scrape interval, seconds.
        step: Evaluation interval, seconds.
        history: Seconds without a failure before them.
        after: Seconds that are looked at after their begin.
        slow: Whether the windows of days are evaluated; a short history would make them quicker than they are.
        outages: The outages.
    """

    scrape: int
    step: int
    history: int
    after: int
    slow: bool
    outages: tuple[Outage, ...]


@dataclass(frozen=True)
class Notice:
    """One alert in one outage; times in seconds after its begin and its end."""

    outage: Outage
    alert: str
    detected: int
    over: int


SIMULATIONS = (
    Simulation(15, 30, 6 * _HOUR, 8 * _HOUR, False, (
        Outage("everything fails", 36000, 1, 30 * _MINUTE),
        Outage("everything fails, for 30 s", 36000, 1, 30),
        Outage("1 request of 10 fails", 36000, 0.1, 2 * _HOUR),
        Outage("1 request of 100 fails, for half an hour", 36000, 0.01, 30 * _MINUTE),
        Outage("nobody gets through, at 6 requests an hour", 6, 1, 30 * _MINUTE, probe=True),
        Outage("everything fails but the probe, at 6 requests an hour", 6, 1, 2 * _HOUR),
    )),
    Simulation(60, 240, 3 * 24 * _HOUR, 44 * _HOUR, True, (
        Outage("1 request of 100 fails", 36000, 0.01, 12 * _HOUR),
        Outage("1 request of 400 fails", 36000, 0.0025, 36 * _HOUR),
    )),
)  # fmt: skip


def measure(promtool: Path, simulations: Sequence[Simulation] = SIMULATIONS) -> list[Notice]:
    """Return what every alert noticed, in the order of the outages and of time."""
    with tempfile.TemporaryDirectory() as folder:
        found = [notice for one in simulations for notice in _simulate(promtool, one, Path(folder))]
    return sorted(found, key=lambda notice: notice.detected)


def table(notices: Sequence[Notice], simulations: Sequence[Simulation] = SIMULATIONS) -> str:
    """Write the table of the documentation."""
    lines = [
        "| Outage | Lasts | First told after | Over after its end | What else tells |",
        "| --- | --- | --- | --- | --- |",
    ]
    for outage in (outage for one in simulations for outage in one.outages):
        mine = [notice for notice in notices if notice.outage == outage]
        cells = [f"{outage.name[:1].upper()}{outage.name[1:]}", _time(outage.lasts), "nobody is told", "", ""]
        if mine:
            cells[2] = f"{_time(mine[0].detected)}: {mine[0].alert}"
            cells[3] = _time(mine[0].over)
            cells[4] = ", ".join(f"{notice.alert} after {_time(notice.detected)}" for notice in mine[1:])
        lines.append(f"| {' | '.join(cells)} |".replace("  ", " "))
    return "\n".join(lines) + "\n"


def _time(seconds: float) -> str:
    return (
        units.written(seconds, "seconds").replace("m", " min").replace("h", " h").replace("s", " s").replace("d", " d")
    )


def _simulate(promtool: Path, simulation: Simulation, folder: Path) -> Iterator[Notice]:
    told = load(PROJECT / "roles/rules/defaults/main/slos.yml")["rules_slos"]
    mine = [one for one in slo.read(told) if one.name == OBJECTIVE]
    groups = [group for group in slo_rules.groups(mine) if simulation.slow or group["name"] != "slo-windows-slow"]
    # One group: several are evaluated in no order, and the same outage would be told a step earlier or later each time.
    together = {"name": "all", "rules": [rule for group in groups for rule in group["rules"]]}
    (folder / "rules.yml").write_text(compose.dump([together]), encoding="utf-8")
    end = simulation.history + simulation.after
    question = 'by (environment, alertname) ({}_over_time(timestamp(ALERTS{{alertstate="firing"}})[{}s:{}s]))'
    expressions = [f"{which} {question.format(which, end, simulation.step)}" for which in ("min", "max")]
    test = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": f"{simulation.step}s",
        "tests": [{
            "interval": f"{simulation.scrape}s",
            "input_series": [series for outage in simulation.outages for series in _series(outage, simulation)],
            # Something else is expected, so that promtool prints what it got.
            "promql_expr_test": [{"expr": expr, "eval_time": f"{end}s", "exp_samples": _OTHER} for expr in expressions],
        }],
    }  # fmt: skip
    (folder / "test.yml").write_text(yaml.safe_dump(test), encoding="utf-8")
    done = subprocess.run(
        [promtool, "test", "rules", "test.yml"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=_LIMIT_S,
        env=QUICK,
        check=False,
    )
    if "got:" not in done.stderr:
        raise AssertionError(done.stdout + done.stderr)
    first, last = (_got(line) for line in re.findall(r"got:(.*)", done.stderr))
    for outage in simulation.outages:
        for (environment, alert), at in first.items():
            if environment == outage.name:
                over = last[environment, alert] + simulation.step - simulation.history - outage.lasts
                yield Notice(outage, alert, at - simulation.history, over)


def _got(line: str) -> dict[tuple[str, str], int]:
    found = {}
    for sample in _SAMPLE.finditer(line):
        labels = dict(re.findall(r'(\w+)="([^"]*)"', sample["labels"]))
        found[labels["environment"], labels["alertname"]] = int(float(sample["value"]))
    return found


def _series(outage: Outage, simulation: Simulation) -> Iterator[dict[str, Any]]:
    scrape = simulation.scrape
    before, during = simulation.history // scrape, max(1, outage.lasts // scrape)
    after = (simulation.after - outage.lasts) // scrape
    every = outage.per_hour / 3600 * scrape
    bad = every * outage.failing

    def counter(rates: tuple[float, float, float]) -> str:
        value, parts = 0.0, []
        for rate, number in zip(rates, (before, during, after), strict=True):
            parts.append(f"{value:.6f}+{rate:.6f}x{number - 1}")
            value += rate * number
        return " ".join(parts)

    def count(status: str, values: str) -> dict[str, Any]:
        labels = f'{_LABELS}, environment="{outage.name}", http_response_status_code="{status}"'
        return {"series": f"http_server_request_duration_seconds_count{{{labels}}}", "values": values}

    yield count("200", counter((every, every - bad, every)))
    yield count("500", counter((0, bad, 0)))
    probe = f'job="blackbox", probe="sample_app", instance="x", environment="{outage.name}"'
    failed = 0 if outage.probe else 1
    yield {
        "series": f"probe_success{{{probe}}}",
        "values": f"1x{before - 1} {failed}x{during - 1} 1x{after - 1}",
    }


if __name__ == "__main__":
    from tests.support import debs

    sys.stdout.write(table(measure(debs.release("prometheus", "sid").directory / "promtool")))
