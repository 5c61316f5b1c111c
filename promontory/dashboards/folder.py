"""Reads folders of dashboard modules: ours, and those of users."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from promontory.dashboards.model import Dashboard
from promontory.dashboards.problems import DashboardsRefused, Problem, Source
from promontory.errors import UsageError


@dataclass(frozen=True)
class Folder:
    """A folder with one module for each dashboard; its JSON lies in `json/` below it.

    Attributes:
        path: The folder; a module may import from its neighbours with `from .queries import hosts`.
    """

    path: Path

    @property
    def json(self) -> Path:
        """Where the built dashboards are."""
        return self.path / "json"

    def modules(self) -> list[Path]:
        """The dashboard modules in the order of their names; names that begin with _ are helpers."""
        return sorted(path for path in self.path.glob("*.py") if not path.name.startswith("_"))


def read_folders(folders: Sequence[Folder]) -> list[tuple[Folder, Dashboard]]:
    """Carry out the modules of folders and return what they call `dashboard`.

    Raises:
        UsageError: There is no such folder, or nothing in it.
        DashboardsRefused: A module breaks, defines no dashboard, or takes the uid or title of another.
    """
    found: list[tuple[Folder, Dashboard]] = []
    problems: list[Problem] = []
    for number, folder in enumerate(folders):
        if not folder.path.is_dir() or not folder.modules():
            raise UsageError(
                f"{folder.path} holds no dashboard modules.",
                hint="Name a folder with -f whose *.py each define `dashboard`; see docs/how-to/add-a-dashboard.md.",
            )
        package = _package(folder.path, f"_promontory_dashboards_{number}")
        for path in folder.modules():
            loaded = _load(package, path)
            if isinstance(loaded, Problem):
                problems.append(loaded)
            else:
                found.append((folder, loaded))
    problems += _twice([board for _, board in found])
    if problems:
        raise DashboardsRefused(problems)
    return found


def _package(path: Path, name: str) -> str:
    """Make a folder a package under a name of its own, so that relative imports work and no other name is hidden."""
    for old in [key for key in sys.modules if key == name or key.startswith(f"{name}.")]:
        del sys.modules[old]
    spec = importlib.util.spec_from_loader(name, loader=None, is_package=True)
    assert spec is not None   # noqa: S101 - a name and no loader always give a spec
    module = importlib.util.module_from_spec(spec)
    module.__path__ = [str(path)]
    sys.modules[name] = module
    return name


def _load(package: str, path: Path) -> Dashboard | Problem:
    spec = importlib.util.spec_from_file_location(f"{package}.{path.stem}", path)
    assert spec is not None   # noqa: S101 - the path ends in .py
    assert spec.loader is not None   # noqa: S101
    module: ModuleType = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:   # noqa: BLE001 - a user's module may raise anything; it is told with its place
        return Problem(_place(error, path), "", "", f"{type(error).__name__}: {error}")
    board: Any = getattr(module, "dashboard", None)
    if not isinstance(board, Dashboard):
        seen = "nothing" if board is None else f"a {type(board).__name__}"
        return Problem(
            Source(str(path), 1), "", "",
            f"`dashboard` is {seen}; a module says `dashboard = Dashboard(...)`, or its name begins with _ if it only helps.",
        )  # fmt: skip
    return board


def _place(error: Exception, path: Path) -> Source:
    """The last line inside the user's own files, else the module."""
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        return Source(error.filename, error.lineno)
    frames = [
        entry for entry in traceback.extract_tb(error.__traceback__)
        if Path(entry.filename).is_relative_to(path.parent)
    ]  # fmt: skip
    return Source(frames[-1].filename, frames[-1].lineno or 0) if frames else Source(str(path))


def _twice(boards: Sequence[Dashboard]) -> list[Problem]:
    problems = []
    for what in ("uid", "title"):
        first: dict[str, Dashboard] = {}
        for board in boards:
            value = getattr(board, what)
            if value in first:
                problems.append(
                    Problem(board.source, board.uid, "", f"its {what} {value!r} is taken by {first[value].source}.")
                )
            first.setdefault(value, board)
    return problems
