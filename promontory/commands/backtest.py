"""`promontory alerts backtest`: alerting rules over the past of the running Prometheus."""

from __future__ import annotations

import difflib
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from ansible_collections.promontory.stack.plugins.plugin_utils.alertmanager.errors import AlertmanagerError
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from promontory import times
from promontory.backtest import picture, variants
from promontory.backtest.history import MAX_POINTS, Past, Rule, Span, deployed_routes
from promontory.backtest.study import Finding, study, where
from promontory.commands.options import stack_command
from promontory.errors import StackError, UsageError
from promontory.session import Session
from promontory.stack import load_stack

_MAX_RULES_DRAWN = 12
_EPILOG = """\
\b
Examples:
  promontory alerts backtest HostDiskFillsUp --from 7d
  promontory alerts backtest HostCpuSaturated --from 2d --set host_cpu_used_ratio=0.8
  promontory alerts backtest --rules new.yml --from 2026-11-01 --to 2026-11-08 --picture week.html
"""


@click.command(epilog=_EPILOG)
@click.argument("rules", nargs=-1, metavar="[RULE]...")
@click.option("--from", "start", default="24h", show_default=True, help="A duration ago (7d) or a time (2026-11-01T08:00Z).")
@click.option("--to", "end", default="now", show_default=True, help="As --from.")
@click.option("--set", "settings", multiple=True, metavar="NAME=NUMBER", help="Try another threshold beside what is deployed.")
@click.option(
    "--rules", "rule_file", type=click.Path(path_type=Path), metavar="FILE", help="Try the rules of a file that is not deployed."
)
@click.option("--step", default="", metavar="DURATION", help="Between two evaluations.  [default: the rule's own, coarser when long]")
@click.option(
    "--picture", "picture_path", type=click.Path(path_type=Path), metavar="FILE",
    help="A .png, .svg or .html.  [default: build/backtest.html]",
)  # fmt: skip
@stack_command(runs_playbooks=False)
def backtest(
    session: Session,
    rules: tuple[str, ...],
    start: str,
    end: str,
    settings: tuple[str, ...],
    rule_file: Path | None,
    step: str,
    picture_path: Path | None,
) -> None:
    """Tell when rules would have fired, for how long, and how many mails the routes would have sent.

    Evaluates the deployed rules (all, or those named) over the values that the running Prometheus still has; with --set
    or --rules, what is tried stands beside what is deployed. Nothing is changed and nobody is mailed. Inhibition and
    silences are left out of the count.
    """
    stack = load_stack(session.project)
    past = Past(stack.door("prometheus"))
    begun, ended = times.span(start, end, time.time())
    path = picture_path or session.project.build / "backtest.html"
    if path.suffix not in picture.SUFFIXES:
        raise UsageError(f"--picture {path}: the name must end in {', '.join(picture.SUFFIXES)}.")
    chosen = _choose(past.rules(), rules, settings, rule_file, session.project.root / "rules")
    oldest = past.first_sample()
    if oldest > begun:
        session.err.print(f"Prometheus has values since {_said(oldest)} only; it starts there.", highlight=False)
        begun = min(max(begun, oldest), ended - 1)
    span = Span(begun, ended, _step(step, chosen, begun, ended))
    routes = deployed_routes(stack.door("alertmanager"))
    try:
        findings = _run(session, past, chosen, span, routes)
    except AlertmanagerError as error:
        raise StackError(f"The routes of the running Alertmanager cannot be read: {error}") from error
    session.document["backtest"] = _as_json(findings, span, path)
    _print(session, findings, span)
    telling = [finding for finding in findings if len(findings) <= _MAX_RULES_DRAWN or finding.firings or finding.near]
    if telling:
        picture.draw(telling[:_MAX_RULES_DRAWN], span, path)
        session.out.print(f"Picture: {path}", highlight=False, soft_wrap=True)


def _choose(
    deployed: Sequence[Rule], names: Sequence[str], settings: Sequence[str], rule_file: Path | None, rules_dir: Path
) -> list[Rule]:
    tried: list[Rule] = []
    if settings:
        tried += variants.with_thresholds(rules_dir, variants.parse_settings(settings), deployed)
    if rule_file is not None:
        tried += variants.from_file(rule_file)
    known = [rule.name for rule in (*deployed, *tried)]
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3)
            hint = f"Did you mean {' or '.join(near)}?" if near else "docs/reference/alerts.md lists them."
            raise UsageError(f"There is no alert {name}.", hint=hint)
    wanted = set(names) or {rule.name for rule in tried or deployed}
    found = [rule for rule in (*deployed, *tried) if rule.name in wanted]
    twice = {rule.name for rule in found if sum(rule.name == other.name and rule.variant == other.variant for other in found) > 1}
    # Thresholds that differ by host make several rules of one alert.
    counts: dict[str, int] = {}
    numbered = []
    for rule in found:
        if rule.name in twice and rule.variant == "deployed":
            counts[rule.name] = counts.get(rule.name, 0) + 1
            rule = replace(rule, variant=f"deployed {counts[rule.name]}")
        numbered.append(rule)
    return sorted(numbered, key=lambda rule: [known.index(rule.name), rule.variant != "deployed"])


def _step(told: str, rules: Sequence[Rule], begun: float, ended: float) -> float:
    if told:
        if not times.DURATION.fullmatch(told):
            raise UsageError(f"--step {told} is no duration such as 15s.")
        return max(times.seconds(told), 1.0)
    finest = min((rule.interval_s for rule in rules), default=15.0)
    return float(max(finest, -(-(ended - begun) // MAX_POINTS)))


def _run(session: Session, past: Past, rules: Sequence[Rule], span: Span, routes: dict[str, Any]) -> list[Finding]:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:3.0f} %"), TimeRemainingColumn())
    with Progress(*columns, console=session.err, transient=True) as bar:
        task = bar.add_task("Asking Prometheus", total=len(rules))
        done = 0

        def progress(rule: Rule, share: float) -> None:
            nonlocal done
            bar.update(task, description=escape(rule.name), completed=done + share)
            done += share == 1.0

        return study(past, rules, span, routes, with_curves=len(rules) <= _MAX_RULES_DRAWN, progress=progress)


def _print(session: Session, findings: Sequence[Finding], span: Span) -> None:
    title = f"{_said(span.start)} to {_said(span.end)}, every {times.spoken(span.step_s)}"
    table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
    for column in ("alert", "rule", "fired", "in all", "longest", "nearly", "mails"):
        table.add_column(column, justify="left" if column in ("alert", "rule") else "right", overflow="fold")
    for finding in findings:
        lasted = [one.seconds(span.end) for one in finding.firings]
        table.add_row(
            escape(finding.rule.name), escape(finding.rule.variant), str(len(lasted)), times.spoken(sum(lasted)) if lasted else "-",
            times.spoken(max(lasted)) if lasted else "-", str(len(finding.near)), str(len(finding.mails)),
        )  # fmt: skip
    session.out.print(table)
    coarse = sorted({finding.rule.name for finding in findings if finding.rule.interval_s < span.step_s})
    if coarse:
        session.err.print(
            f"Looked at every {times.spoken(span.step_s)}, Prometheus does more often: shorter firings may be missing. "
            "A shorter time or --step shows them.",
            highlight=False,
        )


def _as_json(findings: Sequence[Finding], span: Span, path: Path) -> dict[str, Any]:
    return {
        "from": _said(span.start),
        "to": _said(span.end),
        "step_s": span.step_s,
        "picture": str(path),
        "rules": [
            {
                "alert": finding.rule.name,
                "variant": finding.rule.variant,
                "expr": finding.rule.expr,
                "fired": len(finding.firings),
                "firing_s": round(finding.firing_s(span.end), 1),
                "nearly": len(finding.near),
                "mails": len(finding.mails),
                "notifications": len(finding.notifications),
                "firings": [
                    {
                        "where": where(one.labels),
                        "labels": dict(one.labels),
                        "pending_at": _said(one.pending_at),
                        "fired_at": _said(one.fired_at),
                        "ended_at": _said(one.ended_at) if one.ended_at is not None else None,
                        "seconds": round(one.seconds(span.end), 1),
                    }
                    for one in finding.firings
                ],
            }
            for finding in findings
        ],
    }


def _said(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

