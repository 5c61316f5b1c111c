"""Action ``promontory.stack.report``: one table and one JSON file from what all hosts said."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.promontory.stack.plugins.plugin_utils import plain, reports

_REGISTERED = {"verify": "verify_result", "status": "status_result"}


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs on the controller alone; needs no connection."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Write the report and, for a verification with a miss, fail."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = {key: plain.of(value) for key, value in self._task.args.items()}
        kind = arguments.get("kind")
        if (
            kind not in _REGISTERED
            or not arguments.get("directory")
            or set(arguments) - {"kind", "directory", "environment"}
        ):
            raise AnsibleActionFail("promontory.stack.report takes kind (verify or status), directory and environment.")
        said = self._said(_REGISTERED[kind], task_vars or {})
        at = datetime.now(tz=UTC).isoformat(timespec="seconds")
        environment = str(arguments.get("environment", ""))
        path = Path(arguments["directory"]) / f"{kind}.json"
        if kind == "verify":
            report = reports.verification(said, environment, at)
            text = reports.verification_table(report)
        else:
            addresses = {host: str(plain.of(task_vars["hostvars"][host].get("stack_address", ""))) for host in said}
            report = reports.states(said, addresses, environment, at)
            text = reports.states_table(report)
        _write(path, report)
        Display().display(text)
        result.update(changed=False, report=report, path=str(path))
        if kind == "verify" and not report["ok"]:
            result.update(failed=True, msg=_refusal(report["checks"]))
        return result

    @staticmethod
    def _said(variable: str, task_vars: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
        """Registered results by host, in the inventory's order; empty where a host never got to the question."""
        hostvars = task_vars["hostvars"]
        hosts = [str(host) for host in task_vars["ansible_play_hosts_all"]]
        return {host: plain.of(hostvars[host].get(variable, {})) for host in hosts}


def _refusal(checks: list[dict[str, Any]]) -> str:
    misses = [check for check in checks if not check["ok"]]
    if not misses:
        return "No host was asked: the inventory has no Prometheus, Alertmanager or edge."
    first = misses[0]
    return (
        f"The stack does not work as it should ({len(misses)} of {len(checks)} checks): {first['name']} on "
        f"{first['host']}: {first['detail']}. Look closer: {first['look']}"
    )


def _write(path: Path, report: Mapping[str, Any]) -> None:
    """Replace the file at once: who reads it while a run goes on sees the former one or this one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(prefix=path.name, dir=path.parent)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(json.dumps(report, indent=2) + "\n")
    os.chmod(draft, 0o644)
    os.replace(draft, path)
