"""What a run would change, host by host, from a run in check mode."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.text import Text

from promontory.events import HostResult
from promontory.inventory import Inventory
from promontory.runner import Run

_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


@dataclass(frozen=True)
class Change:
    """One task that would change a host."""

    task: str
    component: str
    diff: str


@dataclass(frozen=True)
class Plan:
    """What would happen.

    Attributes:
        changes: By host, in the order of the run; hosts without a change have an empty list.
        hosts_to_make: Lab hosts that do not exist yet.
        components: By host to make: what would be provisioned on it.
    """

    changes: Mapping[str, Sequence[Change]]
    hosts_to_make: Sequence[str]
    components: Mapping[str, Sequence[str]]

    @property
    def is_empty(self) -> bool:
        """Whether a run would change nothing."""
        return not self.hosts_to_make and not any(self.changes.values())

    def as_json(self) -> dict[str, Any]:
        """The plan as plain data; see docs/reference/cli-json.md."""
        return {
            "hosts_to_make": [{"name": host, "components": list(self.components[host])} for host in self.hosts_to_make],
            "hosts": [
                {
                    "name": host,
                    "changes": [
                        {"task": change.task, "component": change.component, "diff": change.diff} for change in changes
                    ],
                }
                for host, changes in self.changes.items()
            ],
        }


def make_plan(inventory: Inventory, run: Run | None, missing: Sequence[str] = ()) -> Plan:
    """Sort the changes of a check run by host; `run` is None when no host exists to ask."""
    results: Sequence[HostResult] = run.changes if run else ()
    reached = [host for host in (run.counts if run else ()) if host in inventory.hosts]
    return Plan(
        changes={
            host: [
                Change(task=result.task, component=result.component, diff=result.diff)
                for result in results
                if result.host == host and not result.is_preflight   # what the controller notes down is no change of a host
            ]
            for host in reached
        },
        hosts_to_make=list(missing),
        components={host: list(inventory.components.get(host, ())) for host in missing},
    )


def print_plan(console: Console, plan: Plan) -> None:
    """Print the plan for people: a heading for each host, a line for each change and its diff below."""
    for host in plan.hosts_to_make:
        names = ", ".join(plan.components[host]) or "no component"
        console.print(Text(f"{host}: does not exist yet; would be made, then provisioned with {names}", style="bold"))
    for host, changes in plan.changes.items():
        count = f"{len(changes)} change{'s' if len(changes) != 1 else ''}" if changes else "nothing would change"
        console.print(Text(f"{host}: {count}", style="bold"))
        for change in changes:
            where = f"{change.component}: " if change.component else ""
            console.print(Text(f"  {where}{change.task}", style="yellow"))
            for line in change.diff.splitlines():
                console.print(Text(f"    {line}", style=_COLOURS.get(line[:1], "dim")), soft_wrap=True)
    if plan.is_empty:
        console.print("Everything is as declared; a run would change nothing.")
