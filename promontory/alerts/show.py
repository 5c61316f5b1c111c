"""How alerts, routes and silences look: tables for people, plain data for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from promontory.alerts import state, words
from promontory.alerts.routing import Routing, Told, silence_matchers
from promontory.alerts.state import State

_MOST_ALERTS = 30


def print_routing(out: Console, routing: Routing) -> None:
    """Show who is told of an alert, and when."""
    _line(out, "{" + ", ".join(f'{name}="{value}"' for name, value in sorted(routing.labels.items())) + "}")
    _line(out, f"at {words.shown(routing.at)}")
    table = _table("Who", "How", "First message", "Then", "Route")
    for told in routing.told:
        table.add_row(
            told.receiver, "\n".join(told.addresses) or "nobody", _first(told, routing.at), _then(told), _where(told)
        )
    out.print(table)
    for silence in routing.silences:
        _line(
            out,
            f"Silenced until {words.shown(words.from_iso(str(silence['endsAt'])))} by {silence['createdBy']}: {silence['comment']}",
        )
    for inhibition in routing.inhibitions:
        name = f" ({inhibition.name})" if inhibition.name else ""
        same = ", ".join(f"{label}={value}" if value else f"no {label}" for label, value in inhibition.equal.items())
        now = f"; now by {', '.join(inhibition.firing)}" if inhibition.firing else ""
        _line(out, f"Muted while {', '.join(inhibition.source)} fires with {same}{name}{now}")


def routing_as_json(routing: Routing) -> dict[str, Any]:
    """The same as plain data; see docs/reference/cli-json.md."""
    return {
        "labels": dict(routing.labels),
        "at": words.iso(routing.at),
        "reaches_somebody": routing.reaches_somebody,
        "told": [
            {
                **asdict(told),
                "first_at": words.iso(told.first_at) if told.first_at else None,
                "first_until": words.iso(told.first_until) if told.first_until else None,
            }
            for told in routing.told
        ],
        "inhibitions": [asdict(inhibition) for inhibition in routing.inhibitions],
        "silences": [silence_as_json(silence) for silence in routing.silences],
    }


def print_silences(out: Console, silences: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """List silences, the next to end first."""
    if not silences:
        _line(out, "Nothing is silenced.")
        return
    table = _table("ID", "State", "Alerts with", "Ends", "By", "Why")
    for silence in silences:
        ends = words.from_iso(str(silence["endsAt"]))
        table.add_row(
            str(silence["id"])[:8],
            str(silence["status"]["state"]),
            ", ".join(silence_matchers(silence)),
            f"{words.shown(ends)} (in {words.span((ends - now).total_seconds())})",
            str(silence["createdBy"]),
            str(silence["comment"]),
        )
    out.print(table)


def silence_as_json(silence: Mapping[str, Any]) -> dict[str, Any]:
    """A silence as plain data."""
    return {
        "id": silence["id"],
        "state": silence["status"]["state"],
        "matchers": silence_matchers(silence),
        "starts_at": silence["startsAt"],
        "ends_at": silence["endsAt"],
        "author": silence["createdBy"],
        "comment": silence["comment"],
    }


def print_state(out: Console, found: State, now: datetime) -> None:
    """Show how the alerting is."""
    peers = f", {len(found.peers)} members" if found.peers else ""
    _line(out, f"Alertmanager {found.version}, cluster {found.cluster}{peers}")
    if found.members:
        table = _table("Alertmanager", "Configuration", "Members", "Failed in 15 min")
        for member in found.members:
            age = "unknown" if member.config_age_s is None else f"taken {words.span(member.config_age_s)} ago"
            table.add_row(
                member.instance,
                age if member.config_ok else f"refused; the one before was {age}",
                str(member.members or 1),
                ", ".join(f"{name}: {count:.0f}" for name, count in member.failed.items()) or "none",
            )
        out.print(table)
    told = [alert for alert in found.alerts if alert["labels"].get("route") != "heartbeat"]
    if told:
        table = _table("Alert", "Severity", "Where", "Since", "Told")
        order = {"critical": 0, "warning": 1, "info": 2}
        ranked = sorted(told, key=lambda alert: (order.get(alert["labels"].get("severity", ""), 3), alert["startsAt"]))
        for alert in ranked[:_MOST_ALERTS]:
            labels = alert["labels"]
            table.add_row(
                labels.get("alertname", ""),
                labels.get("severity", ""),
                labels.get("instance", ""),
                f"{words.span(state.since(alert, now))} ago",
                state.muted_by(alert) or ", ".join(receiver["name"] for receiver in alert["receivers"]),
            )
        out.print(table)
        if len(told) > _MOST_ALERTS:
            _line(out, f"and {len(told) - _MOST_ALERTS} more")
    else:
        _line(out, "No alert fires.")
    print_silences(out, found.silences, now)


def state_as_json(found: State, now: datetime) -> dict[str, Any]:
    """The same as plain data."""
    return {
        "version": found.version, "cluster": found.cluster, "peers": list(found.peers),
        "members": [asdict(member) for member in found.members],
        "alerts": [
            {
                "labels": alert["labels"], "starts_at": alert["startsAt"], "firing_s": round(state.since(alert, now)),
                "muted": state.muted_by(alert), "receivers": [receiver["name"] for receiver in alert["receivers"]],
            }
            for alert in found.alerts
        ],
        "silences": [silence_as_json(silence) for silence in found.silences],
        "problems": found.problems,
    }  # fmt: skip


def _first(told: Told, at: datetime) -> str:
    if told.first_at is None or told.first_until is None:
        return f"never ({', '.join(told.muted_by)})"
    wait = words.span((told.first_at - at).total_seconds())
    if not told.muted_by:
        return f"after {wait}"
    latest = words.span((told.first_until - told.first_at).total_seconds())
    return f"{words.shown(told.first_at)} (in {wait}), at most {latest} later; until then muted by {', '.join(told.muted_by)}"


def _then(told: Told) -> str:
    return f"changes every {told.group_interval}, else every {told.repeat_interval}\nby {', '.join(told.group_by) or 'nothing'}"


def _where(told: Told) -> str:
    return "\n".join(told.matchers) or "the catch-all"


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _line(out: Console, text: str) -> None:
    out.print(text, markup=False, highlight=False, soft_wrap=True)
