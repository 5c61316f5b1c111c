"""What is no longer needed on a host: old generations, releases nobody uses, a whole component."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection
from pathlib import Path

from ansible_collections.promontory.stack.plugins.module_utils import atomic
from ansible_collections.promontory.stack.plugins.module_utils.layout import Layout
from ansible_collections.promontory.stack.plugins.module_utils.release import MANIFEST


def number_of(generation_id: str) -> int:
    """Return a generation's running number; 0 for a name that is none."""
    head = generation_id.split("-")[0]
    return int(head) if head.isdigit() else 0


def remove_unfinished(layout: Layout, known: Collection[str]) -> None:
    """Remove what a killed run had begun and no journal knows of."""
    for leftover in leftovers(layout):
        atomic.remove_tree(leftover)
    newest = max((number_of(generation) for generation in known), default=0)
    if layout.generations.is_dir():
        for entry in layout.generations.iterdir():
            if number_of(entry.name) > newest:
                atomic.remove_tree(entry)


def leftovers(layout: Layout) -> list[Path]:
    """Return what a killed run had begun for this component, its scratch trees (with secrets in them) included."""
    found = [entry for directory in (layout.opt, layout.etc, layout.generations) for entry in atomic.leftovers(directory)]
    found += atomic.leftovers(layout.journal.parent, f"{layout.journal.name}-")
    # In /var/tmp anybody may make a directory: only what is ours is touched.
    found += [entry for entry in layout.scratch.glob(f"{layout.scratch_prefix}*") if entry.lstat().st_uid == os.geteuid()]
    return found


def is_present(layout: Layout) -> bool:
    """Tell whether anything was installed for the component, or begun to be."""
    installed = layout.journal.exists() or layout.generations.exists()
    return installed or bool(leftovers(layout) or unused_releases(layout))


def remove_old(layout: Layout, known: Collection[str], *, keep: int) -> None:
    """Keep the newest generations and those the journal names; remove the rest and their releases."""
    by_age = sorted((entry for entry in layout.generations.iterdir() if entry.is_dir()), reverse=True)
    for entry in by_age[max(keep, 1) :]:
        if entry.name not in known:
            atomic.remove_tree(entry)
    remove_unused_releases(layout)
    remove_unused_addons(layout)


def remove_unused_addons(layout: Layout) -> None:
    """Remove sets of plugins that no kept generation's configuration names."""
    if not layout.addons.is_dir():
        return
    texts = [
        path.read_text(encoding="utf-8", errors="replace")
        for path in layout.generations.glob("*/config/*")
        if path.is_file()
    ]
    for entry in layout.addons.iterdir():
        if not any(f"/{entry.name}" in text for text in texts):
            atomic.remove_tree(entry)


def remove_unused_releases(layout: Layout) -> None:
    """Remove the program's releases that no generation of any component refers to."""
    for entry in unused_releases(layout):
        atomic.remove_tree(entry)


def unused_releases(layout: Layout) -> list[Path]:
    """Return the program's releases that no generation of any component refers to.

    Only what bears our manifest is a release: ``/opt/<program>`` may hold an earlier installation by hand.
    """
    if not layout.opt.is_dir():
        return []
    used = {
        Path(target).name
        for generation in (layout.root / "etc").glob("*/generations/*")
        if (target := atomic.read_link(generation / "release")) and Path(target).parent.name == layout.program
    }
    return [
        entry
        for entry in layout.opt.iterdir()
        if not entry.is_symlink() and (entry / MANIFEST).is_file() and entry.name not in used
    ]


def unit_links_right(layout: Layout) -> bool:
    """Tell whether systemd finds the unit through the current generation and starts it at boot."""
    unit = f"/etc/{layout.name}/current/{layout.unit_name}"
    return (
        atomic.read_link(layout.unit_link) == unit and atomic.read_link(layout.wants_link) == f"../{layout.unit_name}"
    )


def link_unit(layout: Layout) -> None:
    """Let systemd find the unit, let it start at boot, and let people find the release."""
    layout.wants_link.parent.mkdir(parents=True, exist_ok=True)
    atomic.point_link(layout.unit_link, f"/etc/{layout.name}/current/{layout.unit_name}")
    atomic.point_link(layout.wants_link, f"../{layout.unit_name}")
    if not layout.opt_current.is_symlink() and layout.opt.is_dir():
        atomic.point_link(layout.opt_current, f"/etc/{layout.name}/current/release")


def unlink_unit(layout: Layout) -> None:
    """Take the unit away from systemd; the service is stopped already."""
    layout.wants_link.unlink(missing_ok=True)
    layout.unit_link.unlink(missing_ok=True)


def remove_installed(layout: Layout) -> None:
    """Remove all that was installed for a component, but not its data."""
    layout.current.unlink(missing_ok=True)
    atomic.remove_tree(layout.generations)
    atomic.remove_tree(layout.addons)
    if atomic.read_link(layout.opt_current) == f"/etc/{layout.name}/current/release":
        layout.opt_current.unlink()
    remove_unused_releases(layout)
    for leftover in leftovers(layout):
        atomic.remove_tree(leftover)
    for directory in (layout.etc, layout.opt):
        if directory.is_dir() and not any(directory.iterdir()) and not directory.is_mount():
            directory.rmdir()
    layout.journal.unlink(missing_ok=True)


def has_data(layout: Layout) -> bool:
    """Tell whether there is something that :func:`remove_data` would remove."""
    return layout.backups.is_dir() or (layout.data.is_dir() and (not _data_stays(layout) or any(layout.data.iterdir())))


def remove_data(layout: Layout) -> None:
    """Remove the program's own state and its backups; a disk mounted there, or a link to another place, is emptied and stays."""
    if layout.backups.is_dir():
        shutil.rmtree(layout.backups)
    if not layout.data.is_dir():
        return
    for entry in layout.data.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    if not _data_stays(layout):
        layout.data.rmdir()


def _data_stays(layout: Layout) -> bool:
    return layout.data.is_symlink() or layout.data.is_mount()
