"""Runs ansible-playbook for tests: local hosts, a configuration of its own, nothing from the caller's."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Run:
    """What a run said and how it ended; output is stdout and stderr together."""

    returncode: int
    output: str

    @property
    def changed(self) -> int:
        """Number of tasks that reported a change, of all hosts."""
        return sum(int(number) for number in re.findall(r"\bchanged=(\d+)", self.output))


class Project:
    """A folder with an inventory and playbooks that finds the collection as a user's would.

    Args:
        folder: An empty directory.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.hosts: dict[str, dict[str, Any]] = {}
        self.groups: dict[str, list[str]] = {}
        (folder / "ansible.cfg").write_text("[defaults]\nresult_format = yaml\nretry_files_enabled = false\n")

    def host(self, name: str, *groups: str, **variables: Any) -> Project:
        """Add a host that is this machine."""
        self.hosts[name] = variables
        for group in groups:
            self.groups.setdefault(group, []).append(name)
        return self

    def file(self, path: str, content: Any) -> Path:
        """Write a file below the folder: text as it is, anything else as YAML."""
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False))
        return place

    def play(self, *tasks: Mapping[str, Any], hosts: str = "all", options: tuple[str, ...] = (), **play: Any) -> Run:
        """Run tasks in one play and return what came of it."""
        self.file(
            "hosts.yml",
            {
                "all": {
                    "hosts": self.hosts,
                    "children": {name: {"hosts": dict.fromkeys(members)} for name, members in self.groups.items()},
                    "vars": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable},
                }
            },
        )
        self.file("play.yml", [{"hosts": hosts, "gather_facts": False, "tasks": list(tasks), **play}])
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")},
            "ANSIBLE_CONFIG": str(self.folder / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "playbooks" / "collections"),
            "ANSIBLE_LOCAL_TEMP": str(self.folder / ".ansible"),
            "ANSIBLE_NOCOLOR": "1",
        }
        done = subprocess.run(
            [Path(sys.executable).with_name("ansible-playbook"), "-i", "hosts.yml", "play.yml", *options],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Run(done.returncode, done.stdout + done.stderr)
