"""Alertmanager's API, through the edge's door."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from promontory.errors import ServiceUnreachable
from promontory.stack import Access

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Alertmanager:
    """What is asked of Alertmanager; every answer comes from the member that the edge chooses."""

    access: Access

    def config(self) -> dict[str, Any]:
        """Give the configuration in force; credentials in it are blanked out by Alertmanager."""
        loaded = yaml.load(self.status()["config"]["original"], Loader=_LOADER)  # noqa: S506 - a safe loader
        if not isinstance(loaded, dict):
            raise ServiceUnreachable(f"{self.access.component} on {self.access.host} shows no configuration.")
        return loaded

    def status(self) -> dict[str, Any]:
        """Give version, uptime, cluster and configuration."""
        answer: dict[str, Any] = self.access.request("GET", "api/v2/status").json()
        return answer

    def alerts(self, matchers: Sequence[str] = ()) -> list[dict[str, Any]]:
        """Give the alerts that fire, also those that are muted."""
        answer: list[dict[str, Any]] = self.access.request(
            "GET", "api/v2/alerts", params={"filter": list(matchers)}
        ).json()
        return answer

    def silences(self) -> list[dict[str, Any]]:
        """Give the silences that are in force or will be; the next to end first."""
        answer = self.access.request("GET", "api/v2/silences").json()
        return sorted(
            (silence for silence in answer if silence["status"]["state"] != "expired"),
            key=lambda one: str(one["endsAt"]),
        )

    def silence(self, silence: Mapping[str, Any]) -> str:
        """Put a silence in force; return its id."""
        return str(self.access.request("POST", "api/v2/silences", json=silence).json()["silenceID"])

    def expire(self, silence_id: str) -> None:
        """End a silence now."""
        self.access.request("DELETE", f"api/v2/silence/{silence_id}")

    def post(self, alert: Mapping[str, Any]) -> None:
        """Post an alert as Prometheus would."""
        self.access.request("POST", "api/v2/alerts", json=[alert])
