"""Builds inventories for the tests of the topology, in the words a user would use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from ansible_collections.promontory.stack.plugins.module_utils import topology

ROOT = Path(__file__).resolve().parents[2]
COMPONENTS: dict[str, Any] = yaml.safe_load((ROOT / "roles/common/defaults/main/components.yml").read_text())[
    "stack_components"
]
EVERYTHING = tuple(COMPONENTS)


class Inventory:
    """Hosts with their groups and variables; reading the model or a view builds it anew."""

    def __init__(self) -> None:
        self.groups: dict[str, list[str]] = {}
        self.hosts: dict[str, dict[str, Any]] = {}

    def host(self, name: str, *groups: str, **variables: Any) -> Inventory:
        """Add a host; its address is invented from its position unless told."""
        self.hosts[name] = {"stack_address": f"10.0.0.{len(self.hosts) + 1}", **variables}
        for group in groups:
            self.groups.setdefault(group, []).append(name)
        return self

    def everywhere(self, **variables: Any) -> Inventory:
        """Set variables of all hosts, as group_vars/all.yml does."""
        for known in self.hosts.values():
            known.update(variables)
        return self

    @property
    def model(self) -> dict[str, Any]:
        """The model of all hosts."""
        return topology.build_model(self.hosts, self.groups, COMPONENTS)

    def view(self, host: str) -> dict[str, Any]:
        """What concerns a host, after the way through the fact's text."""
        assert self.problems == []
        return topology.view(topology.dump(self.model), host)

    @property
    def problems(self) -> list[tuple[str, str]]:
        """Host and message of everything that is wrong."""
        return [(problem["host"], problem["message"]) for problem in self.model["problems"]]


def single_host(**variables: Any) -> Inventory:
    """Return one host that runs everything."""
    return Inventory().host("mon1", *EVERYTHING, **variables)


def pair(**variables: Any) -> Inventory:
    """Return two monitoring hosts, an edge with the mailbox, and two hosts to look after."""
    inventory = (
        Inventory()
        .host("edge1", "edge", "mailbox", "node_exporter", "blackbox_exporter")
        .host("mon1", "prometheus", "alertmanager", "node_exporter")
        .host("mon2", "prometheus", "alertmanager", "node_exporter")
        .host("shop1", "sample_app", "node_exporter")
        .host("shop2", "sample_app", "node_exporter")
    )
    return inventory.everywhere(**variables)


def jobs(view: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the scrape jobs of a view by name."""
    return {job["job_name"]: job for job in view["scrape_configs"]}


def targets(job: dict[str, Any]) -> list[str]:
    """Return the targets of a job in their order."""
    return [target for static in job["static_configs"] for target in static["targets"]]
