"""`promontory alerts`: who is told of what, silences, the state of the alerting, and alerts of one's own."""

from __future__ import annotations

import getpass
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from ansible_collections.promontory.stack.plugins.plugin_utils.alertmanager import rule_set

from promontory import report
from promontory.alerts import routing, sending, show, silencing, state, words
from promontory.alerts.client import Alertmanager
from promontory.alerts.routing import Routing
from promontory.commands.backtest import backtest
from promontory.commands.options import stack_command
from promontory.errors import UsageError, VerificationFailed
from promontory.session import Session
from promontory.stack import Stack, load_stack

_LABELS = "LABEL..."
_MATCHERS = "MATCHER..."


def _login() -> str:
    """Name whoever types; an account of a container may have no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


@click.group()
def alerts() -> None:
    """Ask who is told of an alert, silence alerts, send one, see how the alerting is."""


@alerts.command(
    epilog="""\b
Examples:
  promontory alerts route HostDown
  promontory alerts route '{alertname="HostDiskFillsUp", instance="db1"}' --at "2026-12-24 22:00"
  promontory alerts route team=payments severity=critical --json
"""
)
@click.argument("labels", nargs=-1, required=True, metavar=_LABELS)
@click.option("--at", "at_text", metavar="TIME", help='When, such as 03:00 or "2026-12-24 22:00".  [default: now]')
@click.option(
    "--config", "config_file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
    help="Walk this alertmanager.yml instead of the deployed one.",
)  # fmt: skip
@stack_command(runs_playbooks=False)
def route(session: Session, labels: tuple[str, ...], at_text: str | None, config_file: Path | None) -> None:
    """Show who is told of an alert, how, when, and what may mute it.

    LABEL is {name="value", ...} or name=value; a word alone is an alert of the rules, which brings its labels along.
    Exit code 3 when nobody would be told.
    """
    now = datetime.now(UTC)
    at = words.moment(at_text, now) if at_text else now
    asked = words.read_labels(labels)
    if config_file is not None:
        completed = words.completed(asked, _rules(session), "")
        found = routing.route(routing.read_config(config_file), completed, at)
    else:
        stack = load_stack(session.project)
        found = _live_route(stack, words.completed(asked, _rules(session), stack.environment), at, is_now=not at_text)
    session.document["routing"] = show.routing_as_json(found)
    show.print_routing(session.out, found)
    if not found.reaches_somebody:
        raise VerificationFailed(
            f"Nobody would be told: {', '.join(told.receiver for told in found.told)} has no address.",
            hint="The Watchdog wants alertmanager_heartbeat_url or a host in the group heartbeat; others an alertmanager_receivers.",
        )


alerts.add_command(backtest)


@alerts.command(
    epilog="""\b
Examples:
  promontory alerts send
  promontory alerts send --labels 'HostDiskFillsUp instance=test1'
  promontory alerts send --labels '{alertname="Test", severity="warning", team="payments"}' --timeout 90
"""
)
@click.option("--labels", "labels_text", metavar="LABELS", help="Begin at Alertmanager, with these labels.")
@click.option("--author", default=_login, show_default="your login", help="Who the mail says has sent it.")
@click.option(
    "--timeout",
    "timeout_s",
    type=float,
    help=f"Longest wait for each station, s.  [default: {sending.DEFAULT_TIMEOUT_S:.0f}]",
)
@stack_command(runs_playbooks=False)
def send(session: Session, labels_text: str | None, author: str, timeout_s: float | None) -> None:
    """Fire an alert of our own and wait for its mail.

    Without --labels a metric takes the whole way: Pushgateway, Prometheus, rule, Alertmanager, mail, and back to quiet.
    Exit code 4 when it does not arrive. With --labels real people may be told: they read that it is a test.
    """
    stack = load_stack(session.project)

    def tell(text: str) -> None:
        session.err.print(text, markup=False, highlight=False, soft_wrap=True)

    if labels_text is None:
        sending.require_way(stack)
        sent = sending.through_the_chain(stack, timeout_s=timeout_s or sending.DEFAULT_TIMEOUT_S, report=tell)
    else:
        labels = words.completed(words.read_labels(_split(labels_text)), _rules(session), stack.environment)
        labels.setdefault("alertname", "PromontoryTest")
        found = _live_route(stack, labels, datetime.now(UTC), is_now=True)
        show.print_routing(session.err, found)
        wait_s = _require_open(found)
        sent = sending.straight_to_alertmanager(
            stack, labels, author=author, timeout_s=timeout_s or wait_s + sending.DEFAULT_TIMEOUT_S,
            is_mailed=any(way.startswith("email") for told in found.told for way in told.addresses), report=tell,
        )  # fmt: skip
    session.document["sent"] = {
        "token": sent.token,
        "begins_in": sent.begins_in,
        "stations": {name: round(at, 1) for name, at in sent.stations.items()},
        "mail_id": sent.mail.head.id if sent.mail else None,
        "subject": sent.mail.head.subject if sent.mail else None,
    }
    if sent.mail:
        report.print_mail_teaser(session.out, sent.mail, session.project.command(f"mail show {sent.mail.head.id}"))
    for station, at in sent.stations.items():
        session.out.print(f"{at:6.1f} s  {station}", markup=False, highlight=False)


@alerts.command(
    epilog="""\b
Examples:
  promontory alerts silence HostDown instance=db1 --for 2h --comment "new disk"
  promontory alerts silence 'instance=~"db.*"' --until 18:00 --comment "upgrade of PostgreSQL" --author ann
"""
)
@click.argument("matchers", nargs=-1, required=True, metavar=_MATCHERS)
@click.option("--for", "for_text", metavar="DURATION", help="How long, such as 30m, 2h or 1d.")
@click.option("--until", "until_text", metavar="TIME", help='Until when, such as 18:00 or "2026-12-24 22:00".')
@click.option("--comment", default="", help="Why; required.")
@click.option("--author", default=_login, show_default="your login", help="Who.")
@stack_command(runs_playbooks=False)
def silence(
    session: Session, matchers: tuple[str, ...], for_text: str | None, until_text: str | None, comment: str, author: str
) -> None:
    """Keep alerts from being told, until a given time.

    MATCHER is name=value, name!=value, name=~regex or name!~regex; a word alone is the name of an alert. A silence needs an
    end within 31 days and a comment, and one that would hide everything or the Watchdog is refused.
    """
    now = datetime.now(UTC)
    wanted = silencing.make(
        words.read_matchers(matchers),
        ends_at=silencing.end(for_text, until_text, now),
        now=now,
        author=author,
        comment=comment,
    )
    alertmanager = Alertmanager(load_stack(session.project).door("alertmanager"))
    silence_id = alertmanager.silence(wanted)
    [made] = [one for one in alertmanager.silences() if one["id"] == silence_id]
    hidden = alertmanager.alerts(routing.silence_matchers(made))
    session.document["silence"] = {**show.silence_as_json(made), "alerts": len(hidden)}
    show.print_silences(session.out, [made], now)
    session.out.print(
        f"Of the alerts that fire now, {len(hidden)} are silenced. End it with: "
        + session.project.command(f"alerts silences expire {silence_id[:8]}"),
        markup=False, highlight=False,
    )  # fmt: skip


@alerts.group()
def silences() -> None:
    """List silences, or end them."""


@silences.command("list")
@stack_command(runs_playbooks=False)
def silences_list(session: Session) -> None:
    """List what is silenced or will be, the next to end first."""
    found = Alertmanager(load_stack(session.project).door("alertmanager")).silences()
    session.document["silences"] = [show.silence_as_json(one) for one in found]
    show.print_silences(session.out, found, datetime.now(UTC))


@silences.command("expire")
@click.argument("silence_ids", nargs=-1, required=True, metavar="ID...")
@stack_command(runs_playbooks=False)
def silences_expire(session: Session, silence_ids: tuple[str, ...]) -> None:
    """End silences now; ID is the beginning of an id of `silences list`."""
    alertmanager = Alertmanager(load_stack(session.project).door("alertmanager"))
    chosen = silencing.found(alertmanager.silences(), silence_ids)
    for one in chosen:
        alertmanager.expire(str(one["id"]))
    session.document["expired"] = [one["id"] for one in chosen]
    session.out.print(f"Ended: {', '.join(str(one['id']) for one in chosen)}", highlight=False)


@alerts.command()
@stack_command(runs_playbooks=False)
def status(session: Session) -> None:
    """Show what fires, what is silenced, the cluster, failing notifications and the age of the configuration.

    Exit code 3 when something keeps people from being told: failing notifications, a refused configuration, a cluster that
    is not whole. An alert that fires is no such thing.
    """
    now = datetime.now(UTC)
    found = state.ask(load_stack(session.project), now)
    session.document["alerting"] = show.state_as_json(found, now)
    show.print_state(session.out, found, now)
    if found.problems:
        raise VerificationFailed(" ".join(found.problems))


def _rules(session: Session) -> list[rule_set.Alert]:
    folder = session.project.root / "rules"
    return rule_set.read([str(folder / "*.yml")]) if folder.is_dir() else []


def _live_route(stack: Stack, labels: dict[str, str], at: datetime, *, is_now: bool) -> Routing:
    alertmanager = Alertmanager(stack.door("alertmanager"))
    live: dict[str, Any] = {"alerts": alertmanager.alerts(), "silences": alertmanager.silences()} if is_now else {}
    return routing.route(alertmanager.config(), labels, at, **live)


def _require_open(found: Routing) -> float:
    """Return how long the first message takes; refuse to send what nobody would be told now."""
    open_now = [told for told in found.told if told.addresses and not told.muted_by and told.first_at]
    reasons = [f"silenced until {words.shown(words.from_iso(str(one['endsAt'])))}" for one in found.silences]
    reasons += [f"inhibited by {', '.join(one.firing)}" for one in found.inhibitions if one.firing]
    if not open_now:
        reasons.append(
            "muted by " + (", ".join(name for told in found.told for name in told.muted_by) or "having no address")
        )
    if reasons:
        raise UsageError(f"Nothing was sent, because nobody would be told: the alert is {' and '.join(reasons)}.")
    return max((told.first_at - found.at).total_seconds() for told in open_now if told.first_at)


def _split(text: str) -> list[str]:
    return [text] if text.lstrip().startswith("{") else text.split()
