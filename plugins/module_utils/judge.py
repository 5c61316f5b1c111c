"""The verdict of the program's own tools on a set that does not serve yet."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from ansible_collections.promontory.stack.plugins.module_utils import commands, config_tree, debian, ini_keys
from ansible_collections.promontory.stack.plugins.module_utils import release as releases
from ansible_collections.promontory.stack.plugins.module_utils.declaration import Declaration
from ansible_collections.promontory.stack.plugins.module_utils.errors import ComponentError
from ansible_collections.promontory.stack.plugins.module_utils.layout import Layout
from ansible_collections.promontory.stack.plugins.module_utils.release import fill


def judge_uninstalled(layout: Layout, declared: Declaration, *, otherwise: str) -> None:
    """Check mode: judge a set with its own release, fetched into a scratch directory where the host lacks it."""
    installed = layout.opt / declared.release.name
    if releases.is_intact(installed, declared.release):
        judge(layout, declared, installed, otherwise=otherwise)
        return
    with _scratch(layout) as scratch:
        staged = Path(scratch) / "opt" / declared.release.name
        lists = layout.root / "run/promontory/apt"  # shared by the components of one run, gone at reboot
        if declared.release.source == "package":
            lists.mkdir(parents=True, exist_ok=True)
        releases.stage(declared.release, staged, apt=debian.Apt(scratch=lists))
        judge(layout, declared, staged, otherwise=otherwise)


def judge(layout: Layout, declared: Declaration, release: Path, *, otherwise: str) -> None:
    """Run the program's own checkers on this very tree with this very release.

    The tree is written a second time, with placeholders that point at itself: a configuration that
    names its own files would otherwise be judged with the live ones.

    Args:
        layout: The component's paths.
        declared: The set to judge.
        release: Where its release lies, staged or installed.
        otherwise: What serves while the set is refused, for the message.
    Raises:
        ComponentError: A checker refuses the set, in its own words.
    """
    with _scratch(layout) as scratch:
        config, data = Path(scratch) / "config", Path(scratch) / "data"
        data.mkdir()
        places = {"release": str(release), "config": str(config), "data": str(data)}
        config_tree.write(config, declared.tree, owner=None, places=places)
        _refuse_unknown_flags(layout, declared, places, otherwise)
        _refuse_unknown_keys(layout, declared, places, otherwise)
        for check in declared.checks:
            argv = releases.expand(check, places)
            result = commands.run(argv, cwd=config)
            if result.returncode != 0:
                shown = " ".join([Path(argv[0]).name, *argv[1:]])
                raise ComponentError(
                    f"{layout.name}: `{shown.replace(f'{config}/', '')}` refuses the new configuration.",
                    detail=commands.output(result).replace(f"{config}/", ""),
                    hint=f"Correct the variable or file named above and run again; {otherwise}.",
                )


def _scratch(layout: Layout) -> tempfile.TemporaryDirectory[str]:
    layout.scratch.mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryDirectory(prefix=layout.scratch_prefix, dir=layout.scratch)


def _refuse_unknown_keys(layout: Layout, declared: Declaration, places: Mapping[str, str], otherwise: str) -> None:
    known = declared.known_keys
    if known:
        defaults = Path(fill(str(known["file"]), places))
        ini_keys.require_known(
            layout.name, known.get("keys") or {}, defaults, known.get("free") or [], otherwise=otherwise
        )


def _refuse_unknown_flags(layout: Layout, declared: Declaration, places: Mapping[str, str], otherwise: str) -> None:
    if not declared.help_command or not declared.used_flags:
        return
    result = commands.run(releases.expand(declared.help_command, places))
    words = (result.stdout + result.stderr).replace("=", " ").replace(",", " ").split()
    known = {word.replace("--[no-]", "--") for word in words}
    for flag in declared.used_flags:
        if flag not in known and flag.replace("--no-", "--", 1) not in known:
            raise ComponentError(
                f"{layout.name}: {declared.release.program} {declared.release.version} has no flag {flag}.",
                hint=f"Correct {layout.name}_flags and run again; {otherwise}.",
            )
