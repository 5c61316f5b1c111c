"""Progress on standard error: a live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from promontory.events import Event, HostResult, Notice, Outcome, PlayStarted, Recap
from promontory.progress import Progress

_BAD = (Outcome.FAILED, Outcome.UNREACHABLE)
_SHOWN_HOSTS = 12   # more would not fit a screen; the rest is counted


class Display(Protocol):
    """Something that shows a run while it goes on; used as a context manager around it."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def show(self, event: Event) -> None:
        """Take the next event."""


def make_display(console: Console, title: str, progress: Progress) -> Display:
    """Choose the display that fits the console: live where it is a terminal, else plain lines."""
    return LiveDisplay(console, title, progress) if console.is_terminal else PlainDisplay(console, title, progress)


class PlainDisplay:
    """One line for each phase, each component that changed and each failure."""

    def __init__(self, console: Console, title: str, progress: Progress) -> None:
        """Write to `console` about the run called `title`."""
        self._console = console
        self._title = title
        self._progress = progress
        self._closed = 0

    def __enter__(self) -> Self:
        self._line(f"{self._title} …")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._line(f"{self._title}: over")

    def show(self, event: Event) -> None:
        """Print what is worth a line."""
        self._progress.apply(event)
        match event:
            case PlayStarted(play=play) if self._progress.position or not self._progress.phases:
                position = f" (phase {self._progress.position})" if self._progress.position else ""
                self._line(f"{play}{position}")
            case HostResult(outcome=Outcome.CHANGED) if event.component:
                host = self._progress.hosts[event.host]
                left = f"; {len(host.left)} of {len(host.components)} components left" if host.components else ""
                self._line(f"{event.host}: {event.component}: {event.task}: changed{left}")
            case HostResult(outcome=Outcome.CHANGED):
                self._line(f"{event.host}: {event.task}: changed")
            case HostResult(outcome=outcome) if outcome in _BAD:
                self._line(f"{event.host}: {event.task}: {outcome.value.upper()}: {first_line(event.message)}")
            case Notice(text=text) if "ERROR" in text:
                self._line(text)

    def _line(self, text: str) -> None:
        self._console.print(f"[{clock(self._progress.elapsed_s)}] {text}", markup=False, highlight=False, soft_wrap=True)


class LiveDisplay:
    """A table of hosts that is redrawn, with a line left behind for each finished phase."""

    def __init__(self, console: Console, title: str, progress: Progress) -> None:
        """Draw on `console` about the run called `title`."""
        self._console = console
        self._title = title
        self._progress = progress
        self._spinner = Spinner("dots")
        self._printed = 0
        self._live = Live(console=console, refresh_per_second=8, transient=True, get_renderable=self._table)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def show(self, event: Event) -> None:
        """Take the event into the table; failures and finished phases get a lasting line."""
        self._progress.apply(event)
        for name, seconds, changed in self._progress.finished[self._printed :]:
            count = f"  {changed} changed" if changed else ""
            self._console.print(f"[green]✓[/] {escape(name)} [dim]{seconds:.0f} s{count}[/]", highlight=False)
        self._printed = len(self._progress.finished)
        match event:
            case HostResult(outcome=outcome) if outcome in _BAD:
                text = f"{event.host}: {event.task}: {first_line(event.message)}"
                self._console.print(f"[red]✗[/] {escape(text)}", highlight=False)
            case Recap():
                self._live.update(Text(""))

    def _table(self) -> Table:
        progress = self._progress
        outer = Table.grid(padding=(0, 2))
        phase = f"{progress.phase or self._title}"
        position = f" · phase {progress.position}" if progress.position else ""
        left = f" · then: {', '.join(progress.phases_left)}" if progress.phases_left else ""
        self._spinner.update(text=Text(f"{phase}{position} · {clock(progress.elapsed_s)}{left}", overflow="ellipsis"))
        outer.add_row(self._spinner)
        hosts = Table.grid(padding=(0, 2))
        for name in list(progress.hosts)[:_SHOWN_HOSTS]:
            host = progress.hosts[name]
            count = f"{len(host.done)}/{len(host.components)}" if host.components else ""
            state = f"[red]failed at {escape(host.failed)}[/]" if host.failed else escape(host.working_on)
            changed = f"[yellow]{host.changed} changed[/]" if host.changed else ""
            hosts.add_row(f"  [bold]{escape(name)}[/]", count, state, changed)
        if len(progress.hosts) > _SHOWN_HOSTS:
            hosts.add_row(f"  … and {len(progress.hosts) - _SHOWN_HOSTS} more")
        outer.add_row(hosts)
        return outer


@contextmanager
def step(console: Console, text: str) -> Iterator[None]:
    """Show that one thing is being waited for."""
    if console.is_terminal:
        with console.status(escape(text)):
            yield
        return
    console.print(f"{text} …", markup=False, highlight=False, soft_wrap=True)
    yield


def clock(seconds: float) -> str:
    """Write a duration as m:ss."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def first_line(text: str) -> str:
    """The first line that says something."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "no message")
