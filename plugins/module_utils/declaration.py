"""What a component shall be, and what a transaction did about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.promontory.stack.plugins.module_utils import config_tree
from ansible_collections.promontory.stack.plugins.module_utils.layout import Layout
from ansible_collections.promontory.stack.plugins.module_utils.release import Release, fill


@dataclass(frozen=True)
class Declaration:
    """The whole set as it shall be.

    Attributes:
        release: Program and version.
        user: Account to run as.
        tree: Configuration and secrets.
        unit: Unit file text; may hold placeholders.
        request: Digest of what was asked for, kept in the journal.
        checks: Commands that judge the set; each must exit 0.
        help_command: Prints the flags the program knows; empty when it cannot be asked.
        used_flags: Names of the flags in ``unit`` (``--name``), each must be in that help.
        reload_paths: Patterns of tree paths the program reads again on reload.
        readback: What to ask the program afterwards, as the role gave it.
        data_backup: What to keep of the program's data before another version runs on them; see ``data_backup.py``.
        known_keys: ``file`` (the release's own ini file with every key it knows), ``keys`` (the user's, by section, to be
            judged by it) and ``free`` (patterns of sections that take any key); empty when nothing is judged.
        keep_generations: How many sets to keep, the serving one included.
        allow_downgrade: Whether an older version may replace a newer one.
    """

    release: Release
    user: str
    tree: config_tree.Tree
    unit: str
    request: str
    checks: Sequence[Sequence[str]] = ()
    help_command: Sequence[str] = ()
    used_flags: Sequence[str] = ()
    reload_paths: Sequence[str] = ()
    readback: Mapping[str, Any] = field(default_factory=dict)
    data_backup: Mapping[str, Any] = field(default_factory=dict)
    known_keys: Mapping[str, Any] = field(default_factory=dict)
    keep_generations: int = 3
    allow_downgrade: bool = False

    def digest(self) -> str:
        """SHA-256 of everything that a change of would make another generation."""
        return config_tree.digest(self.release.name, self.tree, self.unit)

    def live_texts(self, layout: Layout) -> dict[str, str]:
        """The tree's texts as they are on the host once the set serves."""
        live = places(layout, self.release.name)
        texts = {path: fill(text, live) for path, text in self.tree.files.items()}
        return {**self.tree.all_texts(), **texts}

    def unit_text(self, layout: Layout) -> str:
        """The unit file as it is on the host once the set serves."""
        return fill(self.unit, places(layout, self.release.name))


def places(layout: Layout, release_name: str) -> dict[str, str]:
    """What the placeholders stand for once a set serves."""
    return {
        "release": f"/opt/{layout.program}/{release_name}",
        "config": f"/etc/{layout.name}/current/config",
        "data": f"/var/lib/{layout.name}",
    }


@dataclass
class Outcome:
    """What a transaction did, or would do in check mode.

    Attributes:
        changed: Whether anything differs from before.
        actions: What was done, in order, in words.
        diff: Ansible's diff entries.
        version: Version that serves now; empty when nothing is installed.
        generation: Generation that serves now; empty when nothing is installed.
    """

    changed: bool = False
    actions: list[str] = field(default_factory=list)
    diff: list[dict[str, str]] = field(default_factory=list)
    version: str = ""
    generation: str = ""

    def did(self, action: str) -> None:
        """Note a change."""
        self.changed = True
        self.actions.append(action)
