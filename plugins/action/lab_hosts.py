"""Action ``promontory.stack.lab_hosts``: have, or remove, a lab's hosts with their keys and addresses."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.promontory.stack.plugins.plugin_utils import (
    lab_container,
    lab_hosts,
    lab_inventory,
    lab_keys,
    plain,
)
from ansible_collections.promontory.stack.plugins.plugin_utils import lab_names as names
from ansible_collections.promontory.stack.plugins.plugin_utils.lab_podman import Podman, alone, passing_podman


class ActionModule(ActionBase):  # type: ignore[misc]
    """Works on the controller's podman and on the lab's own files."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the task; see the module's documentation for its arguments and result."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _, wanted = self.validate_argument_spec(
            argument_spec={
                "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
                "project": {"type": "path", "required": True},
                "lab": {"type": "str", "required": True},
                "inventory": {"type": "path", "required": True},
                "hosts": {"type": "list", "elements": "str", "default": []},
                "image": {"type": "str", "default": ""},
                "subnet_pool": {"type": "str", "default": "10.231.0.0/16"},
                "ready_timeout_s": {"type": "float", "default": 30.0},
            },
            required_if=[("state", "present", ["hosts", "image"])],
        )
        wanted = plain.of(wanted)
        check = bool(self._task.check_mode)
        try:
            result.update(_present(wanted, check) if wanted["state"] == "present" else _absent(wanted, check))
        except names.LabError as error:
            raise AnsibleActionFail(str(error)) from error
        except OSError as error:
            raise AnsibleActionFail(f"The lab {wanted['lab']}: {error.filename}: {error.strerror}") from error
        return result


def _present(wanted: Mapping[str, Any], check: bool) -> dict[str, object]:
    directory = names.state_directory(Path(wanted["project"]), wanted["lab"])
    if check:
        with passing_podman() as podman:
            return _have(wanted, directory, podman, check=True)
    for path in (directory.parent, directory):
        path.mkdir(mode=0o700, exist_ok=True)
        path.chmod(0o700)
    with alone(directory / "lock"):
        return _have(wanted, directory, Podman(directory), check=False)


def _have(wanted: Mapping[str, Any], directory: Path, podman: Podman, *, check: bool) -> dict[str, object]:
    project, hosts = Path(wanted["project"]), list(wanted["hosts"])
    clone = names.clone_id(str(project))
    aliases = {host: names.container_name(clone, wanted["lab"], host) for host in hosts}
    keys = lab_keys.ensure(directory / "ssh", sorted(aliases.values()), check=check)
    lab = lab_container.Lab(
        project=str(project),
        name=wanted["lab"],
        hosts=hosts,
        image=wanted["image"],
        authorized_key=keys.authorized,
        host_keys={host: keys.hosts[alias] for host, alias in aliases.items()},
        subnet_pool=wanted["subnet_pool"],
        ready_timeout_s=wanted["ready_timeout_s"],
    )
    outcome = lab_hosts.ensure(podman, lab, check=check)
    actions = [f"wrote {path}" for path in keys.written] + outcome.actions
    inventory = Path(wanted["inventory"])
    text = lab_inventory.inventory_text(outcome.hosts, directory)
    if check:
        stale = not inventory.is_file() or inventory.read_text(encoding="utf-8") != text
    else:
        stale = lab_inventory.write_if_other(inventory, text)
    actions += [f"wrote {inventory}"] if stale else []
    result = {"changed": bool(actions), "actions": actions, "hosts": outcome.hosts, "subnet": outcome.subnet}
    if outcome.orphans:
        result["warnings"] = [
            f"The container {name} belongs to a clone that is gone: podman rm --force {name}"
            for name in outcome.orphans
        ]
    return result


def _absent(wanted: Mapping[str, Any], check: bool) -> dict[str, object]:
    project = Path(wanted["project"])
    directory = names.state_directory(project, wanted["lab"])
    actions: list[str] = []
    if shutil.which("podman"):
        lab = lab_container.Lab(project=str(project), name=wanted["lab"])
        with passing_podman() as podman:
            actions += lab_hosts.remove(podman, lab, check=check).actions
    inventory = Path(wanted["inventory"])
    for path in (inventory, directory):
        if path.exists():
            actions.append(f"removed {path}")
            if not check:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    root = directory.parent
    if not check and root.is_dir() and not any(root.iterdir()):
        root.rmdir()
    return {"changed": bool(actions), "actions": actions}
