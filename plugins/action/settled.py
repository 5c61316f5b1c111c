"""Action side of ``promontory.stack.settled``: collects what the preflight phase has rendered."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.promontory.stack.plugins.plugin_utils.rendering import plain

_MODULE = "promontory.stack.settled"
SET_FACT = "stack_set_"  # with the component's name: what its preflight phase leaves for this question


class ActionModule(ActionBase):  # type: ignore[misc]
    """Asks a host once for all its components."""

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the task; see the module's documentation for its result."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        facts = (task_vars or {}).get("ansible_facts") or {}
        installed = (facts.get("stack_host") or {}).get("installed") or {}
        sets = {
            key[len(SET_FACT) :]: plain(value)
            for key, value in facts.items()
            if key.startswith(SET_FACT) and key[len(SET_FACT) :] in installed
        }
        if not sets:
            return {**result, "changed": False, "ansible_facts": {"stack_settled": {}}}
        result.update(self._execute_module(module_name=_MODULE, module_args={"sets": sets}, task_vars=task_vars))
        return result
