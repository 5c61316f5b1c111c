"""How drills look: as tables for people, and as plain data for scripts (docs/reference/cli-json.md)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from promontory.drills.expect import Arrival
from promontory.drills.fault import Drill as QuickDrill
from promontory.drills.frame import Drill, Outcome

_QUICK = "sample-app-errors"   # what the drill without a name does to the app


def print_catalogue(console: Console, drills: Iterable[Drill]) -> None:
    """Print what drills there are."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in ("drill", "what happens", "alert", "about", "needs"):
        table.add_column(title, overflow="fold")
    for one in drills:
        needs = ", ".join(component if count == 1 else f"{count} {component}" for component, count in one.needs.items())
        table.add_row(one.name, escape(one.purpose), one.alert or "-", _minutes(one), needs)
    console.print(table)


def print_outcome(console: Console, outcome: Outcome) -> None:
    """Print what came of each expected mail, and the mails that nobody expected."""
    table = Table(title=f"{outcome.drill.name}: broken for {outcome.broken_s:.0f} s", title_justify="left", box=None, padding=(0, 2, 0, 0))
    for title in ("", "mail", "came", "after"):
        table.add_column(title, overflow="fold", justify="right" if title == "after" else "left")
    for arrival in outcome.arrivals:
        after = "-" if arrival.after_s is None else f"{arrival.after_s:.0f} s"
        table.add_row("[green]ok[/]" if arrival.ok else "[red]MISS[/]", escape(str(arrival.expected)), _how_often(arrival), after)
    for mail in outcome.others:
        table.add_row("[red]MISS[/]", escape(mail.subject), "not expected", "-")
    for alert in outcome.still_open:
        table.add_row("[red]MISS[/]", alert, "is not over yet", "-")
    for mail in outcome.accompanied:
        table.add_row("[dim]along[/]", escape(mail.subject), "may come along", "-")
    for mail in outcome.retold:
        table.add_row("[dim]again[/]", escape(mail.subject), "told once more beside an older end", "-")
    console.print(table)


def catalogue_as_json(drills: Iterable[Drill]) -> list[dict[str, Any]]:
    """The drills as plain data."""
    return [
        {
            "name": one.name, "purpose": one.purpose, "alert": one.alert or None, "about_s": one.about_s or None,
            "needs": dict(one.needs), "companions": sorted(one.companions),
        }
        for one in drills
    ]  # fmt: skip


def outcome_as_json(outcome: Outcome) -> dict[str, Any]:
    """A drill with its end as plain data."""
    return {
        "name": outcome.drill.name,
        "alert": outcome.drill.alert or None,
        "ok": outcome.ok,
        "broken_s": round(outcome.broken_s, 1),
        "mails": [
            {
                "alert": arrival.expected.alert,
                "where": arrival.expected.where,
                "state": arrival.expected.state,
                "count": len(arrival.mails),
                "after_s": None if arrival.after_s is None else round(arrival.after_s, 1),
                "subjects": [mail.subject for mail in arrival.mails],
            }
            for arrival in outcome.arrivals
        ],
        "others": [mail.subject for mail in outcome.others],
        "companions": [mail.subject for mail in outcome.accompanied],
        "retold": [mail.subject for mail in outcome.retold],
        "still_open": list(outcome.still_open),
    }


def drill_as_json(drill: QuickDrill) -> dict[str, Any]:
    """The drill without a name as plain data."""
    return {
        "name": _QUICK, "alert": drill.alert, "route": drill.route, "mail_id": drill.mail.head.id, "subject": drill.mail.head.subject,
        "mail_after_s": round(drill.mail_after_s, 1),
        "requests": drill.requests, "failed_requests": drill.failed_requests,
    }  # fmt: skip


def _how_often(arrival: Arrival) -> str:
    if not arrival.expected.mailed:
        return "not mailed; Alertmanager was asked"
    times = {0: "never", 1: "once"}.get(len(arrival.mails), f"{len(arrival.mails)} times")
    return f"{times}, as members joined" if arrival.ok and len(arrival.mails) > 1 else times


def _minutes(drill: Drill) -> str:
    return f"{drill.about_s / 60:.0f} min" if drill.about_s else "some minutes"
