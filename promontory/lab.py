"""Lab hosts as the command line sees them: are they there, how to reach them, what to delete."""

from __future__ import annotations

import shlex
import shutil
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from promontory.errors import UsageError
from promontory.inventory import Inventory
from promontory.project import Project

_CONNECT_TIMEOUT_S = 2.0


def missing_hosts(inventory: Inventory) -> list[str]:
    """Name the lab hosts that do not exist or do not run: nothing listens on their SSH port."""
    return [host for host in inventory.lab_hosts if not _listens(inventory.variables.get(host, {}))]


def _listens(variables: Mapping[str, Any]) -> bool:
    address = variables.get("ansible_host")
    if not address:
        return False
    try:
        with socket.create_connection((str(address), int(variables.get("ansible_port", 22))), _CONNECT_TIMEOUT_S):
            return True
    except OSError:
        return False


def ssh_command(project: Project, inventory: Inventory, host: str, command: tuple[str, ...]) -> list[str]:
    """Spell the ssh command that reaches a host of the inventory as Ansible does.

    Raises:
        UsageError: No such host, or the lab has not been made.
    """
    if host not in inventory.hosts:
        raise UsageError(
            f"Inventory {project.inventory_name} has no host {host}.", hint=f"It has: {', '.join(inventory.hosts)}."
        )
    variables = inventory.variables.get(host, {})
    if host in inventory.lab_hosts and not variables.get("ansible_host"):
        raise UsageError(f"Lab host {host} has not been made yet.", hint=project.command("lab up"))
    words = ["ssh"]
    if key := variables.get("ansible_ssh_private_key_file"):
        words += ["-i", str(key), "-o", "IdentitiesOnly=yes"]
    if port := variables.get("ansible_port"):
        words += ["-p", str(port)]
    for name in ("ansible_ssh_common_args", "ansible_ssh_extra_args"):
        words += shlex.split(str(variables.get(name) or ""))
    user = f"{variables['ansible_user']}@" if variables.get("ansible_user") else ""
    words.append(f"{user}{variables.get('ansible_host', host)}")
    return words + ([shlex.join(command)] if command else [])


def delete_generated(project: Project) -> list[Path]:
    """Delete what runs left in the clone (build/; playbooks/lab.yml deletes its own); return what was there."""
    if not project.build.exists():
        return []
    shutil.rmtree(project.build)
    return [project.build]
