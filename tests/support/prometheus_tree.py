"""What the role prometheus writes for a Prometheus host, without a host: for tests that run or check the result."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.support.playbooks import ROOT, Project

_ROLES = ("common", "rules", "prometheus")
_PLACE = "mon1"


def render(folder: Path, **variables: Any) -> Path:
    """Write the configuration tree of a Prometheus on this machine; return the path of prometheus.yml.

    Args:
        folder: An empty directory, for the project and, below ``config``, for the tree.
        variables: Of the role prometheus and the stack.
    Raises:
        AssertionError: The play failed; the message is what it said.
    """
    place = folder / "play"
    place.mkdir(parents=True)
    project = Project(place).host(_PLACE, "prometheus", stack_address="127.0.0.1")
    project.file("variables.json", json.dumps(variables))
    run = project.play(
        {"promontory.stack.topology": {"problems": "report"}, "run_once": True},
        # What is left out (omit) falls away when a task takes its arguments, as for the role's own task.
        {"ansible.builtin.set_fact": {"tree": "{{ __prometheus_tree }}", "secrets": _secrets_of_the_role()}, "no_log": True},
        {
            "ansible.builtin.copy": {
                "content": "{{ {'tree': tree, 'secrets': secrets} | to_json }}",
                "dest": "{{ playbook_dir }}/tree.json",
                "mode": "0600",
            },
            "no_log": True,
        },
        vars_files=[str(file) for file in _variable_files()],
        options=("-e", "@variables.json"),
    )
    assert run.returncode == 0, run.output
    made = json.loads((project.folder / "tree.json").read_text())
    return _write(folder / "config", made["tree"], made["secrets"])


def _variable_files() -> list[Path]:
    defaults = [file for role in _ROLES for file in sorted((ROOT / "roles" / role / "defaults").rglob("*.yml"))]
    return defaults + [file for role in _ROLES for file in sorted((ROOT / "roles" / role / "vars").rglob("*.yml"))]


def _secrets_of_the_role() -> str:
    tasks = yaml.safe_load((ROOT / "roles/prometheus/tasks/main.yml").read_text(encoding="utf-8"))
    return str(tasks[0]["promontory.stack.component"]["secrets"])


def _write(config: Path, tree: Mapping[str, Mapping[str, Any]], secrets: Mapping[str, str]) -> Path:
    texts = {
        path: entry["content"] if "content" in entry else yaml.safe_dump(entry["yaml"], sort_keys=False)
        for path, entry in tree.items()
    } | {f"secrets/{name}": text for name, text in secrets.items()}
    for path, text in texts.items():
        place = config / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text.replace("{config}", str(config)), encoding="utf-8")
    return config / "prometheus.yml"
