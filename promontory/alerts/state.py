"""How the alerting is: what fires, what is silenced, who is in the cluster, whether notifications arrive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from promontory.alerts import words
from promontory.alerts.client import Alertmanager
from promontory.stack import Stack

_WINDOW = "15m"


@dataclass(frozen=True)
class Member:
    """One Alertmanager as Prometheus sees it.

    Attributes:
        instance: Its host.
        members: How many members it knows, itself included; None where it has no cluster.
        config_age_s: Seconds since it took its configuration.
        config_ok: Whether the last reload was taken.
        failed: Notifications that failed in the last 15 minutes, by integration.
    """

    instance: str
    members: int | None
    config_age_s: float | None
    config_ok: bool
    failed: Mapping[str, float]


@dataclass(frozen=True)
class State:
    """The whole answer.

    Attributes:
        version: Of the Alertmanager that was asked.
        cluster: `ready`, `settling` or `disabled`.
        peers: Names of the members that it sees.
        alerts: What fires, as Alertmanager gives it.
        silences: What is in force or will be.
        members: Every Alertmanager; empty in a stack without Prometheus.
    """

    version: str
    cluster: str
    peers: Sequence[str]
    alerts: Sequence[Mapping[str, Any]]
    silences: Sequence[Mapping[str, Any]]
    members: Sequence[Member]

    @property
    def problems(self) -> list[str]:
        """What keeps people from being told, in sentences."""
        found = []
        if self.cluster not in ("ready", "disabled"):
            found.append(f"The cluster is {self.cluster}.")
        sizes = {member.members for member in self.members if member.members is not None}
        if self.cluster == "ready" and any(size < len(self.members) for size in sizes):
            found.append(f"A member sees {min(sizes)} of {len(self.members)} members.")
        for member in self.members:
            if not member.config_ok:
                found.append(
                    f"Alertmanager on {member.instance} refused its last configuration and runs the one before."
                )
            for integration, count in member.failed.items():
                found.append(
                    f"Alertmanager on {member.instance} failed to deliver {count:.0f} notifications by {integration} "
                    f"in the last {_WINDOW}."
                )
        return found


def ask(stack: Stack, now: datetime) -> State:
    """Ask Alertmanager, and Prometheus about all of them.

    Raises:
        UsageError: The stack has no Alertmanager.
        ServiceUnreachable: One of them does not answer.
    """
    alertmanager = Alertmanager(stack.door("alertmanager"))
    status = alertmanager.status()
    cluster = status.get("cluster") or {}
    return State(
        version=str(status["versionInfo"]["version"]),
        cluster=str(cluster.get("status", "disabled")),
        peers=[str(peer["name"]) for peer in cluster.get("peers") or []],
        alerts=alertmanager.alerts(),
        silences=alertmanager.silences(),
        members=_members(stack, now),
    )


def severity_counts(alerts: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Count alerts that are told and those that are not, by severity."""
    counts: dict[str, int] = {}
    for alert in alerts:
        name = str(alert["labels"].get("severity", "none"))
        counts[name] = counts.get(name, 0) + 1
    return counts


def _members(stack: Stack, now: datetime) -> list[Member]:
    if not any(door.component == "prometheus" for door in stack.doors):
        return []
    ok = _query(stack, "alertmanager_config_last_reload_successful")
    at = _query(stack, "alertmanager_config_last_reload_success_timestamp_seconds")
    sizes = _query(stack, "alertmanager_cluster_members")
    failed: dict[str, dict[str, float]] = {}
    counted = f"sum by (instance, integration) (increase(alertmanager_notifications_failed_total[{_WINDOW}])) > 0"
    for labels, value in _samples(stack, counted):
        failed.setdefault(labels.get("instance", ""), {})[labels.get("integration", "")] = value
    return [
        Member(
            instance=instance,
            members=int(sizes[instance]) if instance in sizes else None,
            config_age_s=now.timestamp() - at[instance] if instance in at else None,
            config_ok=bool(value),
            failed=failed.get(instance, {}),
        )
        for instance, value in sorted(ok.items())
    ]


def _query(stack: Stack, expression: str) -> dict[str, float]:
    return {labels.get("instance", ""): value for labels, value in _samples(stack, expression)}


def _samples(stack: Stack, expression: str) -> list[tuple[dict[str, str], float]]:
    answer = stack.door("prometheus").request("GET", "api/v1/query", params={"query": expression}).json()
    return [(sample["metric"], float(sample["value"][1])) for sample in answer["data"]["result"]]


def muted_by(alert: Mapping[str, Any]) -> str:
    """Say in a word why nobody is told of an alert that fires; empty when somebody is."""
    status = alert["status"]
    for key, word in (("silencedBy", "silenced"), ("inhibitedBy", "inhibited"), ("mutedBy", "outside its hours")):
        if status.get(key):
            return word
    return ""


def since(alert: Mapping[str, Any], now: datetime) -> float:
    """Return for how many seconds an alert has been firing."""
    return (now - words.from_iso(str(alert["startsAt"]))).total_seconds()
