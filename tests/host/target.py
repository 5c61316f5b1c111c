"""One lab host, what an operator does with it, and what can be seen on it."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.support.playbooks import Run

ROOT = Path(__file__).resolve().parents[2]
LAB = "host-tests"
NAME = "target"


class Target:
    """A lab host.

    Args:
        folder: For its inventory and playbooks.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cache = folder / "artifacts"
        self._ssh: list[str] = []
        members = ("lab_hosts", "prometheus", "alertmanager", "node_exporter", "blackbox_exporter", "pushgateway")
        groups = {group: {"hosts": {NAME: None}} for group in members}
        shared = {
            "lab_name": LAB,
            "stack_artifact_cache": str(self.cache),
            "stack_build_dir": str(folder / "build"),
            "alertmanager_oncall_email": "oncall@lab.example",
            "alertmanager_smtp_smarthost": "127.0.0.1:25",
        }
        (folder / "inventory").mkdir()
        (folder / "inventory/hosts.yml").write_text(yaml.safe_dump({"all": {"vars": shared, "children": groups}}))

    # -- the lab -------------------------------------------------------------------------------------

    def make(self) -> None:
        """Make the host, fresh also when one was left over from a run that was ended."""
        self.remove()
        made = self.playbook(ROOT / "playbooks/lab.yml")
        assert made.returncode == 0, made.output
        inventory = subprocess.run(
            [_tool("ansible-inventory"), "-i", str(self.folder / "inventory"), "--host", NAME],
            cwd=ROOT, env=_environment(), capture_output=True, text=True, check=True,
        )  # fmt: skip
        said = json.loads(inventory.stdout)
        self._ssh = [
            "ssh", "-F", "none", "-o", "BatchMode=yes", *shlex.split(said["ansible_ssh_common_args"]),
            "-o", f"ControlPath={self.folder}/ssh", "-o", "ControlMaster=auto", "-o", "ControlPersist=300",
            "-i", said["ansible_ssh_private_key_file"], f"{said['ansible_user']}@{said['ansible_host']}",
        ]  # fmt: skip

    def remove(self) -> None:
        """Remove the host."""
        if self._ssh:
            subprocess.run([*self._ssh, "-O", "exit"], capture_output=True, check=False)
        removed = self.playbook(ROOT / "playbooks/lab.yml", "-e", "lab_state=absent")
        assert removed.returncode == 0, removed.output

    # -- what an operator does -----------------------------------------------------------------------

    def playbook(self, path: Path, *options: str) -> Run:
        """Run a playbook to its end."""
        done = subprocess.run(
            self._argv(path, *options), cwd=ROOT, env=_environment(), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, check=False,
        )  # fmt: skip
        return Run(done.returncode, done.stdout)

    def declare(self, *components: Mapping[str, Any], options: Sequence[str] = ()) -> Run:
        """Run a play with one task for each of these components; the first that fails ends it."""
        return self.playbook(self._play(components), *options)

    def declared(self, component: Mapping[str, Any]) -> Run:
        """Run a play with one component task that must succeed."""
        run = self.declare(component)
        assert run.returncode == 0, run.output
        return run

    def declare_in_turn(self, components: Sequence[Mapping[str, Any]]) -> Run:
        """Run a play with a task for each, going on after those that fail."""
        return self.playbook(self._play(components, ignore_errors=True, ignore_unreachable=True))

    def declare_and_interrupt(self, component: Mapping[str, Any], *, after_s: float) -> int:
        """Press Ctrl-C on a play, some seconds after its module began to work; return the exit status."""
        play = self._play([component])
        with self.watching(component["name"]) as watch:
            operator = subprocess.Popen(
                self._argv(play), cwd=ROOT, env=_environment(), stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
            watch.communicate(timeout=60)
        time.sleep(after_s)
        os.killpg(operator.pid, signal.SIGINT)
        return operator.wait(timeout=60)

    # -- what can be seen ----------------------------------------------------------------------------

    def shell(self, command: str, *, check: bool = True) -> str:
        """Run a shell command on the host and return what it printed."""
        done = subprocess.run([*self._ssh, command], capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0 or not check, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def python(self, program: str, *arguments: str) -> str:
        """Run a Python program on the host and return what it printed."""
        return self.shell(f"python3 -c {shlex.quote(program)} {shlex.join(arguments)}")

    @contextmanager
    def watching(self, component: str, *steps: Mapping[str, Any]) -> Iterator[subprocess.Popen[str]]:
        """Watch for modules at work on a component, one after another; without steps, only for the first.

        Args:
            component: Whose module.
            steps: What to do with each: ``{"do": "measure"}`` its time, ``{"do": "kill", "at": 0.5}`` it after that
                part of the shortest time measured, or let it ``{"do": "finish"}``; ``look`` (a Python program, run with
                the component's lock held) is run afterwards. A JSON line is printed for each step.
        """
        lock = f"/run/lock/promontory-{component}.lock"
        command = f"python3 -c {shlex.quote(_WATCH)} {lock} {shlex.quote(json.dumps(steps))}"
        with subprocess.Popen([*self._ssh, command], stdout=subprocess.PIPE, text=True) as watch:
            try:
                assert watch.stdout is not None
                assert watch.stdout.readline() == "watching\n"
                yield watch
            finally:
                watch.kill()

    # -- small things --------------------------------------------------------------------------------

    def _play(self, components: Sequence[Mapping[str, Any]], **keywords: Any) -> Path:
        path = self.folder / "component.yml"
        tasks = [
            {"name": f"Component task {number}", "promontory.stack.component": dict(component), **keywords}
            for number, component in enumerate(components)
        ]
        play = {"hosts": NAME, "gather_facts": False, "tasks": tasks}
        path.write_text(yaml.safe_dump([play], sort_keys=False, width=1000))
        return path

    def _argv(self, playbook: Path, *options: str) -> list[str]:
        return [_tool("ansible-playbook"), "-i", str(self.folder / "inventory"), str(playbook), *options]


# Finds the process that holds the component's lock, which is the module at work, whatever it is called.
_WATCH = """
import fcntl, glob, json, os, signal, subprocess, sys, time
lock, steps = sys.argv[1], json.loads(sys.argv[2])
mine = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
inode = os.fstat(mine).st_ino

def holder():
    for line in open("/proc/locks"):
        words = line.split()
        if words[1] == "FLOCK" and words[-3].endswith(":%d" % inode):
            return int(words[-4])
    return 0

def wait_for_another(known):
    while (pid := holder()) in (0, known):
        time.sleep(0.001)
    return pid, time.monotonic()

print("watching", flush=True)
signal.alarm(120)
pid, lasts = 0, 0.0
for step in steps:
    pid, began = wait_for_another(pid)
    told = {"do": step["do"]}
    if step["do"] == "kill":
        told["after_s"] = lasts * step["at"]
        time.sleep(told["after_s"])
        told["killed"] = holder() == pid
        if told["killed"]:
            os.killpg(os.getpgid(pid), signal.SIGKILL)
    fcntl.flock(mine, fcntl.LOCK_EX)
    if step["do"] == "measure":
        told["lasts_s"] = time.monotonic() - began
        lasts = min(lasts or 60.0, told["lasts_s"])
    told["seen"] = json.loads(subprocess.check_output([sys.executable, "-c", step["look"]]))
    fcntl.flock(mine, fcntl.LOCK_UN)
    print(json.dumps(told), flush=True)
if not steps:
    wait_for_another(0)
"""


def _tool(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    return {**kept, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}


def ended(watch: subprocess.Popen[str], run: Run) -> str:
    """What a watch printed, once the run it watched is over."""
    try:
        return watch.communicate(timeout=20)[0]
    except subprocess.TimeoutExpired:
        raise AssertionError(f"the watch waits for more than there was:\n{run.output[-3000:]}") from None


def wait_until(what: str, ask: Any, *, limit_s: float = 15.0) -> Any:
    """Ask until the answer is true and return it."""
    deadline = time.monotonic() + limit_s
    while not (answer := ask()):
        assert time.monotonic() < deadline, f"{what}: not within {limit_s:.0f} s"
        time.sleep(0.1)
    return answer
