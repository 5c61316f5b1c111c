"""Ansible's events as types: what ansible-runner reports about a run, reduced to what we act on."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

MESSAGE_LIMIT = 2000   # characters of a failure shown; the rest of a wall of text helps nobody


class Outcome(StrEnum):
    """How one task ended on one host."""

    OK = "ok"
    CHANGED = "changed"
    SKIPPED = "skipped"
    FAILED = "failed"
    IGNORED = "ignored"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True)
class PlayStarted:
    """A play begins; its name is the phase shown to the user."""

    play: str


@dataclass(frozen=True)
class TaskStarted:
    """A task begins; `component` is the program it is about, or empty."""

    play: str
    task: str
    component: str


@dataclass(frozen=True)
class HostWorking:
    """A host begins a task."""

    play: str
    task: str
    host: str
    component: str


@dataclass(frozen=True)
class HostResult:
    """A task ended on a host.

    Attributes:
        action: Full name of the module or action, such as promontory.stack.component.
        message: What the module said, at most MESSAGE_LIMIT characters; of use when the outcome is bad.
        diff: Unified diff, or empty.
        duration_s: Seconds, 0 when unknown.
    """

    play: str
    task: str
    host: str
    action: str
    component: str
    outcome: Outcome
    message: str = ""
    diff: str = ""
    duration_s: float = 0.0
    task_path: str = ""       # file:line where the task stands
    phase: str = ""           # "preflight" when a component was only judged

    @property
    def is_preflight(self) -> bool:
        """Whether the task judges the input, before anything is changed."""
        return (
            self.phase == "preflight"
            or self.action.endswith((".preflight", ".topology"))
            or "/preflight.yml:" in self.task_path
        )

    @property
    def is_verification(self) -> bool:
        """Whether the task judges the running stack, after everything has been provisioned."""
        return self.action.endswith((".report", ".verify"))


@dataclass(frozen=True)
class Recap:
    """Ansible's own closing count, by host: ok, changed, failures, unreachable, skipped, ignored, …"""

    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Notice:
    """A line that belongs to no task: a syntax error, a warning."""

    text: str


Event = PlayStarted | TaskStarted | HostWorking | HostResult | Recap | Notice

_RESULTS = {"runner_on_ok", "runner_on_failed", "runner_on_skipped", "runner_on_unreachable"}
_NOTICES = {"error", "verbose", "warning"}


def from_runner(raw: Mapping[str, Any]) -> Event | None:
    """Translate one event of ansible-runner; None for those that tell the user nothing."""
    kind = str(raw.get("event", ""))
    body: Mapping[str, Any] = raw.get("event_data") or {}
    play, task, host = (str(body.get(key) or "") for key in ("play", "task", "host"))
    if kind == "playbook_on_play_start":
        return PlayStarted(play=str(body.get("name") or play))
    if kind == "playbook_on_task_start":
        return TaskStarted(play=play, task=task, component=_component(body))
    if kind == "runner_on_start":
        return HostWorking(play=play, task=task, host=host, component=_component(body))
    if kind in _RESULTS:
        result: Mapping[str, Any] = body.get("res") or {}
        return HostResult(
            play=play, task=task, host=host,
            action=str(body.get("resolved_action") or body.get("task_action") or ""),
            component=_component(body),
            outcome=_outcome(kind, body, result),
            message=_message(result)[:MESSAGE_LIMIT],
            diff=unified_diff(result.get("diff")) or "".join(
                unified_diff(part.get("diff")) for part in _items(result)
            ),
            duration_s=float(body.get("duration") or 0.0),
            task_path=str(body.get("task_path") or ""),
            phase=str(result.get("phase") or ""),
        )
    if kind == "playbook_on_stats":
        return Recap(counts=_counts(body))
    text = str(raw.get("stdout") or "").strip()
    return Notice(text) if kind in _NOTICES and text else None


def unified_diff(diff: object) -> str:
    """Render a module's `diff` (one mapping or several) as a unified diff; empty when nothing differs."""
    parts = diff if isinstance(diff, list) else [diff]
    return "".join(_one_diff(part) for part in parts if isinstance(part, Mapping))


def _one_diff(part: Mapping[str, Any]) -> str:
    if prepared := part.get("prepared"):
        return str(prepared).rstrip("\n") + "\n"
    before, after = part.get("before"), part.get("after")
    if before is None and after is None:
        return ""
    lines = difflib.unified_diff(
        _lines(before), _lines(after),
        fromfile=str(part.get("before_header") or "before"), tofile=str(part.get("after_header") or "after"),
    )
    return "".join(line if line.endswith("\n") else line + "\n" for line in lines)


def _lines(value: object) -> Sequence[str]:
    if isinstance(value, Mapping):   # modules such as file report attributes
        return [f"{key}: {value[key]}\n" for key in sorted(value)]
    return str(value or "").splitlines(keepends=True)


def _component(body: Mapping[str, Any]) -> str:
    """Name the program a task is about: the last part of its role's name."""
    role = str(body.get("role") or "")
    return role.rsplit(".", 1)[-1]


def _outcome(kind: str, body: Mapping[str, Any], result: Mapping[str, Any]) -> Outcome:
    if kind == "runner_on_unreachable":
        return Outcome.UNREACHABLE
    if kind == "runner_on_skipped":
        return Outcome.SKIPPED
    if kind == "runner_on_failed":
        return Outcome.IGNORED if body.get("ignore_errors") else Outcome.FAILED
    return Outcome.CHANGED if result.get("changed") else Outcome.OK


def _items(result: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    items = result.get("results")
    return [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []


def _message(result: Mapping[str, Any]) -> str:
    """Pick what a person needs from a result: the message, then what the program itself said."""
    failed_items = [_message(item) for item in _items(result) if item.get("failed")]
    if failed_items:
        return "\n".join(failed_items)
    said = [str(result[key]).strip() for key in ("msg", "stderr", "module_stderr") if result.get(key)]
    distinct = [text for place, text in enumerate(said) if text and text not in said[:place]]
    return "\n".join(distinct) or str(result.get("censored") or result.get("exception") or "")


def _counts(body: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for key in ("ok", "changed", "failures", "dark", "skipped", "ignored", "rescued"):
        for host, number in (body.get(key) or {}).items():
            counts.setdefault(host, {})["unreachable" if key == "dark" else key] = int(number)
    return counts
