"""What the inventory says, as ansible-inventory reads it: hosts, their variables and components."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from promontory.errors import UsageError
from promontory.project import Project
from promontory.runner import environment

LAB_GROUP = "lab_hosts"
_REGISTRY = Path("roles/common/defaults/main/components.yml")
_TIMEOUT_S = 120


@dataclass(frozen=True)
class Inventory:
    """Hosts and groups.

    Attributes:
        variables: By host: its variables as written, untemplated.
        groups: By group: its hosts, those of child groups included, in inventory order.
        components: By host: the components its groups name, in the order they are provisioned.
    """

    variables: Mapping[str, Mapping[str, Any]]
    groups: Mapping[str, Sequence[str]]
    components: Mapping[str, Sequence[str]]

    @property
    def hosts(self) -> list[str]:
        """All hosts except the implicit localhost."""
        return list(self.groups.get("all", ()))

    @property
    def lab_hosts(self) -> list[str]:
        """Hosts that playbooks/lab.yml makes; empty for an inventory of real hosts."""
        return list(self.groups.get(LAB_GROUP, ()))

    @property
    def is_lab(self) -> bool:
        """Whether every host is a lab host: only then may commands make and delete hosts."""
        return bool(self.hosts) and set(self.hosts) == set(self.lab_hosts)


def read_inventory(project: Project, arguments: Sequence[str] = ()) -> Inventory:
    """Ask ansible-inventory.

    Args:
        arguments: Further arguments, such as `--vault-password-file …`.
    Raises:
        UsageError: It cannot be read or names no host.
    """
    command = [str(Path(sys.executable).with_name("ansible-inventory")), "-i", str(project.inventory), "--list", *arguments]
    done = subprocess.run(
        command, cwd=project.root, env={**os.environ, **environment(project)}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=_TIMEOUT_S,
    )
    if done.returncode != 0:
        raise UsageError(
            f"Inventory {project.inventory_name} cannot be read:\n{done.stderr.strip()[-1000:]}",
            hint=f"Look closer with: ansible-inventory -i {project.inventory_name} --list",
        )
    inventory = from_listing(json.loads(done.stdout), _registry(project.root))
    if not inventory.hosts:
        raise UsageError(
            f"Inventory {project.inventory_name} names no host.",
            hint="Put hosts into groups named after components; see inventories/ for examples.",
        )
    return inventory


def from_listing(listing: Mapping[str, Any], registry: Mapping[str, Mapping[str, Any]]) -> Inventory:
    """Build an Inventory from the JSON of `ansible-inventory --list` and the registry of components."""
    variables = listing.get("_meta", {}).get("hostvars", {})

    def members(group: str) -> list[str]:
        entry = listing.get(group, {})
        nested = [host for child in entry.get("children", ()) for host in members(child)]
        return list(dict.fromkeys([*entry.get("hosts", ()), *nested]))

    groups = {name: members(name) for name in listing if name != "_meta"}
    groups.setdefault("all", members("all"))
    components = {}
    for host in groups["all"]:
        extra = variables.get(host, {}).get("stack_components_extra") or {}
        known = {**registry, **(extra if isinstance(extra, Mapping) else {})}
        mine = [name for name in known if host in groups.get(name, ())]
        components[host] = sorted(mine, key=lambda name: (int((known[name] or {}).get("order", 25)), name))
    return Inventory(variables=variables, groups=groups, components=components)


def _registry(root: Path) -> Mapping[str, Mapping[str, Any]]:
    path = root / _REGISTRY
    if not path.is_file():
        return {}
    loaded = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    registry = loaded.get("stack_components", {})
    return registry if isinstance(registry, Mapping) else {}
