"""How long a fault takes until its mail lies in the inbox, on a running lab with the default configuration.

    .venv/bin/python benchmarks/fault_to_inbox.py                        # 20 runs on inventories/lab, about 50 minutes
    .venv/bin/python benchmarks/fault_to_inbox.py -i my/lab --runs 5 --json

Two faults, side by side: a program that is dead (Pushgateway, killed and kept down), and a sample app that fails half of
its logins. Measured from the fault to the moment at which the mailbox shows the mail. Between two runs both faults are
mended and the mails of their ends awaited; then a random wait, so that no run begins in step with a scrape.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from promontory.drills import fault
from promontory.drills.expect import FIRING, RESOLVED, Expected, open_ends
from promontory.drills.switch import switched_on
from promontory.inventory import read_inventory
from promontory.lab import ssh_command
from promontory.mailbox import Mailbox
from promontory.project import find_project
from promontory.stack import load_stack

TARGET = "pushgateway"
GOAL_S = 60.0              # for the 95th percentile
_LIMIT_S = 300.0
_LONGEST_WAIT_S = 20.0     # random, longer than a scrape interval
_POLL_S = 0.25


class Lab:
    """The running lab that is measured."""

    def __init__(self, inventory: str | None) -> None:
        self.project = find_project(inventory)
        self.inventory = read_inventory(self.project)
        self.stack = load_stack(self.project)
        self.mailbox = Mailbox(self.stack.door("mailbox"))
        self.host = next(str(host["name"]) for host in self.stack.hosts if TARGET in host["components"])

    def on_host(self, *command: str) -> None:
        """Run a command on the host of the program that is killed."""
        subprocess.run(ssh_command(self.project, self.inventory, self.host, command), check=True, capture_output=True)

    def wait(self, expected: Expected, since: float) -> float:
        """Return the moment (monotonic clock) at which a mail younger than `since` (epoch seconds) is seen."""
        end = time.monotonic() + _LIMIT_S
        while time.monotonic() < end:
            if any(expected.is_it(mail) for mail in self.mailbox.messages(since=f"{since - 0.001:.3f}")):
                return time.monotonic()
            time.sleep(_POLL_S)
        sys.exit(f"No mail within {_LIMIT_S:.0f} s: {expected}")


def dead_program(lab: Lab) -> float:
    """Kill a program, return the seconds until its mail, wait for its end."""
    since, begun = time.time(), time.monotonic()
    try:
        # Gone for good at once: systemd would bring back what merely dies.
        lab.on_host("sh", "-c", f"systemctl kill --signal=KILL {TARGET}; systemctl stop {TARGET}")
        took = lab.wait(Expected("TargetDown", lab.host, FIRING), since) - begun
    finally:
        mended = time.time()
        lab.on_host("systemctl", "start", TARGET)
    lab.wait(Expected("TargetDown", lab.host, RESOLVED), mended)
    return took


def failing_app(lab: Lab) -> float:
    """Have the sample app fail, return the seconds until its mail, wait for its end."""
    app, token = lab.stack.door("sample_app"), lab.stack.secret("sample_app_admin_token")
    since, begun = time.time(), time.monotonic()
    with switched_on(app, token, fault.FAULT, expires_s=_LIMIT_S), fault.Visitors(app):
        took = lab.wait(Expected(fault.ALERT, "", FIRING), since) - begun
    lab.wait(Expected(fault.ALERT, "", RESOLVED), time.time())
    return took


FAULTS: dict[str, Callable[[Lab], float]] = {"dead program": dead_program, "failing sample app": failing_app}


def wait_until_quiet(lab: Lab) -> None:
    """Wait until the end of every earlier alert of these faults is mailed: until then there is no second mail."""
    end = time.monotonic() + _LIMIT_S
    while {"TargetDown", fault.ALERT} & open_ends(lab.mailbox.messages()):
        if time.monotonic() > end:
            sys.exit("TargetDown or the sample app's alert fires without us: promontory alerts status")
        time.sleep(1)


def measure(lab: Lab, runs: int) -> dict[str, list[float]]:
    """Return the seconds of each run by fault."""
    wait_until_quiet(lab)
    taken: dict[str, list[float]] = {name: [] for name in FAULTS}
    with ThreadPoolExecutor(len(FAULTS)) as pool:
        for number in range(1, runs + 1):
            time.sleep(random.uniform(0, _LONGEST_WAIT_S))  # noqa: S311  no secret
            for name, seconds in zip(FAULTS, pool.map(lambda fault: fault(lab), FAULTS.values()), strict=True):
                taken[name].append(round(seconds, 1))
            said = ", ".join(f"{name} {seconds[-1]:.1f} s" for name, seconds in taken.items())
            print(f"run {number} of {runs}: {said}", file=sys.stderr, flush=True)
    return taken


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that at least this share of the values does not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)]


def main() -> int:
    """Parse the command line, measure, print; the exit code tells whether the goal was met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-i", "--inventory", help="inventory of a lab that is up (default: inventories/lab)")
    parser.add_argument("--runs", type=int, default=20, help="runs of each fault (default: 20)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    taken = measure(Lab(options.inventory), options.runs)
    numbers = {
        name: {"p50_s": statistics.median(seconds), "p95_s": percentile(seconds, 0.95), "max_s": max(seconds), "runs_s": seconds}
        for name, seconds in taken.items()
    }
    if options.json:
        print(json.dumps(numbers, indent=2))
    else:
        for name, found in numbers.items():
            print(f"{name:<20} p50 {found['p50_s']:5.1f} s   p95 {found['p95_s']:5.1f} s   max {found['max_s']:5.1f} s   {found['runs_s']}")
    return 0 if all(percentile(seconds, 0.95) <= GOAL_S for seconds in taken.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
