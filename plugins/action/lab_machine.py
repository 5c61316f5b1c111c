"""Action ``promontory.stack.lab_machine``: say whether this machine can hold a lab."""

from __future__ import annotations

import os
import platform
import shutil
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.inventory.manager import InventoryManager
from ansible.plugins.action import ActionBase
from ansible_collections.promontory.stack.plugins.module_utils import commands
from ansible_collections.promontory.stack.plugins.plugin_utils import lab_inventory, lab_podman
from ansible_collections.promontory.stack.plugins.plugin_utils import lab_names as names


def machine_problems(*, absent: bool = False) -> list[str]:
    """Return everything this machine lacks for a lab, each with the way out.

    Args:
        absent: Only for removing a lab, which without podman has no hosts to remove.
    """
    if absent and not shutil.which("podman"):
        return []
    if platform.system() != "Linux":
        return [f"a lab needs Linux with podman, and this is {platform.system()}: use a Linux virtual machine"]
    found = [
        f"{program} is not installed: apt-get install openssh-client"
        for program in ("ssh", "ssh-keygen")
        if not shutil.which(program)
    ]
    if not shutil.which("podman"):
        found.append("podman is not installed: apt-get install podman")
    else:
        said = commands.run(["podman", "--version"]).stdout.strip()
        if lab_podman.podman_version(said) < lab_podman.PODMAN_MINIMUM:
            minimum = ".".join(str(part) for part in lab_podman.PODMAN_MINIMUM)
            found.append(f"{said or 'podman'} is too old: {minimum} or newer is needed")
        try:
            lab_podman.runtime_name(unified=lab_podman.cgroups_unified())
        except names.LabError as error:
            found.append(f"{error.message} {error.hint}")
    if os.geteuid() != 0 and commands.run(["sudo", "-n", "true"]).returncode != 0:
        found.append(
            "podman must run as root here, for a machine cannot reach the addresses of rootless containers, "
            "and sudo is missing or asks for a password: run this as root, or log in to sudo first (sudo -v)"
        )
    return found


class ActionModule(ActionBase):  # type: ignore[misc]
    """Checks names, the inventory's place and the machine; changes nothing."""

    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the task; see the module's documentation for its arguments."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _, wanted = self.validate_argument_spec(
            argument_spec={
                "lab": {"type": "str", "required": True},
                "inventory_dir": {"type": "str", "required": True},
                "sources": {"type": "list", "elements": "str", "required": True},
                "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            }
        )
        hosts: list[str] = []
        directory = Path(wanted["inventory_dir"]).resolve()
        if wanted["inventory_dir"]:
            if directory not in {Path(source).resolve() for source in wanted["sources"]}:
                raise AnsibleActionFail(
                    f"The run's inventory is {', '.join(wanted['sources'])}, and a lab writes the addresses of its "
                    f"hosts into {directory}, where this run would not find them.\nName the directory: -i {directory}"
                )
            named = lab_inventory.named_sources(directory, wanted["sources"])
            groups = InventoryManager(loader=self._loader, sources=named).get_groups_dict()
            hosts = sorted(str(host) for host in groups.get("lab_hosts", []))
        try:
            names.check_names(wanted["lab"], hosts)
        except names.LabError as error:
            raise AnsibleActionFail(str(error)) from error
        missing = machine_problems(absent=wanted["state"] == "absent")
        if missing:
            raise AnsibleActionFail("\n- ".join(["This machine cannot hold a lab yet:", *missing]))
        result.update(changed=False, hosts=hosts, inventory=str(directory / lab_inventory.GENERATED))
        return result
