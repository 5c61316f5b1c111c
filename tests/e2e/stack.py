"""A clone, two lab hosts, and an operator who changes the inventory and runs the playbooks."""

from __future__ import annotations

import copy
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
_PARTS = (
    "ansible.cfg", "dashboards", "docs/runbooks", "galaxy.yml", "meta", "playbooks", "plugins", "promontory", "roles", "rules",
    "sample_app",
)  # fmt: skip
_IGNORED = shutil.ignore_patterns("__pycache__", "tests", ".ansible")
_LIMIT_S = 400
_SETTLE_S = 30   # Prometheus hands a new set of targets on every 5 s
_ASK = "import sys, urllib.request as u; sys.stdout.write(u.urlopen(sys.argv[1], timeout=10).read().decode())"

# One host with Prometheus and all it needs to prove itself, and one that is only watched.
GROUPS = {
    "lab_hosts": ["mon1", "mon2"],
    "prometheus": ["mon1"],
    "alertmanager": ["mon1"],
    "mailbox": ["mon1"],
    "node_exporter": ["mon1", "mon2"],
}
VARIABLES = {
    "lab_name": "e2e",
    "stack_environment": "e2e",
    "stack_install_from": "package",   # the same programs whatever this machine's network reaches
    "stack_scrape_interval": "2s",     # the proof waits for scrapes and evaluations
    "stack_evaluation_interval": "2s",
    "alertmanager_oncall_email": "oncall@e2e.example",
}


@dataclass(frozen=True)
class Run:
    """How a command ended and what it said, standard output and error together."""

    returncode: int
    output: str

    def changed(self, host: str) -> int:
        """Number of tasks that changed something on a host, from the recap."""
        found = re.search(rf"^{re.escape(host)}\s.*\bchanged=(\d+)", self.output, re.MULTILINE)
        assert found, f"no recap of {host} in:\n{self.output}"
        return int(found[1])


@dataclass
class Inventory:
    """What an operator writes down: groups, variables and further files, in one folder."""

    folder: Path
    groups: dict[str, list[str]] = field(default_factory=lambda: copy.deepcopy(GROUPS))
    variables: dict[str, Any] = field(default_factory=lambda: dict(VARIABLES))
    host_variables: dict[str, dict[str, Any]] = field(default_factory=dict)

    def write(self) -> Path:
        """Write it and return the folder."""
        children = {
            group: {"hosts": {host: self.host_variables.get(host) for host in hosts}} for group, hosts in self.groups.items()
        }
        for path, content in (("hosts.yml", {"all": {"children": children}}), ("group_vars/all.yml", self.variables)):
            (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / path).write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
        return self.folder


class Stack:
    """A clone of the project with a lab of two hosts.

    Args:
        folder: An empty directory.
    """

    def __init__(self, folder: Path) -> None:
        self.clone = folder / "promontory"
        self.lab = Inventory(folder / "lab")
        self.bin = folder / "bin"
        for part in _PARTS:
            source, target = ROOT / part, self.clone / part
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, symlinks=True, ignore=_IGNORED)
            else:
                shutil.copy2(source, target)
        # The clone's own command, as an activated virtual environment would have it.
        self.bin.mkdir()
        command = self.bin / "promontory"
        command.write_text(f'#!/bin/sh\nPYTHONPATH={shlex.quote(str(self.clone))} exec {shlex.quote(sys.executable)} -m promontory "$@"\n')
        command.chmod(0o755)

    def inventory(self, folder: Path) -> Inventory:
        """Give an inventory of the two hosts in a folder of the caller's."""
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy2(self.lab.folder / "hosts.generated.yml", folder)
        return Inventory(folder)

    def playbook(self, inventory: Inventory, name: str, *options: str, inside: str = ".", **variables: str) -> Run:
        """Run a playbook as `ansible-playbook` from a directory of the clone; `variables` are the environment's."""
        tool = str(Path(sys.executable).with_name("ansible-playbook"))
        return self.run([tool, "-i", str(inventory.write()), name, *options], self.clone / inside, **variables)

    def provision(self, inventory: Inventory, *options: str) -> Run:
        """Run site.yml without the proof, which has tests of its own."""
        return self.playbook(inventory, "playbooks/site.yml", "--skip-tags", "verify", *options)

    def run(self, argv: list[str], folder: Path, **variables: str) -> Run:
        """Run a command with the clone's `promontory` in PATH."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
        path = f"{self.bin}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
        environment = {**kept, "PATH": path, "LC_ALL": "C.UTF-8", "ANSIBLE_NOCOLOR": "1", **variables}
        done = subprocess.run(
            argv, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, timeout=_LIMIT_S, check=False,
        )  # fmt: skip
        return Run(done.returncode, done.stdout)

    def on(self, host: str, command: str) -> str:
        """Return what a shell command prints on a host; it must succeed."""
        said = yaml.safe_load((self.lab.folder / "hosts.generated.yml").read_text(encoding="utf-8"))
        login = said["all"]["children"]["lab_hosts"]["hosts"][host]
        options = ["-F", "none", "-o", "BatchMode=yes", "-i", login["ansible_ssh_private_key_file"]]
        argv = ["ssh", *options, *shlex.split(login["ansible_ssh_common_args"]), f"root@{login['ansible_host']}", command]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, f"{command} on {host}: {done.stdout}{done.stderr}"
        return done.stdout

    def ask(self, host: str, url: str) -> str:
        """Return what an URL answers to a process on a host; loopback is enough that way."""
        return self.on(host, shlex.join(["python3", "-c", _ASK, url]))

    def prometheus(self, path: str) -> Any:
        """Return `data` of an answer of Prometheus' API."""
        return json.loads(self.ask("mon1", f"http://127.0.0.1:9090/api/v1/{path}"))["data"]

    def targets(self) -> set[tuple[str, str]]:
        """Return job and instance of all targets that Prometheus scrapes."""
        active = self.prometheus("targets?state=active")["activeTargets"]
        return {(target["labels"]["job"], target["labels"]["instance"]) for target in active}

    def targets_once(self, is_right: Callable[[set[tuple[str, str]]], bool]) -> set[tuple[str, str]]:
        """Wait for the targets to be right and return them, right or not: they follow a reload within seconds."""
        deadline = time.monotonic() + _SETTLE_S
        while not is_right(found := self.targets()) and time.monotonic() < deadline:
            time.sleep(0.5)
        return found

    def serving(self, host: str) -> str:
        """Return what would differ after any change on a host: journals, links, running processes."""
        return self.on(
            host,
            "cat /var/lib/promontory/journal/*.json; readlink /etc/*/current; ls /opt; "
            "systemctl show 'promontory*' prometheus alertmanager mailbox node_exporter --property InvocationID,ActiveState; "
            "cat /etc/systemd/journald.conf.d/*",
        )
