"""Action ``promontory.stack.preflight``: refuses what is wrong before anything changes. Documented in plugins/modules/preflight.py."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.promontory.stack.plugins.module_utils import topology
from ansible_collections.promontory.stack.plugins.module_utils.topology.inventory import wanted_variables
from ansible_collections.promontory.stack.plugins.plugin_utils import alertmanager, host_check, plain, roles
from ansible_collections.promontory.stack.plugins.plugin_utils.rules import book
from ansible_collections.promontory.stack.plugins.plugin_utils.spec_check import Finding
from ansible_collections.promontory.stack.plugins.plugin_utils.variables_check import VariablesCheck, causes, mentioned

_PHASES = ("variables", "host")
_RULES = f"{roles.COLLECTION}.rules"
_RULES_DIRECTORY = Path(__file__).resolve().parents[2] / "rules"


class ActionModule(ActionBase):
    """Local and quick; one message for each host."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _VALID_ARGS = frozenset({"phase", "roles"})

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Judge the phase that was asked for."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        phase = self._task.args.get("phase", "variables")
        if phase not in _PHASES:
            raise AnsibleActionFail(
                f"promontory.stack.preflight: phase is {phase!r}, but must be one of {', '.join(_PHASES)}."
            )
        found = self._variables(task_vars) if phase == "variables" else self._host(task_vars)
        result["changed"] = False
        if found:
            host = task_vars["inventory_hostname"]
            count = "1 problem" if len(found) == 1 else f"{len(found)} problems"
            lines = "".join(f"\n- {message}" for message in found)
            result.update(failed=True, msg=f"{host} was left as it is, because of {count}:{lines}")
        return result

    def _variables(self, task_vars: Mapping[str, Any]) -> list[str]:
        host = str(task_vars["inventory_hostname"])
        facts = task_vars.get("ansible_facts") or {}
        if "stack_model" not in facts:
            raise AnsibleActionFail("promontory.stack.preflight: run promontory.stack.topology before.")
        model = json.loads(facts["stack_model"])
        stack = topology.load(facts["stack_model"])
        mine = stack.hosts[host].components if host in stack.hosts else ()

        common = roles.read(roles.COMMON, roles.find(roles.COMMON, []), self._loader)
        components = [stack.components[name] for name in mine]
        prefixes = {"stack_", *(f"{name}_" for name in {*roles.built_in(), *stack.components})}
        modelled = [*topology.REGISTRY_VARIABLES, *wanted_variables(components)]
        check = VariablesCheck(self._templar, task_vars, common, prefixes, modelled)
        findings = check.out_of_sight(modelled, task_vars["hostvars"].raw_get(host), common.defaults)
        messages = []
        for name in self._roles(mine, {item.name: item.role for item in components}):
            try:
                role = common if name == roles.COMMON else roles.read(name, self._find(name, task_vars), self._loader)
            except roles.RoleProblem as problem:
                messages.append(f"{problem}.")
                continue
            findings.extend(check.role(role, _out_of_range if name == _RULES else None, _TOGETHER.get(name)))
        messages = [finding.message for finding in causes(findings)] + messages
        return messages + [
            message for message in _of_topology(model["problems"], host, task_vars) if not mentioned(findings, message)
        ]

    def _roles(self, components: tuple[str, ...], role_of: Mapping[str, str]) -> list[str]:
        told = self._task.args.get("roles")
        if told is not None:
            return [str(name) for name in told]
        if not components:
            return [roles.COMMON]
        # The rules' numbers are read of every host, whoever evaluates them.
        return [roles.COMMON, f"{roles.COLLECTION}.baseline", _RULES, *(role_of[name] for name in components)]

    def _find(self, name: str, task_vars: Mapping[str, Any]) -> Path:
        playbook_dir = Path(str(task_vars["playbook_dir"]))
        configured = plain.of(constants.DEFAULT_ROLES_PATH) or []
        return roles.find(name, [str(playbook_dir / "roles"), *configured, str(playbook_dir)])

    def _host(self, task_vars: Mapping[str, Any]) -> list[str]:
        told = task_vars.get("ansible_facts") or {}
        facts = told.get("stack_host")
        if facts is None:
            raise AnsibleActionFail("promontory.stack.preflight: run promontory.stack.host before the phase host.")
        if "stack_model" in told and task_vars["inventory_hostname"] not in topology.load(told["stack_model"]).hosts:
            return []  # it runs no component: whatever it is, nothing will be installed there
        common = roles.read(roles.COMMON, roles.find(roles.COMMON, []), self._loader)
        templar = self._templar.copy_with_new_env(available_variables={**common.defaults, **task_vars})
        min_free_mb = templar.template(templar.available_variables["stack_min_free_mb"])
        return host_check.judge_host(plain.of(facts), min_free_mb=int(min_free_mb))


def _out_of_range(values: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield a finding for each number of a rule that is not within its range."""
    for threshold in book.known(_RULES_DIRECTORY).values():
        problem = threshold.problem(values.get(threshold.variable))
        if problem:
            yield Finding(threshold.variable, f"{threshold.variable} {problem}")


def _untold(settings: Mapping[str, Any]) -> list[Finding]:
    """Return what keeps Alertmanager's variables from making a configuration that everybody can rely on."""
    try:
        alertmanager.render(plain.of(settings))
    except alertmanager.AlertmanagerError as error:
        variable = re.search(r"alertmanager_\w+", str(error))
        return [Finding(variable.group() if variable else "alertmanager_config", str(error))]
    return []


# Role -> the internal variable that holds its variables together, and who judges it.
_TOGETHER = {f"{roles.COLLECTION}.alertmanager": ("__alertmanager_settings", _untold)}


def _of_topology(problems: list[dict[str, str]], host: str, task_vars: Mapping[str, Any]) -> list[str]:
    """Return the topology's problems as this host should tell them.

    Those of the whole stack are told by the first host of the play; the others only say that they stop because of them.
    """
    messages = [problem["message"] for problem in problems if problem["host"] == host]
    hosts = [str(name) for name in task_vars.get("ansible_play_hosts_all") or [host]]
    elsewhere = [problem for problem in problems if problem["host"] not in hosts]
    if elsewhere and host == hosts[0]:
        messages.extend(f"{item['host']}: {item['message']}" if item["host"] else item["message"] for item in elsewhere)
    elif problems and not messages:
        messages.append(
            f"The topology of the stack is impossible; see {hosts[0] if elsewhere else problems[0]['host']}."
        )
    return messages
