"""Runs the parts of the test suite side by side and adds them up; scripts/test calls it.

Each part's output goes to build/test/<part>.log; a failed part shows the end of it. A lint or a molecule scenario
counts as one test, a pytest part as its tests (from its JUnit file), so the last line is the sum of everything.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOGS = ROOT / "build" / "test"
SIDE_BY_SIDE = 2             # parts at a time; the suite is measured on two processors
PART_LIMIT_S = 30 * 60
TAIL_LINES = 60
_PYTEST = ("pytest", "-p", "no:cacheprovider")


@dataclass(frozen=True)
class Part:
    """One piece of the suite.

    Attributes:
        needs: Paths below the root without which there is nothing to run.
        counts_itself: Whether the command is one test of its own, beside what its JUnit file says.
    """

    name: str
    command: Sequence[str]
    needs: Sequence[str] = ()
    counts_itself: bool = True


def _tests(name: str, *arguments: str, needs: str = "tests") -> Part:
    return Part(name, (*_PYTEST, *arguments), needs=(needs,), counts_itself=False)


def _scenario(name: str) -> Part:
    return Part(f"molecule-{name}", ("molecule", "test", "-s", name), needs=(f"molecule/{name}",))


# What runs real Alertmanagers, Prometheus and mail servers of its own.
_ALERTING = ("tests/alerts", "tests/backtest", "tests/heartbeat", "tests/mailbox")

# The sample app with what belongs to it: real services, databases and browsers; and its way into a cluster.
_SAMPLE_APP = ("tests/sample_app", "tests/metrics_hub")
_KUBERNETES = ("tests/kubernetes", "tests/ingress")
_OF_THEIR_OWN = (*_ALERTING, *_SAMPLE_APP, *_KUBERNETES, "tests/rules", "tests/cli")

# The long ones first: the short ones fill the gaps.
PARTS = (
    _scenario("cluster"),
    _scenario("default"),
    _tests("e2e", "-m", "lab", "tests/e2e", needs="tests/e2e"),
    _tests("host", "-m", "lab", "tests/host", needs="tests/host"),
    _tests("lab", "-m", "lab", "tests/lab", needs="tests/lab"),
    _tests("dashboards", "-m", "lab", "tests/dashboards", needs="tests/dashboards"),
    _tests("sample-app", "-m", "not lab", *_SAMPLE_APP),
    _tests("kubernetes", *_KUBERNETES),
    _tests("alerting", "-m", "not lab", *_ALERTING),
    _tests("unit", "-m", "not lab", *(f"--ignore={place}" for place in _OF_THEIR_OWN), "tests"),
    _tests("cli", "tests/cli", needs="tests/cli"),
    _tests("rules", "tests/rules", needs="tests/rules"),
    Part("ansible-lint", ("ansible-lint",)),
    Part("mypy", ("mypy",)),
    Part("ruff", ("ruff", "check", ".")),
    Part("yamllint", ("yamllint", "--strict", ".")),
)


@dataclass
class Count:
    """Tests by outcome."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: Count) -> Count:
        """Add two counts."""
        return Count(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)

    def __str__(self) -> str:
        """The closing line."""
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


@dataclass
class Running:
    """A part under way, or over."""

    part: Part
    process: subprocess.Popen[bytes]
    started: float = field(default_factory=time.monotonic)
    seconds: float = 0.0
    exit_code: int | None = None

    def poll(self) -> bool:
        """Tell whether it is over; end it when it has taken too long."""
        self.exit_code = self.process.poll()
        self.seconds = time.monotonic() - self.started
        if self.exit_code is None and self.seconds > PART_LIMIT_S:
            end(self.process)
            self.exit_code = 124
            with log_of(self.part).open("a", encoding="utf-8") as log:
                log.write(f"\nEnded after {PART_LIMIT_S} s without a result.\n")
        return self.exit_code is not None

    @property
    def count(self) -> Count:
        """What it adds to the sum."""
        return count_part(self.part, self.exit_code or 0, junit_of(self.part))


def count_part(part: Part, exit_code: int, junit: Path) -> Count:
    """Count a part that is over; a part that broke without a failed test counts as one failure."""
    count = count_junit(junit)
    broke = exit_code != 0 and count.failed == 0
    if part.counts_itself or broke:
        count += Count(failed=1) if exit_code != 0 else Count(passed=1)
    return count


def count_junit(junit: Path) -> Count:
    """Count a JUnit file; nothing when there is none, or none that is whole."""
    try:
        root = ET.parse(junit).getroot()  # noqa: S314 - our own pytest wrote it
    except (OSError, ET.ParseError):
        return Count()
    sums = Count()
    for suite in root.iter("testsuite"):
        total, bad, skipped = (
            sum(int(suite.get(key, 0)) for key in keys)
            for keys in (("tests",), ("failures", "errors"), ("skipped",))
        )
        sums += Count(passed=total - bad - skipped, failed=bad, skipped=skipped)
    return sums


def skip_reasons(junit: Path) -> dict[str, int]:
    """Return why tests of a JUnit file were skipped, and how many for each reason."""
    try:
        root = ET.parse(junit).getroot()  # noqa: S314 - our own pytest wrote it
    except (OSError, ET.ParseError):
        return {}
    reasons: dict[str, int] = {}
    for skipped in root.iter("skipped"):
        reason = (skipped.get("message") or "no reason given").strip()
        reasons[reason] = reasons.get(reason, 0) + 1
    return reasons


def log_of(part: Part) -> Path:
    """Where a part's output goes."""
    return LOGS / f"{part.name}.log"


def junit_of(part: Part) -> Path:
    """Where a part's pytest writes its results; molecule's verify step does so too."""
    return LOGS / f"{part.name}.xml"


def start(part: Part) -> Running:
    """Start a part in a process group of its own."""
    junit_of(part).unlink(missing_ok=True)
    options = f"{os.environ.get('PYTEST_ADDOPTS', '')} --junit-xml={junit_of(part)}".strip()
    with log_of(part).open("wb") as log:
        process = subprocess.Popen(
            list(part.command), cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            start_new_session=True, env={**os.environ, "PYTEST_ADDOPTS": options, "PYTHONUNBUFFERED": "1"},
        )
    return Running(part, process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a part with everything it started."""
    for number, wait_s in ((signal.SIGINT, 20), (signal.SIGTERM, 5), (signal.SIGKILL, 5)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(wait_s)
            return


def run(parts: Sequence[Part]) -> list[Running]:
    """Run parts, SIDE_BY_SIDE at a time, and report each as it ends."""
    waiting, running, over = list(parts), list[Running](), list[Running]()
    status = Status(len(parts))
    try:
        while waiting or running:
            while waiting and len(running) < SIDE_BY_SIDE:
                part = waiting.pop(0)
                running.append(start(part))
                status.begin(part)
            for entry in [entry for entry in running if entry.poll()]:
                running.remove(entry)
                over.append(entry)
                status.over(entry)
            status.show(running, len(waiting))
            time.sleep(0.2)
    except KeyboardInterrupt:
        status.clear()
        for entry in running:
            end(entry.process)
        raise
    return over


class Status:
    """One line that is redrawn on a terminal; lines for what begins and ends elsewhere."""

    def __init__(self, total: int) -> None:
        """Follow `total` parts."""
        self._total = total
        self._over = 0
        self._live = sys.stderr.isatty()

    def begin(self, part: Part) -> None:
        """Report that a part has begun."""
        if not self._live:
            print(f"{part.name} …", file=sys.stderr, flush=True)

    def over(self, entry: Running) -> None:
        """Report how a part ended; show the end of its output when it failed."""
        self._over += 1
        self.clear()
        if entry.exit_code:
            lines = log_of(entry.part).read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL_LINES:]
            print(f"\n===== {entry.part.name} failed; the end of {log_of(entry.part).relative_to(ROOT)}:", file=sys.stderr)
            print("\n".join(lines), end="\n=====\n\n", file=sys.stderr)
        print(f"{entry.part.name}: {entry.count} ({entry.seconds:.0f} s)", file=sys.stderr, flush=True)

    def show(self, running: Sequence[Running], waiting: int) -> None:
        """Redraw the line."""
        if self._live:
            names = ", ".join(f"{entry.part.name} {entry.seconds:.0f} s" for entry in running)
            print(f"\r\033[K{self._over}/{self._total} over · running: {names} · {waiting} waiting", end="", file=sys.stderr)

    def clear(self) -> None:
        """Make room for lasting lines."""
        if self._live:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the parts that are named, or all; return 0 when nothing failed."""
    parser = argparse.ArgumentParser(prog="scripts/test", description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help="only these; see --list")
    parser.add_argument("--list", action="store_true", help="list the parts")
    arguments = parser.parse_args(argv)
    by_name = {part.name: part for part in PARTS}
    if arguments.list:
        for part in PARTS:
            print(f"{part.name:18} {' '.join(part.command)}")
        return 0
    if unknown := [name for name in arguments.parts if name not in by_name]:
        print(f"There is no part {', '.join(unknown)}; there are: {', '.join(by_name)}.", file=sys.stderr)
        return 2
    chosen = [part for part in PARTS if part.name in arguments.parts or not arguments.parts]
    absent = [part for part in chosen if not all((ROOT / need).exists() for need in part.needs)]
    LOGS.mkdir(parents=True, exist_ok=True)
    # A shell that starts us in the background has SIGINT ignored, and programs hand that on to what they start:
    # tests of Ctrl-C would then press a key that nobody hears.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        over = run([part for part in chosen if part not in absent])
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    print(f"\n{'part':18} {'passed':>7} {'failed':>7} {'skipped':>8} {'seconds':>8}")
    for entry in sorted(over, key=lambda entry: chosen.index(entry.part)):
        count = entry.count
        print(f"{entry.part.name:18} {count.passed:7} {count.failed:7} {count.skipped:8} {entry.seconds:8.0f}")
    for part in absent:
        print(f"{part.name:18} {0:7} {0:7} {1:8}          {', '.join(part.needs)} does not exist")
    reasons: dict[str, int] = {}
    for entry in over:
        for reason, number in skip_reasons(junit_of(entry.part)).items():
            reasons[reason] = reasons.get(reason, 0) + number
    for reason, number in sorted(reasons.items()):
        print(f"{number} skipped: {reason}")
    total = sum((entry.count for entry in over), Count(skipped=len(absent)))
    print(f"\n{total}")
    return 0 if over and total.failed == 0 else 1


if __name__ == "__main__":
    raise SystemExit(main())
