"""The one border to ansible-runner: run a playbook, hand out typed events, leave nothing on disk.

ansible-runner writes the environment, extra variables and every event below its private data directory. That
directory is made here, readable by its owner only, and removed however the run ends.
"""

from __future__ import annotations

import contextlib
import os
import queue
import shlex
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ansible_runner
import yaml
from ansible.parsing.splitter import parse_kv

from promontory import processes
from promontory.errors import Interrupted, RunFailed, UsageError, VerificationFailed
from promontory.events import Event, HostResult, Notice, Outcome, Recap, from_runner
from promontory.project import Project

_PREFIX = "promontory-run-"
_GRACE_S = 10.0
_BAD = (Outcome.FAILED, Outcome.UNREACHABLE)

EventSink = Callable[[Event], None]


@dataclass(frozen=True)
class Run:
    """How a playbook ended.

    Attributes:
        playbook: Its name without `.yml`.
        exit_code: ansible-playbook's own.
        counts: By host: ok, changed, failures, unreachable, skipped, … as in Ansible's recap.
        failures: What went wrong and was not rescued, in order.
        changes: Results that changed something.
        notices: Warnings and errors outside tasks.
        duration_s: Seconds, wall clock.
    """

    playbook: str
    exit_code: int
    counts: Mapping[str, Mapping[str, int]]
    failures: Sequence[HostResult]
    changes: Sequence[HostResult]
    notices: Sequence[str]
    duration_s: float

    @property
    def ok(self) -> bool:
        """Whether every host was finished."""
        return self.exit_code == 0

    @property
    def changed(self) -> int:
        """Number of changed tasks over all hosts."""
        return sum(count.get("changed", 0) for count in self.counts.values())

    @property
    def failed_hosts(self) -> list[str]:
        """Hosts that were not finished, sorted."""
        bad = {result.host for result in self.failures if result.host}
        bad |= {host for host, count in self.counts.items() if count.get("failures") or count.get("unreachable")}
        return sorted(bad)


@dataclass
class _Record:
    """Collects what a Run is made of."""

    counts: dict[str, Mapping[str, int]] = field(default_factory=dict)
    failures: list[HostResult] = field(default_factory=list)
    changes: list[HostResult] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def add(self, event: Event) -> None:
        match event:
            case HostResult(outcome=outcome) if outcome in _BAD:
                self.failures.append(event)
            case HostResult(outcome=Outcome.CHANGED):
                self.changes.append(event)
            case Recap(counts=counts):
                self.counts.update(counts)
            case Notice(text=text):
                self.notices.append(text)

    def unrescued(self) -> list[HostResult]:
        if not self.counts:
            return self.failures
        bad = {host for host, count in self.counts.items() if count.get("failures") or count.get("unreachable")}
        return [failure for failure in self.failures if failure.host in bad]


def run_playbook(
    project: Project,
    playbook: str,
    *,
    extra_vars: Mapping[str, Any] | None = None,
    arguments: Sequence[str] = (),
    on_event: EventSink = lambda event: None,
) -> Run:
    """Run one playbook of the project against its inventory.

    Args:
        playbook: Name below playbooks/, without `.yml`.
        extra_vars: Win over every other variable, as `-e` does.
        arguments: Further arguments of ansible-playbook, such as `--check`.
        on_event: Called in the calling thread, in order, while the run goes on.
    Returns:
        The run, also when hosts failed: judging it is the caller's affair.
    Raises:
        UsageError: No such playbook.
        Interrupted: Ctrl-C; every process of the run has ended.
    """
    path = project.playbook(playbook)
    record, started = _Record(), time.monotonic()
    with private_directory() as directory:
        worker = _Worker(_settings(project, path, directory, extra_vars or {}, arguments))
        worker.start()
        try:
            for event in worker.events():
                record.add(event)
                on_event(event)
        except BaseException as error:
            processes.end_children(grace_s=_GRACE_S)
            worker.join(_GRACE_S)
            if isinstance(error, KeyboardInterrupt):
                raise Interrupted(
                    f"Stopped while {path.name} was running.",
                    hint="The next run repairs what is half done: " + project.command("up"),
                ) from None
            raise
        exit_code = worker.result()
    return Run(
        playbook=playbook, exit_code=exit_code, counts=record.counts, failures=record.unrescued(),
        changes=record.changes, notices=record.notices, duration_s=time.monotonic() - started,
    )


def require_success(run: Run, *, hint: str = "") -> None:
    """Turn a run with failed hosts into an error.

    Raises:
        UsageError: The input was refused; nothing was changed.
        VerificationFailed: Provisioning is complete, the proof is not.
        RunFailed: Anything else. The message names the hosts and says how many were finished nevertheless.
    """
    if run.ok:
        return
    if not run.failures:
        said = "\n".join(run.notices[-3:]) or f"ansible-playbook ended with {run.exit_code} and said nothing."
        raise RunFailed(said, hint=hint)
    if all(failure.is_preflight for failure in run.failures):
        raise UsageError("The input was refused before anything was changed; see above.", hint=hint)
    if all(failure.is_verification for failure in run.failures):
        raise VerificationFailed("The running stack is not as declared; see above.", hint=hint)
    finished = len(run.counts) - len(run.failed_hosts)
    raise RunFailed(
        f"Not finished: {', '.join(run.failed_hosts)}; {finished} of {len(run.counts)} hosts are as declared.", hint=hint
    )


@contextlib.contextmanager
def private_directory() -> Iterator[Path]:
    """Give a directory only its owner can read, and remove it; also those of runs that were killed."""
    base = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
    if not os.access(base, os.W_OK):
        base = Path(tempfile.gettempdir())
    for left_over in base.glob(f"{_PREFIX}*"):
        owner = left_over.name.removeprefix(_PREFIX).split("-")[0]
        if owner.isdigit() and not processes.is_alive(int(owner)) and left_over.stat().st_uid == os.getuid():
            shutil.rmtree(left_over, ignore_errors=True)
    directory = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=base))   # mode 0700
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


class _Worker(threading.Thread):
    """Runs ansible-runner beside the main thread, which thereby stays free for signals and the display."""

    def __init__(self, settings: dict[str, Any]) -> None:
        super().__init__(name="ansible-runner", daemon=True)
        self._settings = settings
        self._queue: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._exit_code: int | None = None
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            runner = ansible_runner.run(event_handler=self._take, **self._settings)
            self._exit_code = int(runner.rc)
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits in result()
            self._error = error
        finally:
            self._queue.put(None)

    def events(self) -> Iterator[Event]:
        while (event := self._queue.get()) is not None:
            yield event

    def result(self) -> int:
        self.join()
        if self._error is not None:
            raise self._error
        return 1 if self._exit_code is None else self._exit_code

    def _take(self, raw: dict[str, Any]) -> bool:
        event = from_runner(raw)
        if event is not None:
            self._queue.put(event)
        return False   # do not keep the event as a file


def _settings(
    project: Project, playbook: Path, directory: Path, extra_vars: Mapping[str, Any], arguments: Sequence[str]
) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "private_data_dir": str(directory),
        "project_dir": str(project.root),
        "playbook": str(playbook),
        "inventory": str(project.inventory),
        "envvars": environment(project),
        "settings": {"suppress_output_file": True, "pexpect_timeout": 1},
        "fact_cache_type": "memory",   # ansible-runner's default is files
        "quiet": True,
    }
    if extra_vars:
        settings["extravars"] = dict(extra_vars)
    if arguments:
        settings["cmdline"] = shlex.join(arguments)
    return settings


def environment(project: Project) -> dict[str, str]:
    """What Ansible needs in its environment beyond ours, however it is started."""
    wanted = {
        "ANSIBLE_FORCE_COLOR": "false",
        "ANSIBLE_HOST_KEY_CHECKING": "true",   # ansible-runner would turn it off
        "ANSIBLE_NOCOWS": "true",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
    }
    config = project.root / "ansible.cfg"
    if config.is_file():   # also where the clone is world-writable and Ansible would skip it
        wanted["ANSIBLE_CONFIG"] = str(config)
    if not os.environ.get("LC_ALL", "").upper().endswith(("UTF-8", "UTF8")):
        wanted["LC_ALL"] = "C.UTF-8"       # Ansible refuses to start in the C locale
    return {
        key: value
        for key, value in wanted.items()
        if key in ("PATH", "LC_ALL", "ANSIBLE_FORCE_COLOR") or key not in os.environ
    }


def parse_extra_vars(given: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """Sort what was typed after `-e`.

    Args:
        given: `name=value` words, a JSON/YAML mapping, or `@file`.
    Returns:
        Variables, and arguments for ansible-playbook (files stay files: they may be encrypted).
    Raises:
        UsageError: One is none of the three.
    """
    variables: dict[str, Any] = {}
    arguments: list[str] = []
    for text in given:
        if text.startswith("@"):
            if not Path(text[1:]).is_file():
                raise UsageError(f"-e {text}: there is no such file.", hint="Give the path of a YAML file after the @.")
            arguments += ["-e", f"@{Path(text[1:]).absolute()}"]
            continue
        try:
            parsed = yaml.safe_load(text) if text.lstrip().startswith("{") else parse_kv(text)
        except yaml.YAMLError:
            parsed = None
        if not isinstance(parsed, dict) or not parsed or "_raw_params" in parsed:
            raise UsageError(f"-e {text!r} is no variable.", hint="Write -e name=value, -e '{name: value}' or -e @file.yml.")
        variables.update({str(key): value for key, value in parsed.items()})
    return variables, arguments
