"""`promontory dashboards render`: dashboards as pictures or pages, from a running Prometheus, without Grafana."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from promontory import times
from promontory.commands.options import stack_command
from promontory.dashboards.build import build
from promontory.dashboards.queries import Window
from promontory.dashboards.render.filled import Filled, fill
from promontory.dashboards.render.html import as_html
from promontory.dashboards.render.page import as_png
from promontory.dashboards.render.prometheus import Prometheus, by_url
from promontory.dashboards.render.theme import THEMES
from promontory.errors import UsageError
from promontory.session import Session
from promontory.stack import load_stack

_PREFIX = "promontory-"
_POINTS = 480            # of a curve; more cannot be told apart in a panel half a page wide
_EPILOG = """\
\b
Examples:
  promontory dashboards render overview
  promontory dashboards render host --var instance=db1 --from 6h --theme light
  promontory dashboards render --format html -o pages --prometheus http://localhost:9090
"""


@click.command("render", epilog=_EPILOG)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--from", "start", default="1h", show_default=True, help="A duration ago (6h) or a time (2026-11-01T08:00Z).")
@click.option("--to", "end", default="now", show_default=True, help="As --from.")
@click.option("--width", default=1400, show_default=True, type=click.IntRange(320, 4000), help="Of the page, pixels.")
@click.option("--scale", default=1.0, show_default=True, type=click.FloatRange(0.5, 3), help="Pixels of a PNG for each of the page.")
@click.option("--theme", default="dark", show_default=True, type=click.Choice(sorted(THEMES)))
@click.option("--format", "form", default="png", show_default=True, type=click.Choice(["png", "html"]))
@click.option("--var", "variables", multiple=True, metavar="NAME=VALUE", help="Choose a value of a variable; several add up.")
@click.option("--open-rows", is_flag=True, help="Draw the panels of closed rows, too.")
@click.option("--prometheus", "url", metavar="URL", help="Another Prometheus.  [default: that of the provisioned stack]")
@click.option(
    "-f", "--folder", "own", multiple=True, type=click.Path(path_type=Path, file_okay=False),
    help="A folder of your own modules, beside the project's.",
)  # fmt: skip
@click.option(
    "-o", "--output", "folder", type=click.Path(path_type=Path, file_okay=False), help="[default: build/dashboards]"
)
@stack_command(runs_playbooks=False)
def render(
    session: Session, names: tuple[str, ...], start: str, end: str, width: int, scale: float, theme: str, form: str,
    variables: tuple[str, ...], open_rows: bool, url: str | None, own: tuple[Path, ...], folder: Path | None,
) -> None:  # fmt: skip
    """Draw dashboards (all, or those named) with the values of a running Prometheus, without Grafana.

    A PNG shows one page; an HTML file is a page that needs nothing else and shows values on hover. Times are UTC.
    """
    boards = _chosen([board.body for _, board in build(session.project, own).boards], names)
    values = _values(variables, boards)
    window = _window(start, end)
    prometheus = by_url(url) if url else _of_stack(session)
    target = folder or session.project.build / "dashboards"
    session.document["dashboards"] = {}
    for board in boards:
        begun = time.monotonic()
        filled = fill(board, prometheus, window, {key: values[key] for key in values}, open_rows=open_rows)
        asked = time.monotonic()
        path = target / f"dashboard-{short_name(board['uid'])}.{form}"
        if form == "png":
            content = as_png(filled, THEMES[theme], width, open_rows=open_rows, scale=scale)
        else:
            content = as_html(filled, THEMES[theme], width, open_rows=open_rows).encode()
        _write(path, content)
        took = (asked - begun, time.monotonic() - asked)
        session.document["dashboards"][board["uid"]] = _told(filled, path, content, took)
        session.out.print(f"{path} ({len(content) / 1000:.0f} kB, {sum(took):.1f} s)", highlight=False, soft_wrap=True)
        for title, words in filled.refused:
            session.err.print(f"{board['uid']}, panel {title!r}: {words}", markup=False, highlight=False, soft_wrap=True)


def short_name(uid: str) -> str:
    """Give the name people type for a dashboard: ours without what all have in common."""
    return uid.removeprefix(_PREFIX)


def _chosen(boards: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[Mapping[str, Any]]:
    known = {short_name(board["uid"]): board for board in boards}
    found = []
    for name in names or known:
        if short_name(name) not in known:
            raise UsageError(f"There is no dashboard {name}.", hint=f"Known: {', '.join(sorted(known))}.")
        found.append(known[short_name(name)])
    return found


def _values(variables: Sequence[str], boards: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    offered = {each["name"] for board in boards for each in board["templating"]["list"] if each["type"] == "query"}
    values: dict[str, list[str]] = {}
    for given in variables:
        name, equals, value = given.partition("=")
        if not equals or not value:
            raise UsageError(f"--var {given} is not NAME=VALUE.", hint="Such as --var instance=db1.")
        if name not in offered:
            raise UsageError(f"--var {given}: there is no variable {name}.", hint=f"Known: {', '.join(sorted(offered))}.")
        values.setdefault(name, []).append(value)
    return values


def _window(start: str, end: str) -> Window:
    begun, ended = times.span(start, end, time.time())
    return Window(begun, ended, points=_POINTS)


def _of_stack(session: Session) -> Prometheus:
    access = load_stack(session.project).door("prometheus")
    return Prometheus(access.url.rstrip("/"), access.session())


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.", hint="Name another folder with -o.") from error


def _told(filled: Filled, path: Path, content: bytes, took: tuple[float, float]) -> dict[str, Any]:
    return {
        "file": str(path), "bytes": len(content), "asked_s": round(took[0], 2), "drawn_s": round(took[1], 2),
        "panels": len(filled.answers), "empty": sum(not each.series and not each.error for each in filled.answers.values()),
        "refused": [{"panel": title, "error": words} for title, words in filled.refused],
    }  # fmt: skip
