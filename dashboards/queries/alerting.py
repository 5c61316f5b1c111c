"""Asks ALERTS, the series that Prometheus writes for every alert that is pending or firing."""

from __future__ import annotations

from promontory.dashboards import Query, query

BY_PLACE = ("environment", "instance")   # an alert on an aggregate has no job


def firing(by: str, *, severity: str = "", or_zero: bool = False) -> str:
    """Number of firing alerts by labels; the heartbeat and the proof's synthetic alert are none."""
    only = f', severity="{severity}"' if severity else ""
    head = f"sum by ({by})" if by else "sum"
    counted = f'{head} (ALERTS{{alertstate="firing", alertname!~"Watchdog|PromontorySynthetic"{only}}})'
    return f"{counted} or vector(0)" if or_zero else counted


def firing_now(severity: str) -> Query:
    """Number of firing alerts of one severity, 0 when there is none."""
    return query(firing("", severity=severity, or_zero=True), severity, scope=("environment",))
