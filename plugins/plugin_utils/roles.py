"""Finds roles on the controller and reads what they say about their variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from ansible.parsing.dataloader import DataLoader

COLLECTION = "promontory.stack"
COMMON = f"{COLLECTION}.common"
_COLLECTION_ROLES = Path(__file__).resolve().parents[2] / "roles"


class RoleProblem(ValueError):
    """A role that is missing or whose description cannot be read; the message is complete."""


@dataclass(frozen=True)
class RoleData:
    """What a role says about its variables.

    Attributes:
        name: As it was asked for, such as ``promontory.stack.prometheus``.
        path: Its folder.
        options: The main entry point's options from meta/argument_specs.yml; None when the role has no such file.
        defaults: Default values, not yet templated.
        internal: Values from vars/, not yet templated: not for the user to set.
        removed: What became of variables that it once had, by name: {use, reason, since}.
    """

    name: str
    path: Path
    options: Mapping[str, Any] | None
    defaults: Mapping[str, Any] = field(default_factory=dict)
    internal: Mapping[str, Any] = field(default_factory=dict)
    removed: Mapping[str, Any] = field(default_factory=dict)

    @property
    def prefix(self) -> str:
        """What its variables start with."""
        short = self.name.rsplit(".", 1)[-1]
        return "stack_" if self.name == COMMON else f"{short}_"


def built_in() -> frozenset[str]:
    """Return the names of the roles in this collection."""
    return frozenset(folder.name for folder in _COLLECTION_ROLES.iterdir() if folder.is_dir())


def find(name: str, roles_path: list[str]) -> Path:
    """Return the folder of a role.

    Args:
        name: ``promontory.stack.<role>``, another collection's role, or a plain name.
        roles_path: Folders with plain roles, in the order of search.
    Raises:
        RoleProblem: It is in none of them.
    """
    if name.startswith(f"{COLLECTION}."):
        path = _COLLECTION_ROLES / name[len(COLLECTION) + 1 :]
        if path.is_dir():
            return path
        raise RoleProblem(f"this collection has no role {name}; it has {', '.join(sorted(built_in()))}")
    if name.count(".") >= 2:
        return _in_collection(name)
    for folder in roles_path:
        path = Path(folder) / name
        if path.is_dir():
            return path
    raise RoleProblem(
        f"the role {name} is in none of {', '.join(roles_path)}. Write it there (see the how-to on new components), "
        f"or name another one: stack_components_extra: {{{name}: {{role: …}}}}"
    )


def _in_collection(name: str) -> Path:
    from ansible.utils.collection_loader._collection_finder import _get_collection_role_path

    found = _get_collection_role_path(name)
    if not found:
        raise RoleProblem(f"the role {name} is in no installed collection; install it with ansible-galaxy")
    return Path(found[1])


def read(name: str, path: Path, loader: DataLoader) -> RoleData:
    """Read a role's description.

    Raises:
        RoleProblem: A file is no YAML mapping.
    """
    specs = _plain_yaml(path / "meta" / "argument_specs.yml")
    return RoleData(
        name=name,
        path=path,
        options=((specs.get("argument_specs") or {}).get("main") or {}).get("options") or {} if specs else None,
        defaults=_variables(path / "defaults", loader),
        internal=_variables(path / "vars", loader),
        removed=_plain_yaml(path / "meta" / "removed_variables.yml"),
    )


@lru_cache(maxsize=64)
def _parsed(path: str, changed_ns: int) -> Mapping[str, Any]:
    """Parse with libyaml and without tags: a spec is long, and no template is ever taken from it."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        found = yaml.load(Path(path).read_text(encoding="utf-8"), Loader=loader)  # noqa: S506  a safe loader
    except yaml.YAMLError as error:
        raise RoleProblem(f"{path} is no YAML: {error}") from error
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise RoleProblem(f"{path} must hold a mapping")
    return found


def _plain_yaml(path: Path) -> Mapping[str, Any]:
    try:
        changed_ns = path.stat().st_mtime_ns
    except FileNotFoundError:
        return {}
    return _parsed(str(path), changed_ns)


def _variables(folder: Path, loader: DataLoader) -> dict[str, Any]:
    """Read ``<folder>/main.yml`` or the files of ``<folder>/main/``, as Ansible does for roles."""
    found: dict[str, Any] = {}
    nested = folder / "main"
    files = sorted(nested.glob("*.yml")) if nested.is_dir() else [folder / "main.yml"]
    for path in files:
        if not path.is_file():
            continue
        values = loader.load_from_file(str(path), unsafe=True, trusted_as_template=True)
        if values is None:
            continue
        if not isinstance(values, Mapping):
            raise RoleProblem(f"{path} must hold a mapping of variables")
        found.update(values)
    return found
