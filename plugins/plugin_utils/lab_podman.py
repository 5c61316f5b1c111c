"""podman as the lab uses it: its settings for this machine, its containers and its networks."""

from __future__ import annotations

import fcntl
import json
import os
import re
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.promontory.stack.plugins.module_utils import commands
from ansible_collections.promontory.stack.plugins.plugin_utils.lab_names import LABEL, LabError

PODMAN_MINIMUM = (4, 0)
_NOFILE_MAX = 1048576
_NPROC_MAX = 32768
_CGROUP_ROOT = Path("/sys/fs/cgroup")
STORE = Path("/var/lib/containers")
_EXITS = Path("/run/libpod/exits")


@dataclass(frozen=True)
class Container:
    """What podman has on record about one container, and whether its processes are there.

    state is podman's word (created, running, exited, ...), or "dead" for a container recorded as
    running whose first process is gone, which happens when the machine's processes were killed.
    """

    identity: str
    name: str
    labels: Mapping[str, str]
    state: str

    @property
    def host(self) -> str:
        """Inventory name of the lab host; empty for a container that is none."""
        return self.labels.get(f"{LABEL}.host", "")


def has_program(name: str) -> bool:
    """Tell whether a program is installed, also where only root's PATH looks."""
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"))
    return shutil.which(name, path=path) is not None


def cgroups_unified() -> bool:
    """Tell whether this machine has the unified cgroup hierarchy (v2) alone."""
    return (_CGROUP_ROOT / "cgroup.controllers").exists()


def runtime_name(*, unified: bool) -> str:
    """Return the OCI runtime to use, or raise.

    Only runc gives systemd the named v1 hierarchy it needs on a machine with hybrid cgroups; on a
    unified hierarchy both do, and crun is podman's own choice.

    Raises:
        LabError: No runtime that works on this machine is installed.
    """
    wanted = ("crun", "runc") if unified else ("runc",)
    for name in wanted:
        if has_program(name):
            return name
    kind = "cgroup v2" if unified else "legacy or hybrid cgroups"
    raise LabError(
        f"This machine has {kind} and not the container runtime for it ({' or '.join(wanted)}).",
        f"Install it: apt-get install {wanted[-1]}",
    )


def settings(runtime: str, limits: Mapping[str, int]) -> str:
    """Return the text of the containers.conf under which the lab runs podman.

    podman's own settings ask for more open files and processes than a process without
    CAP_SYS_RESOURCE may give; and they expect systemd on the machine for cgroups and events.

    Args:
        runtime: Name of the OCI runtime.
        limits: Hard limits of the caller, of nofile and nproc; -1 is unlimited.
    """
    bounded = {
        name: most if limits[name] < 0 else min(limits[name], most)
        for name, most in (("nofile", _NOFILE_MAX), ("nproc", _NPROC_MAX))
    }
    ulimits = ", ".join(f'"{name}={value}:{value}"' for name, value in bounded.items())
    return (
        "# Written by the lab; podman reads it through CONTAINERS_CONF.\n"
        "[containers]\n"
        f"default_ulimits = [{ulimits}]\n"
        "pids_limit = 0\n"
        'base_hosts_file = "none"\n'
        "[engine]\n"
        f'runtime = "{runtime}"\n'
        'cgroup_manager = "cgroupfs"\n'
        'events_logger = "file"\n'
    )


def caller_limits() -> dict[str, int]:
    """Return this process's hard limits of open files and processes; -1 is unlimited."""
    return {
        "nofile": resource.getrlimit(resource.RLIMIT_NOFILE)[1],
        "nproc": resource.getrlimit(resource.RLIMIT_NPROC)[1],
    }


def caller_capabilities() -> int:
    """Return the bit mask of capabilities that this process may hand on."""
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    found = re.search(r"^CapBnd:\s*([0-9a-f]+)$", status, re.MULTILINE)
    return int(found.group(1), 16) if found else 0


def podman_version(text: str) -> tuple[int, ...]:
    """Read the version from what `podman --version` prints; (0,) when it is not there."""
    found = re.search(r"(\d+)\.(\d+)", text)
    return tuple(int(part) for part in found.groups()) if found else (0,)


def free_mb(path: Path = STORE) -> int:
    """Return the free MiB of the file system that holds, or will hold, a path."""
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free // (1 << 20)


def as_root(argv: Sequence[str]) -> list[str]:
    """Return the command as root runs it: itself, or through sudo for anybody else.

    Containers need root, because the machine cannot reach the addresses of rootless ones.
    """
    return list(argv) if os.geteuid() == 0 else ["sudo", "-n", *argv]


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Wait until no other process holds this lock, and hold it."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(lock, os.O_RDONLY)
    except FileNotFoundError:
        descriptor = os.open(lock, os.O_RDONLY | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


class Podman:
    """podman run with the lab's own settings file, so that the machine's settings stay untouched."""

    def __init__(self, directory: Path) -> None:
        """Write the settings file into a directory that exists.

        Raises:
            LabError: The machine has no podman or no runtime that works here.
        """
        if not shutil.which("podman"):
            raise LabError("podman is not installed.", "Install it: apt-get install podman")
        text = settings(runtime_name(unified=cgroups_unified()), caller_limits())
        self.conf = directory / "containers.conf"
        if not self.conf.exists() or self.conf.read_text(encoding="utf-8") != text:
            self.conf.write_text(text, encoding="utf-8")

    def _argv(self, args: Sequence[str]) -> list[str]:
        return as_root(["env", f"CONTAINERS_CONF={self.conf}", "podman", *args])

    def attempt(self, *args: str, timeout_s: float = 60.0) -> subprocess.CompletedProcess[str]:
        """Run podman and return what it said, whatever the exit status."""
        return commands.run(self._argv(args), timeout_s=timeout_s)

    def call(self, *args: str, timeout_s: float = 60.0) -> str:
        """Run podman and return its standard output.

        Raises:
            LabError: podman failed; the message has its arguments and its last words.
        """
        result = self.attempt(*args, timeout_s=timeout_s)
        if result.returncode != 0:
            raise LabError(f"podman {' '.join(args[:2])} failed: {commands.output(result, lines=6)}")
        return result.stdout

    def feed(self, data: bytes, *args: str, timeout_s: float = 60.0) -> None:
        """Run podman with bytes on its standard input.

        Raises:
            LabError: podman failed.
        """
        result = subprocess.run(self._argv(args), input=data, capture_output=True, timeout=timeout_s, check=False)
        if result.returncode != 0:
            said = result.stderr.decode(errors="replace").strip()
            raise LabError(f"podman {' '.join(args[:2])} failed: {said}")

    def has_image(self, name: str) -> bool:
        """Tell whether an image of this name is stored here."""
        return self.attempt("image", "exists", name).returncode == 0

    def note_end(self, container: Container) -> None:
        """Leave word that a container's processes have ended, where its killed monitor left none.

        podman believes a container to be running until its monitor (conmon) has written its exit
        status; without that it can neither be started nor, within its time limit, be removed.
        """
        if _EXITS.is_dir():
            note = str(_EXITS / container.identity)
            commands.run(as_root(["sh", "-c", 'printf 137 > "$1"', "sh", note]))

    def containers(self, labels: Mapping[str, str] | Sequence[str]) -> list[Container]:
        """List the containers, running or not, that carry all these labels."""
        wanted = [f"{k}={v}" for k, v in labels.items()] if isinstance(labels, Mapping) else labels
        filters = [part for label in wanted for part in ("--filter", f"label={label}")]
        rows = json.loads(self.call("ps", "--all", *filters, "--format", "json") or "[]")
        return [
            Container(
                identity=row["Id"],
                name=row["Names"][0],
                labels=row["Labels"] or {},
                state=_true_state(row["State"], row["Id"], int(row.get("Pid") or 0)),
            )
            for row in rows or []
        ]

    def networks(self) -> dict[str, list[str]]:
        """Return the IPv4 and IPv6 subnets of every podman network, by its name."""
        rows = json.loads(self.call("network", "ls", "--format", "json") or "[]")
        return {row["name"]: [one["subnet"] for one in row.get("subnets") or []] for row in rows or []}


@contextmanager
def passing_podman() -> Iterator[Podman]:
    """Give a podman whose settings file goes when it is done with: for images, which belong to no lab."""
    with tempfile.TemporaryDirectory(prefix="promontory-lab-") as directory:
        yield Podman(Path(directory))


def _true_state(state: str, identity: str, pid: int) -> str:
    """Return podman's state, or "dead" when it says running and the processes are gone.

    The control group is compared because the process id may have gone to another program since, and
    a process that nobody has collected (a zombie) is no longer there.
    """
    if state not in ("running", "stopping"):
        return state
    try:
        groups = Path(f"/proc/{pid}/cgroup").read_text(encoding="ascii", errors="replace")
        condition = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return "dead"
    # The state letter follows the name, which stands in parentheses and may hold anything.
    letter = condition.rpartition(")")[2].split()[0]
    return "dead" if letter in "ZX" or identity not in groups else state
