"""A second clone of what a lab needs, so that tests never touch the labs of the clone they run in."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import yaml

from tests.support.playbooks import Run

PROJECT = Path(__file__).parents[2]
_PARTS = ("ansible.cfg", "galaxy.yml", "meta", "plugins", "roles/lab", "playbooks/lab.yml", "playbooks/collections")


class Clone:
    """A clone with one lab, and what its user does with it."""

    def __init__(self, path: Path, hosts: tuple[str, ...] = ("one",), lab: str = "test") -> None:
        """Copy the parts into path and name the lab's hosts."""
        self.path, self.lab = path, lab
        for part in _PARTS:
            source, target = PROJECT / part, path / part
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir() and not source.is_symlink():
                shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(source, target)
        self.inventory = path / "inventories" / "lab"
        (self.inventory / "group_vars").mkdir(parents=True)
        self.names(hosts)

    def names(self, hosts: tuple[str, ...]) -> None:
        """Write the inventory: these hosts, and no others."""
        tree = {"all": {"vars": {"lab_name": self.lab}, "children": {"lab_hosts": {"hosts": dict.fromkeys(hosts)}}}}
        (self.inventory / "hosts.yml").write_text(yaml.safe_dump(tree), encoding="utf-8")

    def argv(self, *extra: str) -> list[str]:
        """Return the command that makes the lab."""
        return [*_tool("ansible-playbook"), "-i", str(self.inventory), "playbooks/lab.yml", *extra]

    def make(self, *extra: str, path: str | None = None) -> Run:
        """Make the lab; path replaces PATH."""
        return _run(self.argv(*extra), self.path, path)

    def run(self, argv: list[str]) -> Run:
        """Run any command in the clone."""
        return _run(argv, self.path, None)

    def remove(self, *extra: str) -> Run:
        """Remove the lab."""
        return self.make("-e", "lab_state=absent", *extra)

    def make_and_kill(self, after_s: float) -> None:
        """Begin to make the lab and kill everything that does so, some seconds later."""
        process = subprocess.Popen(
            self.argv(), cwd=self.path, env=_environment(None), start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        time.sleep(after_s)
        # Ansible's workers have sessions of their own, and podman's monitors leave theirs.
        for pid in [process.pid, *_descendants(process.pid)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()

    def on(self, host: str, command: str) -> str:
        """Run a shell command on a host over SSH, with nothing but what the inventory says of it."""
        said = self.variables(host)
        login = ["-i", said["ansible_ssh_private_key_file"], f"{said['ansible_user']}@{said['ansible_host']}"]
        argv = ["ssh", "-F", "none", "-o", "BatchMode=yes", *shlex.split(said["ansible_ssh_common_args"]), *login]
        run = subprocess.run([*argv, command], capture_output=True, text=True, timeout=60, check=False)
        assert run.returncode == 0, run.stderr
        return run.stdout.strip()

    def variables(self, host: str) -> dict[str, str]:
        """Return what the lab has written about a host."""
        tree = yaml.safe_load((self.inventory / "hosts.generated.yml").read_text(encoding="utf-8"))["all"]
        return {**tree["vars"], **tree["children"]["lab_hosts"]["hosts"][host]}

    def containers(self) -> dict[str, dict[str, Any]]:
        """Return podman's records of this clone's containers, by host."""
        rows = podman_json("ps", "--all", "--filter", f"label=promontory.project={self.path}", "--format", "json")
        return {row["Labels"]["promontory.host"]: row for row in rows}

    def networks(self) -> list[str]:
        """Return the names of this clone's networks."""
        identity = {str(row["Labels"]["promontory.clone"]) for row in self.containers().values()} or {"none"}
        return [row["name"] for row in podman_json("network", "ls", "--format", "json")
                if (row.get("labels") or {}).get("promontory.clone") in identity]  # fmt: skip


def podman_json(*args: str) -> list[dict[str, Any]]:
    """Run podman and read the JSON list it prints."""
    return json.loads(subprocess.run(["podman", *args], check=True, capture_output=True, text=True).stdout or "[]")


def _descendants(pid: int) -> list[int]:
    """Return the ids of all processes that a process has begun, and of those they have begun."""
    below = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text(encoding="ascii").split():
            below += [int(child), *_descendants(int(child))]
    return below


def _tool(name: str) -> list[str]:
    """Return the command of a tool of ansible-core, of the environment that runs the tests."""
    return [sys.executable, "-m", "ansible", name.removeprefix("ansible-")]


def _environment(path: str | None) -> dict[str, str]:
    keep = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
    return {**keep, "PATH": path or keep["PATH"], "ANSIBLE_NOCOLOR": "1", "ANSIBLE_CONFIG": "ansible.cfg"}


def _run(argv: list[str], cwd: Path, path: str | None) -> Run:
    done = subprocess.run(argv, cwd=cwd, env=_environment(path), capture_output=True, text=True, check=False)
    return Run(done.returncode, done.stdout + done.stderr)
