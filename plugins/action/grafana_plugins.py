"""Action side of ``promontory.stack.grafana_plugins``: has the archives verified here, and brings them where they are missing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.promontory.stack.plugins.module_utils.errors import ComponentError
from ansible_collections.promontory.stack.plugins.plugin_utils.artifact import Cache
from ansible_collections.promontory.stack.plugins.plugin_utils.grafana import plugins as pinned
from ansible_collections.promontory.stack.plugins.plugin_utils.grafana.errors import GrafanaError
from ansible_collections.promontory.stack.plugins.plugin_utils.rendering import plain

_MODULE = "promontory.stack.grafana_plugins"
_HOST_MODULE = "promontory.stack.host"


class ActionModule(ActionBase):  # type: ignore[misc]
    """Fetches on the controller; the host is asked once, and once more where it lacks the set."""

    TRANSFERS_FILES = False
    _requires_connection = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the task; see the module's documentation for its arguments and result."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        arguments = plain(self._task.args)
        try:
            result.update(self._run(arguments, variables))
        except (ComponentError, GrafanaError) as error:
            raise AnsibleActionFail(f"grafana: {error}") from error
        finally:
            if self._connection._shell.tmpdir:
                self._remove_tmp_path(self._connection._shell.tmpdir)
        result.pop("invocation", None)
        return result

    def _run(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        architecture = self._architecture(variables)
        told = arguments.get("plugins") or []
        archives = [pinned.describe(number, plugin, architecture=architecture) for number, plugin in enumerate(told)]
        cache = Cache(Path(os.path.expanduser(str(self._stack(variables, "stack_artifact_cache")))))
        if self._stack(variables, "stack_component_phase") == "preflight":
            for archive in archives:  # nothing is changed anywhere before every archive is here
                cache.ensure(archive)
            return {"changed": False, "skipped_phase": "preflight"}
        wire = [
            {"id": plugin["id"], "version": plugin["version"], "sha256": archive.sha256}
            for plugin, archive in zip(told, archives, strict=True)
        ]
        answer = self._call(arguments["name"], wire, variables)
        if answer.pop("need_archives", False):
            for entry, archive in zip(wire, archives, strict=True):
                path = cache.ensure(archive)
                tmpdir = self._connection._shell.tmpdir or self._make_tmp_path()
                entry["archive"] = self._transfer_file(str(path), self._connection._shell.join_path(tmpdir, path.name))
            answer = self._call(arguments["name"], wire, variables)
        return answer

    def _call(self, name: str, plugins: list[dict[str, Any]], variables: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = self._execute_module(
            module_name=_MODULE, module_args={"name": name, "plugins": plugins}, task_vars=variables
        )
        return answer

    def _stack(self, variables: dict[str, Any], name: str) -> Any:
        value = variables.get(name)
        return plain(self._templar.template(value)) if value is not None else None

    def _architecture(self, variables: dict[str, Any]) -> str:
        facts = (variables.get("ansible_facts") or {}).get("stack_host")
        if facts is None:
            answer = self._execute_module(module_name=_HOST_MODULE, module_args={}, task_vars=variables)
            if answer.get("failed") or answer.get("unreachable"):
                raise ComponentError(f"The host cannot be asked what it is: {answer.get('msg')}")
            facts = answer["ansible_facts"]["stack_host"]
        return str(plain(facts)["architecture"])
