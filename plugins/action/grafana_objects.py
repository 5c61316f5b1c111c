"""Action side of ``promontory.stack.grafana_objects``: token values come from and go to files of the controller."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.promontory.stack.plugins.module_utils.atomic import write_file
from ansible_collections.promontory.stack.plugins.plugin_utils.rendering import plain

_MODULE = "promontory.stack.grafana_objects"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class ActionModule(ActionBase):  # type: ignore[misc]
    """Hands the module the known tokens, and keeps the new ones."""

    TRANSFERS_FILES = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the task; see the module's documentation for its arguments and result."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = plain(self._task.args)
        directory = Path(os.path.expanduser(str(arguments.pop("tokens_dir", ""))))
        files = self._files(arguments.get("service_accounts") or [], directory)
        known = {name: path.read_text(encoding="utf-8").strip() if path.is_file() else "" for name, path in files.items()}
        answer = self._execute_module(
            module_name=_MODULE, module_args={**arguments, "tokens": known}, task_vars=task_vars
        )
        answer.pop("invocation", None)
        for name, value in (answer.pop("tokens", None) or {}).items():
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_file(files[name], f"{value}\n".encode(), mode=0o600)
        result.update(answer)
        for note in result.get("notes") or []:
            self._display.warning(note)
        return result

    @staticmethod
    def _files(accounts: list[dict[str, Any]], directory: Path) -> dict[str, Path]:
        files = {}
        for account in accounts:
            for token in account.get("tokens") or []:
                for name in (account.get("name"), token.get("name")):
                    if not _NAME.fullmatch(str(name or "")):
                        raise AnsibleActionFail(
                            f"grafana_service_accounts: {name!r} cannot be the name of an account or token; it becomes part of a "
                            "file's name: letters, digits, ., - and _."
                        )
                files[f"{account['name']}/{token['name']}"] = (
                    directory / f"grafana_token_{account['name']}_{token['name']}"
                )
        return files
