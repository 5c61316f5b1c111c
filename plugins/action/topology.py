"""Action ``promontory.stack.topology``: builds the model once for a run. Documented in plugins/modules/topology.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.promontory.stack.plugins.module_utils import atomic, topology
from ansible_collections.promontory.stack.plugins.module_utils.topology import doors
from ansible_collections.promontory.stack.plugins.plugin_utils import plain, roles
from ansible_collections.promontory.stack.plugins.plugin_utils.host_variables import HostVariables

_MODES = ("fail", "report")


class ActionModule(ActionBase):
    """Local: reads the inventory, sets the fact, writes stack.json."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _VALID_ARGS = frozenset({"problems", "path"})

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the fact ``stack_model``, the problems and whether stack.json changed."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        on_problems = self._task.args.get("problems", "fail")
        if on_problems not in _MODES:
            raise AnsibleActionFail(
                f"promontory.stack.topology: problems is {on_problems!r}, but must be one of {', '.join(_MODES)}."
            )

        common = roles.read(roles.COMMON, roles.find(roles.COMMON, []), self._loader)
        variables = HostVariables(self._templar, task_vars["hostvars"], common.defaults)
        groups = plain.of(task_vars["groups"])
        me = str(task_vars["inventory_hostname"])
        registry = variables.lookup(me, ["stack_components"]).get("stack_components", {})
        hosts = topology.gather(variables.lookup, groups, registry)
        model = topology.build_model(hosts, groups, registry, sorted(roles.built_in()))
        model["problems"] = [{"host": host, "message": text} for host, text in variables.problems] + model["problems"]

        result.update(changed=False, problems=model["problems"], ansible_facts={"stack_model": topology.dump(model)})
        if model["problems"] and on_problems == "fail":
            result.update(failed=True, msg=describe(model["problems"]))
            return result
        path = self._task.args.get("path") or variables.lookup(me, ["stack_build_dir"]).get("stack_build_dir")
        if path and not model["problems"]:
            secrets_dir = variables.lookup(me, ["stack_secrets_dir"]).get("stack_secrets_dir", "")
            grafana = variables.lookup(me, ["grafana_admin_user", "grafana_admin_password"])
            result["changed"] = self._write(Path(path) / "stack.json", model, secrets_dir, grafana)
        return result

    def _write(self, path: Path, model: dict[str, Any], secrets_dir: str, grafana: dict[str, Any]) -> bool:
        """Write what the command line shows; tell whether it differs from what was there."""
        stack = topology.load(model)
        secrets = {}
        if stack.having("sample_app"):
            secrets["sample_app_admin_token"] = f"{secrets_dir}/sample_app_admin_token"
        summary = doors.summary(stack)
        for door in summary["urls"]:
            # It has a sign-in of its own; a password that was given lies wherever the user keeps it.
            if door["component"] == "grafana" and "grafana_admin_password" not in grafana:
                name = str(grafana.get("grafana_admin_user") or "admin")
                door["auth"] = {"username": name, "password_file": f"{secrets_dir}/grafana_admin_password"}
        content = (json.dumps({**summary, "secrets": secrets}, indent=2) + "\n").encode()
        if path.is_file() and path.read_bytes() == content:
            return False
        if not self._task.check_mode:
            path.parent.mkdir(parents=True, exist_ok=True)
            atomic.write_file(path, content, mode=0o644)
        return True


def describe(problems: list[dict[str, str]]) -> str:
    """Return the problems as one message."""
    lines = [f"- {problem['host'] + ': ' if problem['host'] else ''}{problem['message']}" for problem in problems]
    return "\n".join(["The inventory describes a stack that cannot work:", *lines])
