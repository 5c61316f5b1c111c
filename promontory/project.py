"""Where things lie: the project's tree, its generated files and the inventory that was asked for."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from promontory.errors import UsageError

_LANDMARK = Path("playbooks/site.yml")


@dataclass(frozen=True)
class Project:
    """A clone of Promontory.

    Attributes:
        root: The directory that holds playbooks/ and roles/.
        inventory: Absolute path of the inventory directory or file in use.
    """

    root: Path
    inventory: Path

    @property
    def build(self) -> Path:
        """Generated, not secret: verify.json, stack.json, status.json, proof.json."""
        return self.root / "build"

    @property
    def lab_state(self) -> Path:
        """Keys, secrets and notes of lab hosts; mode 0700."""
        return self.root / ".lab"

    @property
    def inventory_name(self) -> str:
        """The inventory as the user would type it from the project's root."""
        if self.inventory.is_relative_to(self.root):
            return str(self.inventory.relative_to(self.root))
        return str(self.inventory)

    def playbook(self, name: str) -> Path:
        """Give the path of a playbook.

        Raises:
            UsageError: This tree has none of that name.
        """
        path = self.root / "playbooks" / f"{name}.yml"
        if not path.is_file():
            raise UsageError(f"{path} does not exist.", hint="The clone is incomplete: compare it with `git status`.")
        return path

    def command(self, arguments: str) -> str:
        """Spell a `promontory` command for a hint, with -i when the inventory is not the default one."""
        inventory = "" if self.inventory == self.root / "inventories/lab" else f" -i {self.inventory_name}"
        return f"{_program()} {arguments}{inventory}"


def find_project(inventory: str | None = None, start: Path | None = None) -> Project:
    """Find the project and the inventory to use.

    The project is PROMONTORY_PROJECT, else the nearest parent of `start` (default: the current directory) that
    looks like one, else the tree this package was installed from.

    Args:
        inventory: As typed after -i: relative to the current directory or to the project. None: inventories/lab.
        start: Where the search begins.
    Raises:
        UsageError: No project, or no such inventory.
    """
    root = _find_root(start or Path.cwd())
    if inventory is None:
        chosen = root / "inventories/lab"
    else:
        candidates = [Path(inventory).expanduser().absolute(), root / inventory]
        chosen = next((path for path in candidates if path.exists()), candidates[0])
    if not chosen.exists():
        known = sorted(path.name for path in (root / "inventories").glob("*") if path.is_dir())
        raise UsageError(
            f"Inventory {chosen} does not exist.",
            hint=f"Name an inventory file or directory with -i; here are: {', '.join(known) or 'none'}.",
        )
    return Project(root=root, inventory=chosen.resolve())


def _program() -> str:
    """Spell this program so that the line can be pasted: by name where PATH has it, else with its path."""
    if shutil.which("promontory"):
        return "promontory"
    own = Path(sys.executable).with_name("promontory")
    return str(own.relative_to(Path.cwd())) if own.is_relative_to(Path.cwd()) else str(own)


def _find_root(start: Path) -> Path:
    named = os.environ.get("PROMONTORY_PROJECT")
    if named:
        if not (Path(named) / _LANDMARK).is_file():
            raise UsageError(
                f"PROMONTORY_PROJECT is {named}, which has no {_LANDMARK}.",
                hint="Set it to a clone of Promontory, or unset it.",
            )
        return Path(named).resolve()
    here = start.resolve()
    for candidate in [here, *here.parents, Path(__file__).resolve().parent.parent]:
        if (candidate / _LANDMARK).is_file() and (candidate / "galaxy.yml").is_file():
            return candidate
    raise UsageError(
        f"{start} is not inside a clone of Promontory.", hint="cd into the clone, or set PROMONTORY_PROJECT to it."
    )
