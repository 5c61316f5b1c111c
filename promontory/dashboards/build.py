"""Builds all dashboards of a project, and writes them so that a broken build leaves the former files."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from promontory.catalogue import Catalogue
from promontory.catalogue import load as load_catalogue
from promontory.dashboards.assemble import Built, assemble
from promontory.dashboards.folder import Folder, read_folders
from promontory.dashboards.problems import DashboardsRefused, Problem
from promontory.dashboards.rulebook import Alert, alerts_of, read_groups
from promontory.project import Project
from promontory.promql.rules import with_groups


@dataclass(frozen=True)
class Collection:
    """Everything that one build made.

    Attributes:
        boards: With the folder that each belongs to, in the order of folders and modules.
        alerts: Of the rule files, by name.
        catalogue: The metrics that exist, results of recording rules included.
    """

    boards: Sequence[tuple[Folder, Built]]
    alerts: Mapping[str, Alert]
    catalogue: Catalogue

    def files(self) -> dict[Path, str]:
        """Return the files of the build: path and text."""
        files = {folder.json / f"{board.uid}.json": board.text for folder, board in self.boards}
        for folder in {folder for folder, _ in self.boards}:
            index = alert_index([board for owner, board in self.boards if owner == folder])
            if index:
                files[folder.path / "alerts.json"] = json.dumps(index, indent=2, ensure_ascii=False) + "\n"
        return files


def build(project: Project, own: Sequence[Path] = ()) -> Collection:
    """Build the dashboards of the project and those of the user's folders, all against the same rules.

    Raises:
        UsageError, DashboardsRefused: See `read_folders` and `alerts_of`, and what `assemble` refuses.
    """
    groups = read_groups(project.root / "rules")
    alerts = alerts_of(groups)
    catalogue = with_groups(load_catalogue(), [group for _, group in groups])
    folders = [Folder(project.root / "dashboards"), *(Folder(path.resolve()) for path in own)]
    read = read_folders(folders)
    titles = {board.uid: board.title for _, board in read}
    boards: list[tuple[Folder, Built]] = []
    problems: list[Problem] = []
    for folder, board in read:
        built, wrong = assemble(board, alerts, titles, catalogue)
        problems += wrong
        if built is not None:
            boards.append((folder, built))
    if problems:
        raise DashboardsRefused(problems)
    return Collection(boards, alerts, catalogue)


def alert_index(boards: Sequence[Built]) -> dict[str, dict[str, Any]]:
    """Return for each alert the panel that shows it: uid, panel_id and title; the first one that names it."""
    index: dict[str, dict[str, Any]] = {}
    for board in boards:
        for panel in board.panels:
            for alert in panel.alerts:
                entry = {"uid": board.uid, "panel_id": panel.id, "title": panel.title}
                index.setdefault(alert, entry)
    return dict(sorted(index.items()))


def write(files: Mapping[Path, str], *, prune: bool = True) -> list[Path]:
    """Write files and take away the JSON of dashboards that are gone; return the paths that changed.

    All new contents lie beside their targets before the first one takes its place, and each takes its place in one
    step: whoever breaks off earlier leaves the former files, whoever reads in between reads whole files.

    Args:
        prune: Whether to take away; not in a directory that is somebody else's.
    Raises:
        OSError: The disk refuses.
    """
    changed = {path: text for path, text in files.items() if not path.is_file() or path.read_text(encoding="utf-8") != text}
    gone = [
        path for folder in {path.parent for path in files if prune and path.parent.name == "json"} if folder.is_dir()
        for path in sorted(folder.glob("*.json")) if path not in files
    ]  # fmt: skip
    staged: list[tuple[Path, Path]] = []
    try:
        for path, text in changed.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            beside = path.with_name(f".{path.name}.{os.getpid()}")
            staged.append((beside, path))
            with beside.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        for beside, path in staged:
            beside.replace(path)
    finally:
        for beside, _ in staged:
            with contextlib.suppress(FileNotFoundError):
                beside.unlink()
    for path in gone:
        path.unlink()
    return sorted([*changed, *gone])
