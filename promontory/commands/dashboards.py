"""`promontory dashboards`: build, check, compare, upload and draw the dashboards."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import requests

from promontory.commands.options import stack_command
from promontory.commands.render import render
from promontory.dashboards import v2
from promontory.dashboards.build import Collection, build, write
from promontory.dashboards.check import check_all
from promontory.dashboards.diff import differences
from promontory.dashboards.problems import DashboardsRefused
from promontory.dashboards.roundtrip import losses, sdk_is_there
from promontory.dashboards.server import Grafana
from promontory.errors import Drifted, UsageError
from promontory.session import Session
from promontory.stack import load_stack, read_secret

FOLDER = ("promontory", "Promontory")   # uid and title of the folder in Grafana
_RESOURCES = "build/dashboards"

_own = click.option(
    "-f", "--folder", "own", multiple=True, type=click.Path(path_type=Path, file_okay=False),
    help="A folder of your own modules, beside the project's; its JSON is written to json/ in it.",
)  # fmt: skip
_url = click.option("--url", metavar="URL", help="Grafana's address.  [default: that of the provisioned stack]")
_token = click.option(
    "--token-file", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Token of a service account."
)


@click.group()
def dashboards() -> None:
    """Build, check, compare, upload and draw the dashboards.

    They are Python modules, one for each dashboard; docs/how-to/add-a-dashboard.md walks through one.
    """


dashboards.add_command(render)


@dashboards.command("build")
@_own
@click.option("--check", "compare", is_flag=True, help="Write nothing; fail when a file is not what a build gives.")
@click.option(
    "--v2", "version", type=click.Choice(v2.VERSIONS), is_flag=False, flag_value=v2.VERSIONS[0],
    help="Write resources of Grafana's v2 model instead, of the version v2beta1 (Grafana 12.4, 13) or v2 (13).",
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, file_okay=False),
    help="Where the resources go.  [default: build/dashboards]",
)
@stack_command(runs_playbooks=False)
def dashboards_build(
    session: Session, own: tuple[Path, ...], compare: bool, version: str | None, output: Path | None
) -> None:
    """Write the JSON of all dashboards, and the index of alerts and their panels.

    With --v2 no committed file is touched: the resources are for Grafana's resource API.
    """
    if output is not None and version is None:
        raise UsageError("-o is for --v2 only.", hint="The classic files have one place each: dashboards/json, and json in your folders.")
    collection = build(session.project, own)
    files = v2.files(collection, output or session.project.root / _RESOURCES, version) if version else collection.files()
    if compare:
        stale = [path for path, text in files.items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
        session.document["stale"] = [_short(session, path) for path in stale]
        if stale:
            names = ", ".join(_short(session, path) for path in stale)
            hint = "Run it again without --check." if version else "Run `promontory dashboards build` and commit."
            raise UsageError(f"Not what a build gives: {names}.", hint=hint)
        session.out.print(f"{len(files)} files are up to date.", highlight=False)
        return
    changed = write(files, prune=version is None)
    session.document["changed"] = [_short(session, path) for path in changed]
    for path in changed:
        session.out.print(f"{'wrote' if path.exists() else 'removed'} {_short(session, path)}", highlight=False)
    session.out.print(f"{len(files)} files, {len(changed)} changed.", highlight=False)


@dashboards.command("check")
@_own
@stack_command(runs_playbooks=False)
def dashboards_check(session: Session, own: tuple[Path, ...]) -> None:
    """Judge every query against the metrics that exist, and every dashboard by the rules of good ones."""
    collection = build(session.project, own)
    problems = check_all(collection)
    unknown: list[str] = []
    if sdk_is_there():
        unknown = [f"{board.uid}: {path}" for _, board in collection.boards for path in losses(board.body)]
    counts = _counts(collection)
    session.document.update(counts, problems=[str(problem) for problem in problems], unknown_fields=unknown)
    session.out.print(
        f"{counts['dashboards']} dashboards, {counts['panels']} panels, {counts['queries']} queries, "
        f"{counts['alerts']} alerts with a panel.", highlight=False,
    )  # fmt: skip
    if not sdk_is_there():
        session.err.print("The Grafana Foundation SDK is not installed: fields were not compared with its schema.")
    if problems:
        raise DashboardsRefused(problems)
    if unknown:
        raise UsageError("Fields that Grafana's schema does not know:\n  " + "\n  ".join(unknown))


@dashboards.command("diff")
@_own
@click.option("--against", default="HEAD", show_default=True, metavar="REVISION", help="A revision of git.")
@click.option("--grafana", "live", is_flag=True, help="Compare with the running Grafana instead.")
@_url
@_token
@stack_command(runs_playbooks=False)
def dashboards_diff(
    session: Session, own: tuple[Path, ...], against: str, live: bool, url: str | None, token_file: Path | None
) -> None:
    """Say in words what the modules change, compared with git or with a running Grafana.

    With --grafana the exit code is 3 when they differ.
    """
    collection = build(session.project, own)
    grafana = _grafana(session, url, token_file) if live or url else None
    told: dict[str, list[str]] = {}
    for folder, board in collection.boards:
        if grafana is not None:
            found = grafana.dashboard(board.uid)
            before = found.body if found else None
        else:
            before = _committed(session.project.root, folder.json / f"{board.uid}.json", against)
        if changes := differences(before, board.body):
            told[board.uid] = changes
    session.document["differences"] = told
    for uid, changes in told.items():
        session.out.print(uid, style="bold", highlight=False)
        for change in changes:
            session.out.print(f"  {change}", markup=False, highlight=False, soft_wrap=True)
    if not told:
        session.out.print("No differences.", highlight=False)
    elif grafana is not None:
        raise Drifted(f"{len(told)} dashboards differ from those in Grafana.")


@dashboards.command("push")
@_own
@click.option("--overwrite", is_flag=True, help="Also where somebody edited a dashboard in Grafana.")
@_url
@_token
@stack_command(runs_playbooks=False)
def dashboards_push(
    session: Session, own: tuple[Path, ...], overwrite: bool, url: str | None, token_file: Path | None
) -> None:
    """Upload all dashboards through Grafana's API; what is equal stays untouched."""
    collection = build(session.project, own)
    grafana = _grafana(session, url, token_file)
    grafana.folder(*FOLDER)
    session.document["pushed"] = {}
    for _, board in collection.boards:
        pushed = grafana.push(board.body, folder=FOLDER[0], overwrite=overwrite)
        session.document["pushed"][board.uid] = {"state": pushed.state, "changes": list(pushed.changes)}
        session.out.print(f"{pushed.state} {board.uid}", highlight=False)


def _grafana(session: Session, url: str | None, token_file: Path | None) -> Grafana:
    http = requests.Session()
    if url is None:
        stack = load_stack(session.project)
        access = stack.door("grafana")
        http.trust_env = False
        if token_file is None:
            http.auth = ("admin", stack.secret("grafana_admin_password"))
        url = access.url
    if token_file is not None:
        http.headers["Authorization"] = f"Bearer {read_secret(token_file)}"
    return Grafana(url, http)


def _committed(root: Path, path: Path, revision: str) -> Mapping[str, Any] | None:
    """Return a committed dashboard, or None when that revision has none."""
    here = path.parent if path.parent.is_dir() else root
    known = subprocess.run(["git", "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}"], cwd=here,
                           capture_output=True, text=True, check=False)  # fmt: skip
    if known.returncode != 0:
        raise UsageError(f"git knows no revision {revision!r} here: {here}.", hint="Name a commit, tag or branch with --against.")
    shown = subprocess.run(["git", "show", f"{revision}:./{path.name}"], cwd=here, capture_output=True, text=True, check=False)
    if shown.returncode != 0:
        return None
    loaded: Mapping[str, Any] = json.loads(shown.stdout)
    return loaded


def _counts(collection: Collection) -> dict[str, int]:
    boards = [board for _, board in collection.boards]
    return {
        "dashboards": len(boards),
        "panels": sum(len(board.panels) for board in boards),
        "queries": sum(len(panel.queries) for board in boards for panel in board.panels),
        "alerts": len({name for board in boards for panel in board.panels for name in panel.alerts}),
    }


def _short(session: Session, path: Path) -> str:
    root = session.project.root
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
