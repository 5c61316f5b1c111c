"""Filters ``promontory.stack.project_path`` and ``promontory.stack.collection_path``: places on the controller.

Their documentation lies beside in project_path.yml and collection_path.yml.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleFilterError

# An ansible.cfg can also lie beside playbooks, so it only counts where nothing else marks a project.
_MARKS = (("galaxy.yml", ".git"), ("ansible.cfg",))


def project_path(playbook_dir: str, relative: str = "") -> str:
    """Return the nearest folder at or above the playbook's that is marked as a project, else the playbook's own."""
    start = Path(playbook_dir).resolve()
    folders = (start, *start.parents)
    marked = (folder for marks in _MARKS for folder in folders if any((folder / mark).exists() for mark in marks))
    return str(next(marked, start) / relative)


def collection_path(relative: str) -> str:
    """Return a path inside this collection, links resolved, so that it is the same from any playbook."""
    path = Path(__file__).resolve().parents[2] / relative
    if not path.exists():
        raise AnsibleFilterError(f"promontory.stack.collection_path: this collection has no {relative!r} ({path}).")
    return str(path)


class FilterModule:
    """The collection's loader looks here."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters of this file."""
        return {"project_path": project_path, "collection_path": collection_path}
