"""Which alerts fire, asked of Prometheus and Alertmanager."""

from __future__ import annotations

import time
from typing import Any

from promontory.drills.expect import open_ends
from promontory.errors import ServiceUnreachable
from promontory.mailbox import Mailbox
from promontory.stack import Stack

_INTERVAL_S = 2.0


def fires_already(stack: Stack) -> set[str]:
    """Return the alerts that fire, or whose end is not mailed yet."""
    alerts = stack.door("alertmanager").request("GET", "api/v2/alerts").json()
    names = {str(alert["labels"]["alertname"]) for alert in alerts if not alert["labels"].get("route")}
    return names | open_ends(Mailbox(stack.door("mailbox")).messages())


def about_to_fire(stack: Stack) -> set[str]:
    """Return the alerts that Prometheus holds as pending: what came before, such as another drill, may yet be mailed."""
    return {str(one["labels"]["alertname"]) for one in _of_prometheus(stack) if one["state"] == "pending"}


def has_reached_alertmanager(stack: Stack, alert: str) -> bool:
    """Tell whether Alertmanager has the alert."""
    answer = stack.door("alertmanager").request("GET", "api/v2/alerts", params={"filter": f'alertname="{alert}"'})
    return bool(answer.json())


def states_in_prometheus(stack: Stack, alert: str) -> set[str]:
    """Return the states of an alert in Prometheus, ``pending`` and ``firing``; empty when it is neither."""
    return {str(one["state"]) for one in _of_prometheus(stack) if one["labels"].get("alertname") == alert}


def is_over(stack: Stack, alert: str) -> bool:
    """Tell whether neither Prometheus fires the alert nor Alertmanager has it."""
    return "firing" not in states_in_prometheus(stack, alert) and not has_reached_alertmanager(stack, alert)


def wait_until_over(stack: Stack, alert: str, *, timeout_s: float) -> bool:
    """Wait until an alert is over; tell whether it is."""
    deadline = time.monotonic() + timeout_s
    while not is_over(stack, alert):
        if time.monotonic() > deadline:
            return False
        time.sleep(_INTERVAL_S)
    return True


def how_far(stack: Stack, alert: str) -> str:
    """Say in one sentence which part of the way an alert has gone."""
    try:
        if has_reached_alertmanager(stack, alert):
            return "Alertmanager has the alert: look at its route and the mail server."
        states = states_in_prometheus(stack, alert)
    except ServiceUnreachable as error:
        return str(error)
    if "firing" in states:
        return "Prometheus fires it, but Alertmanager has not received it."
    if "pending" in states:
        return "Prometheus sees it pending: it was about to fire."
    return "Prometheus sees no such alert: look at the sample app's metrics and at the rule."


def _of_prometheus(stack: Stack) -> list[dict[str, Any]]:
    """Return the alerts that Prometheus holds, pending and firing ones."""
    found: list[dict[str, Any]] = stack.door("prometheus").request("GET", "api/v1/alerts").json()["data"]["alerts"]
    return found
