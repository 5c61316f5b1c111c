"""Action ``promontory.stack.lab_image``: have, or remove, the base image of lab hosts."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.promontory.stack.plugins.plugin_utils import lab_image, plain
from ansible_collections.promontory.stack.plugins.plugin_utils.lab_names import LabError
from ansible_collections.promontory.stack.plugins.plugin_utils.lab_podman import passing_podman


class ActionModule(ActionBase):  # type: ignore[misc]
    """Builds the image on the controller when its recipe has none yet."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the task; see the module's documentation for its arguments and result."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _, wanted = self.validate_argument_spec(
            argument_spec={
                "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
                "suite": {"type": "str", "default": "trixie"},
                "packages": {"type": "list", "elements": "str", "default": []},
                "script": {"type": "path"},
                "registry_image": {"type": "str", "default": ""},
                "mirror": {"type": "str", "default": ""},
                "min_free_mb": {"type": "int", "default": 1536},
            },
            required_if=[("state", "present", ["script"])],
        )
        wanted = plain.of(wanted)
        check = bool(self._task.check_mode)
        try:
            result.update(_present(wanted, check) if wanted["state"] == "present" else _absent(check))
        except LabError as error:
            raise AnsibleActionFail(str(error)) from error
        return result


def _present(wanted: Mapping[str, Any], check: bool) -> dict[str, object]:
    script = Path(wanted["script"])
    recipe = lab_image.machine_recipe(wanted["suite"], wanted["packages"], script, wanted["mirror"])
    source, failure = "", ""
    with passing_podman() as podman:
        if podman.has_image(recipe.name):
            return {"changed": False, "image": recipe.name, "source": ""}
        if check:
            reachable = lab_image.registry_answers(wanted["registry_image"])
            lab_image.require_means(reachable, wanted["min_free_mb"])
        else:
            source, failure = lab_image.build(podman, recipe, wanted["registry_image"], wanted["min_free_mb"])
    result: dict[str, object] = {"changed": True, "image": recipe.name, "source": source}
    if failure:
        result["warnings"] = [f"Built from packages, for {wanted['registry_image']} could not be used: {failure}"]
    return result


def _absent(check: bool) -> dict[str, object]:
    removed: list[str] = []
    kept: list[str] = []
    if shutil.which("podman"):
        with passing_podman() as podman:
            for name in lab_image.stored(podman):
                if podman.call("ps", "--all", "--quiet", "--filter", f"ancestor={name}").strip():
                    kept.append(name)
                    continue
                if not check:
                    podman.call("rmi", name)
                removed.append(name)
    return {"changed": bool(removed), "removed": removed, "kept": kept}
