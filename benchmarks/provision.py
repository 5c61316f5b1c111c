"""How long provisioning takes and how many remote calls it costs, on a lab host of its own.

    .venv/bin/python benchmarks/provision.py              # from nothing once, then no change five times
    .venv/bin/python benchmarks/provision.py --runs 9 --json

One host runs the whole stack. Measured are: the first converge of a fresh host (its base image exists
already), runs that change nothing, and an empty play on the same host as a yardstick for the machine.
Verification is apart. Remote calls are counted from Ansible's own trace of one more run, task by task.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
_BIN = Path(sys.executable).parent
_EMPTY_PLAY = "- name: Empty\n  hosts: bench1\n  gather_facts: false\n  tasks: []\n"
_LAB = "bench"


def inventory(directory: Path) -> Path:
    """Write an inventory with the whole stack on one host and return its directory."""
    groups = json.loads(_command("ansible-inventory", "-i", str(PROJECT / "inventories/lab"), "--list"))
    hosts = {name: {"hosts": {"bench1": {}}} for name in groups if name not in ("_meta", "all", "ungrouped")}
    variables = json.loads(
        _command("ansible-inventory", "-i", str(PROJECT / "inventories/lab"), "--host", "lab1")
    )
    variables = {key: value for key, value in variables.items() if not key.startswith("ansible_")}
    # Its own place for everything a run writes, so that the real lab is not touched.
    variables.update(lab_name=_LAB, stack_build_dir=str(directory / "build"))
    variables.pop("stack_address", None)
    document = {"all": {"vars": variables, "children": hosts}}
    (directory / "hosts.yml").write_text(json.dumps(document), encoding="utf-8")
    return directory


def _environment() -> dict[str, str]:
    return {**os.environ, "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg"), "LC_ALL": "C.UTF-8", "ANSIBLE_NOCOLOR": "1"}


def _command(program: str, *arguments: str) -> str:
    done = subprocess.run(
        [str(_BIN / program), *arguments],
        cwd=PROJECT,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        sys.exit(f"{program} {' '.join(arguments)} failed:\n{done.stdout[-3000:]}{done.stderr[-1000:]}")
    return done.stdout


def play(inventory_directory: Path, playbook: Path | str, *arguments: str) -> tuple[float, str]:
    """Run a playbook; return its wall time in seconds and its output."""
    began = time.monotonic()
    output = _command("ansible-playbook", "-i", str(inventory_directory), str(playbook), *arguments)
    return time.monotonic() - began, output


def remote_calls(trace: str) -> Counter[str]:
    """Count the SSH commands and transfers in an ``-vvv`` trace, by task name."""
    calls: Counter[str] = Counter()
    task = "(before the first task)"
    for line in trace.splitlines():
        named = re.match(r"TASK \[(.*)\] \*+", line)
        if named:
            task = named.group(1).split(" : ")[-1]
        elif re.match(r"<[^>]+> (SSH: EXEC|PUT|FETCH|SFTP)", line) or re.match(r"<[^>]+> SSH: EXEC", line):
            calls[task] += 1
    return calls


def measure(runs: int) -> dict[str, object]:
    """Make the host, measure, remove the host; return the numbers in seconds and calls."""
    with tempfile.TemporaryDirectory(prefix="promontory-bench-") as scratch:
        directory = inventory(Path(scratch))
        empty = Path(scratch) / "empty.yml"
        empty.write_text(_EMPTY_PLAY, encoding="utf-8")
        site = PROJECT / "playbooks/site.yml"
        try:
            play(directory, PROJECT / "playbooks/lab.yml")
            first, _ = play(directory, site, "--skip-tags", "verify")
            unchanged, yardstick = [], []
            for _ in range(runs):
                seconds, output = play(directory, site, "--skip-tags", "verify")
                changed = re.findall(r"^bench1 +: .*changed=(\d+)", output, re.MULTILINE)
                if changed != ["0"]:
                    sys.exit(f"a run that should change nothing changed {changed}:\n{output[-3000:]}")
                unchanged.append(seconds)
                yardstick.append(play(directory, empty)[0])
            calls = remote_calls(play(directory, site, "--skip-tags", "verify", "-vvv")[1])
        finally:
            play(directory, PROJECT / "playbooks/lab.yml", "-e", "lab_state=absent")
    return {
        "from_nothing_s": round(first, 1),
        "no_change_s": [round(value, 2) for value in unchanged],
        "no_change_median_s": round(statistics.median(unchanged), 2),
        "empty_play_median_s": round(statistics.median(yardstick), 2),
        "no_change_per_empty_play": round(
            statistics.median(a / b for a, b in zip(unchanged, yardstick, strict=True)), 1
        ),
        "remote_calls": sum(calls.values()),
        "remote_calls_by_task": dict(calls),
    }


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="runs without a change (default: 5)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    numbers = measure(options.runs)
    if options.json:
        print(json.dumps(numbers, indent=2))
        return
    print(f"converge of a fresh host           {numbers['from_nothing_s']} s")
    print(f"no change, median of {options.runs:<3}           {numbers['no_change_median_s']} s  {numbers['no_change_s']}")
    print(f"empty play, median                 {numbers['empty_play_median_s']} s")
    print(f"no change / empty play, median     {numbers['no_change_per_empty_play']}")
    print(f"remote calls without a change      {numbers['remote_calls']}")
    calls = numbers["remote_calls_by_task"]
    if isinstance(calls, dict):
        for task, count in calls.items():
            print(f"  {count:>3}  {task}")


if __name__ == "__main__":
    main()
