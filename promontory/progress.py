"""How far a run is: events in, a small picture of phases, hosts and components out. No printing here."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from promontory.events import Event, HostResult, HostWorking, Outcome, PlayStarted, Recap

_COMPONENT_ACTION = "promontory.stack.component"


@dataclass
class HostProgress:
    """One host's place in the run."""

    components: Sequence[str] = ()
    working_on: str = ""             # component, or the task's name outside components
    done: list[str] = field(default_factory=list)
    changed: int = 0
    failed: str = ""                 # the first thing that went wrong

    @property
    def left(self) -> list[str]:
        """Components that are still to come, in order."""
        return [name for name in self.components if name not in self.done]


@dataclass
class Progress:
    """The state of one playbook run.

    Attributes:
        phases: Names of the plays still to come and gone, as far as they are known beforehand.
        phase: The play under way.
        finished: Phases that are over, with seconds and changed tasks.
    """

    phases: Sequence[str]
    hosts: dict[str, HostProgress]
    clock: Callable[[], float] = time.monotonic
    phase: str = ""
    finished: list[tuple[str, float, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Start the clocks."""
        self.started = self._phase_started = self.clock()
        self._phase_changed = 0

    @property
    def elapsed_s(self) -> float:
        """Seconds since the run began."""
        return self.clock() - self.started

    @property
    def phases_left(self) -> list[str]:
        """Phases after the one under way; empty when the plays are not known."""
        gone = [name for name, _, _ in self.finished]
        if self.phase in self.phases:
            return list(self.phases[self.phases.index(self.phase) + 1 :])
        return [name for name in self.phases if name not in gone]

    @property
    def position(self) -> str:
        """`2 of 4`, or empty when it is not known."""
        if self.phase not in self.phases:
            return ""
        return f"{self.phases.index(self.phase) + 1} of {len(self.phases)}"

    def apply(self, event: Event) -> None:
        """Take the next event into account."""
        match event:
            case PlayStarted(play=play):
                self._close_phase()
                self.phase = play
            case HostWorking(host=host, component=component, task=task):
                self._host(host).working_on = component or task
            case HostResult():
                self._take_result(event)
            case Recap():
                self._close_phase()

    def _take_result(self, result: HostResult) -> None:
        host = self._host(result.host)
        if result.outcome is Outcome.CHANGED:
            host.changed += 1
            self._phase_changed += 1
        if result.outcome in (Outcome.FAILED, Outcome.UNREACHABLE):
            host.failed = host.failed or (result.component or result.task)
        elif result.action == _COMPONENT_ACTION and not result.is_preflight and result.component in host.left:
            host.done.append(result.component)

    def _host(self, name: str) -> HostProgress:
        return self.hosts.setdefault(name, HostProgress())

    def _close_phase(self) -> None:
        if self.phase:
            self.finished.append((self.phase, self.clock() - self._phase_started, self._phase_changed))
        self.phase, self._phase_started, self._phase_changed = "", self.clock(), 0


def expect(components: Mapping[str, Sequence[str]], phases: Sequence[str]) -> Progress:
    """Begin a Progress from what is known beforehand: components by host, names of plays."""
    return Progress(phases=phases, hosts={host: HostProgress(components=names) for host, names in components.items()})


def play_names(playbook: Path, *, skip_tags: Sequence[str] = ()) -> list[str]:
    """List the plays of a playbook in order, those of imported playbooks included.

    Plays and imports that carry one of `skip_tags` are left out, as ansible-playbook leaves their tasks out.
    """
    names: list[str] = []
    for play in yaml.safe_load(playbook.read_text(encoding="utf-8")) or []:
        tags = play.get("tags") or []
        if set([tags] if isinstance(tags, str) else tags) & set(skip_tags):
            continue
        imported = play.get("ansible.builtin.import_playbook") or play.get("import_playbook")
        if imported:
            names += play_names(playbook.parent / imported, skip_tags=skip_tags)
        else:
            names.append(str(play.get("name") or play.get("hosts") or ""))
    return names
