"""One invocation of the command line: project, consoles, options, and the playbooks run so far."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from promontory import report
from promontory.display import make_display
from promontory.errors import StackError
from promontory.inventory import Inventory, read_inventory
from promontory.progress import expect, play_names
from promontory.project import Project, find_project
from promontory.runner import Run, parse_extra_vars, require_success, run_playbook
from promontory.sources import Missing, missing_grafana

_PIPED_WIDTH = 160   # columns of a table that goes to a file or a pipe


@dataclass
class Session:
    """What every command needs.

    Attributes:
        command: As typed, such as `lab up`.
        as_json: Print one JSON document on standard output instead of tables.
        document: What the command adds to that document.
    """

    command: str
    inventory_option: str | None = None
    as_json: bool = False
    extra_vars_option: Sequence[str] = ()
    limit: str | None = None
    vault_password_file: str | None = None
    document: dict[str, Any] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Open the consoles and start the clock."""
        self.started_at = time.time()
        self.out = Console(quiet=self.as_json)
        if not self.out.is_terminal:
            self.out = Console(quiet=self.as_json, width=_PIPED_WIDTH)
        self.err = Console(stderr=True)

    @cached_property
    def project(self) -> Project:
        """The clone and inventory this invocation is about."""
        return find_project(self.inventory_option)

    @cached_property
    def inventory(self) -> Inventory:
        """The inventory, read once."""
        return read_inventory(self.project, self._vault_arguments)

    @cached_property
    def extra_vars(self) -> dict[str, Any]:
        """Variables given with -e."""
        return self._parsed_extra_vars[0]

    @cached_property
    def missing(self) -> list[Missing]:
        """What a lab has to do without, because no source of it is reachable; asked once."""
        found = missing_grafana(self.project, self.inventory, self.extra_vars)
        return [found] if found else []

    def _without(self) -> dict[str, Any]:
        """The variable that leaves out what is missing, beside what was left out with -e."""
        told = self.extra_vars.get("stack_without") or []
        names = [*told, *(missing.component for missing in self.missing)]
        return {"stack_without": names} if self.missing else {}

    @cached_property
    def _parsed_extra_vars(self) -> tuple[dict[str, Any], list[str]]:
        return parse_extra_vars(self.extra_vars_option)

    @property
    def _vault_arguments(self) -> list[str]:
        if self.vault_password_file is None:
            return []
        return ["--vault-password-file", str(Path(self.vault_password_file).absolute())]

    def play(
        self,
        playbook: str,
        title: str,
        *,
        extra_vars: Mapping[str, Any] | None = None,
        arguments: Sequence[str] = (),
        skip_tags: Sequence[str] = (),
        components: Mapping[str, Sequence[str]] | None = None,
    ) -> Run:
        """Run a playbook with live progress and print its failures.

        Args:
            title: Shown until the first play begins.
            components: By host, for counting what is left; empty when the playbook provisions none.
        Returns:
            The run; pass it to `require`, or judge it otherwise.
        """
        without = self._without() if playbook != "lab" else {}
        components = _left(components or {}, without.get("stack_without", ()))
        progress = expect(components, play_names(self.project.playbook(playbook), skip_tags=skip_tags))
        all_arguments = [*self._vault_arguments, *self._parsed_extra_vars[1], *arguments]
        if self.limit and playbook != "lab":
            all_arguments += ["--limit", self.limit]
        if skip_tags:
            all_arguments += ["--skip-tags", ",".join(skip_tags)]
        with make_display(self.err, title, progress) as display:
            run = run_playbook(
                self.project, playbook, extra_vars={**self.extra_vars, **without, **(extra_vars or {})},
                arguments=all_arguments, on_event=display.show,
            )
        self.runs.append(run)
        if not run.ok:
            report.print_failures(self.err, run)
        return run

    def require(self, run: Run) -> None:
        """Raise the fitting error unless every host was finished; see runner.require_success."""
        again = f"ansible-playbook -i {self.project.inventory_name} playbooks/{run.playbook}.yml"
        where = f" -l {','.join(run.failed_hosts)}" if run.failed_hosts else ""
        require_success(run, hint=f"Mend it and run the same command again; in full detail: {again}{where} -v")

    def finish(self, error: StackError | None) -> int:
        """Print the error and, when asked for, the JSON document; return the exit code."""
        exit_code = error.exit_code if error else 0
        if error:
            report.print_error(self.err, error)
        if self.as_json:
            document = {
                "command": self.command,
                "ok": error is None,
                "exit_code": exit_code,
                "error": {"message": str(error), "hint": error.hint} if error else None,
                "duration_s": round(time.time() - self.started_at, 1),
                "runs": [report.run_as_json(run) for run in self.runs],
                **self.document,
            }

            click.echo(json.dumps(document, indent=2, ensure_ascii=False))
        return exit_code


def _left(components: Mapping[str, Sequence[str]], without: Sequence[str]) -> dict[str, list[str]]:
    """Take components away from every host's list."""
    return {host: [name for name in names if name not in without] for host, names in components.items()}
