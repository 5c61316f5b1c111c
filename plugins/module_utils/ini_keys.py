"""Keys for an ini file judged by the release's own file of defaults: many programs pass over a misspelt key in silence."""

from __future__ import annotations

import difflib
import fnmatch
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ansible_collections.promontory.stack.plugins.module_utils.errors import ComponentError

_SECTION = re.compile(r"\[([^\]]+)\]$")
# Also what the defaults only mention: `;key = value` or `# key = value`.
_KEY = re.compile(r"[;#]?\s?([A-Za-z_][\w.-]*)\s*=")


def keys_of(text: str) -> dict[str, set[str]]:
    """Return the keys that a file of defaults knows, by section; those that are commented out count too."""
    found: dict[str, set[str]] = {"": set()}
    section = ""
    for line in text.splitlines():
        stripped = line.strip()
        header = _SECTION.match(stripped.lstrip(";# "))
        key = _KEY.match(stripped)
        if header:
            section = header.group(1).strip()
            found.setdefault(section, set())
        elif key:
            found[section].add(key.group(1))
    return found


def require_known(
    component: str, asked: Mapping[str, Sequence[str]], defaults: Path, free: Sequence[str], *, otherwise: str
) -> None:
    """Refuse sections and keys that the release does not know.

    Args:
        component: Role whose variable ``<component>_config`` holds them.
        asked: The user's keys by section.
        defaults: The release's own file with every key it knows.
        free: Patterns of sections that take any key, such as ``plugin.*``.
        otherwise: What serves while the set is refused, for the message.
    Raises:
        ComponentError: It names the section and key, and the nearest one that is known.
    """
    judged = {name: keys for name, keys in asked.items() if not any(fnmatch.fnmatchcase(name, one) for one in free)}
    if not judged:
        return
    try:
        known = keys_of(defaults.read_text(encoding="utf-8"))
    except OSError as error:
        raise ComponentError(
            f"{component}: the release has no {defaults.name} by which {component}_config could be judged ({error})."
        ) from error
    for section, keys in judged.items():
        if section not in known:
            _refuse(component, f"{component}_config.{section}", section, known, otherwise)
        for key in keys:
            if key not in known[section]:
                _refuse(component, f"{component}_config.{section}.{key}", key, known[section], otherwise)


def _refuse(component: str, what: str, name: str, known: Iterable[str], otherwise: str) -> None:
    near = difflib.get_close_matches(name, [item for item in known if item], n=1)
    hint = f"Did you mean {near[0]}? " if near else ""
    raise ComponentError(
        f"{what}: this release of {component} does not know it.", hint=f"{hint}Correct it and run again; {otherwise}."
    )
