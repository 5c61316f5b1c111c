"""Options that several commands share, and the frame every command runs in."""

from __future__ import annotations

import functools
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, Concatenate, ParamSpec

import click

from promontory.errors import Interrupted, StackError
from promontory.session import Session

P = ParamSpec("P")


def stack_command(
    *, runs_playbooks: bool = True
) -> Callable[[Callable[Concatenate[Session, P], None]], Callable[..., None]]:
    """Make a function a command: give it a Session, turn errors into messages and exit codes.

    Args:
        runs_playbooks: Whether -e, --limit and --vault-password-file make sense.
    """

    def decorate(function: Callable[Concatenate[Session, P], None]) -> Callable[..., None]:
        @functools.wraps(function)
        def command(
            inventory: str | None, as_json: bool, *args: P.args, **kwargs: P.kwargs
        ) -> None:
            context = click.get_current_context()
            options: dict[str, Any] = kwargs
            session = Session(
                command=context.command_path.partition(" ")[2],
                inventory_option=inventory,
                as_json=as_json,
                extra_vars_option=options.pop("extra_vars", ()),
                limit=options.pop("limit", None),
                vault_password_file=options.pop("vault_password_file", None),
            )
            error: StackError | None = None
            signal.signal(signal.SIGTERM, _as_interrupt)
            signal.signal(signal.SIGHUP, _as_interrupt)
            try:
                function(session, *args, **kwargs)
            except StackError as problem:
                error = problem
            except KeyboardInterrupt:
                error = Interrupted("Stopped.", hint="The next run repairs what is half done.")
            sys.stderr.flush()
            context.exit(session.finish(error))

        wrapped: Callable[..., None] = command
        if runs_playbooks:
            wrapped = click.option(
                "--vault-password-file", type=click.Path(exists=True, dir_okay=False), help="For encrypted variables."
            )(wrapped)
            wrapped = click.option("-l", "--limit", metavar="HOSTS", help="Only these hosts or groups.")(wrapped)
            wrapped = click.option(
                "-e", "extra_vars", multiple=True, metavar="NAME=VALUE", help="A variable that wins over all others."
            )(wrapped)
        wrapped = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")(wrapped)
        return click.option(
            "-i", "--inventory", metavar="PATH", help="Inventory directory or file.  [default: inventories/lab]"
        )(wrapped)

    return decorate


def _as_interrupt(number: int, frame: FrameType | None) -> None:
    """Treat a termination signal as Ctrl-C, so that children are ended and faults are cleared."""
    raise KeyboardInterrupt
