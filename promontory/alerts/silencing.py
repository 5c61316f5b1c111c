"""Silences: who asks for one must say what, for how long and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from ansible_collections.promontory.stack.plugins.plugin_utils.alertmanager import matchers

from promontory.alerts import words
from promontory.errors import UsageError

LONGEST_DAYS = 31  # what nobody wants to hear of for longer needs another rule or threshold
WATCHDOG = {
    "alertname": "Watchdog",
    "severity": "info",
    "team": "platform",
    "service": "alerting",
    "route": "heartbeat",
}


def end(for_text: str | None, until_text: str | None, now: datetime) -> datetime:
    """Return when a silence ends.

    Raises:
        UsageError: Neither or both are given, or the end is past or too far away.
    """
    if bool(for_text) == bool(until_text):
        raise UsageError(
            "A silence needs an end: give either --for or --until."
            if not for_text
            else "--for and --until exclude each other.",
            hint="For example --for 2h, or --until 18:00. One without an end would hide the next fault, too.",
        )
    ends_at = words.later(now, words.seconds(for_text)) if for_text else words.moment(str(until_text), now)
    if ends_at <= now:
        raise UsageError(f"The silence would end before it begins: {words.shown(ends_at)} is past.")
    if ends_at - now > timedelta(days=LONGEST_DAYS):
        raise UsageError(
            f"A silence may last {LONGEST_DAYS} days; {words.shown(ends_at)} is later.",
            hint="Change the rule or its threshold instead, or announce the work in alertmanager_maintenance.",
        )
    return ends_at


def make(
    conditions: Sequence[matchers.Matcher], *, ends_at: datetime, now: datetime, author: str, comment: str
) -> dict[str, Any]:
    """Build a silence for Alertmanager's API.

    Raises:
        UsageError: It would hide everything, or the Watchdog; or it does not say why.
    """
    if not comment.strip() or not author.strip():
        raise UsageError(
            "A silence says who made it and why.", hint='Give --comment "what is being done", and --author.'
        )
    if matchers.holds(conditions, {}):
        raise UsageError(
            "These matchers hold for alerts without any of these labels, so the silence would hide almost everything.",
            hint="Give at least one label that the alerts must have, such as alertname=HostDown or instance=db1.",
        )
    if matchers.holds(conditions, WATCHDOG):
        raise UsageError(
            "This would silence the Watchdog, and whoever waits for its beat would think that the alerting is dead.",
            hint='Add a matcher such as alertname!="Watchdog".',
        )
    return {
        "matchers": [
            {
                "name": one.name,
                "value": one.value,
                "isRegex": one.operator in ("=~", "!~"),
                "isEqual": one.operator in ("=", "=~"),
            }
            for one in conditions
        ],
        "startsAt": words.iso(now),
        "endsAt": words.iso(ends_at),
        "createdBy": author.strip(),
        "comment": comment.strip(),
    }


def found(silences: Sequence[Mapping[str, Any]], beginnings: Sequence[str]) -> list[Mapping[str, Any]]:
    """Find silences by the beginnings of their ids.

    Raises:
        UsageError: One is unknown, or not the beginning of a single id.
    """
    chosen = []
    for beginning in beginnings:
        fitting = [silence for silence in silences if str(silence["id"]).startswith(beginning)]
        if len(fitting) != 1:
            raise UsageError(
                f"{len(fitting)} silences in force have an id that begins with {beginning!r}.",
                hint="`promontory alerts silences list` shows them.",
            )
        chosen += fitting
    return chosen
