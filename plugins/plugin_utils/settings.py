"""Settings that not every version of a program knows.

A role lists them once: ``flag:--name``, ``flag:--name=item`` (one item of a comma list) or
``config:file:dotted.path``, with the first (``since``) and last (``until``) version that knows it, or the
only release ``source`` that does. What the role itself renders is left out elsewhere; what the user asked
for is refused, because leaving it out would silently be something else than they asked for. So is what a role
renders of the user's own data and marks with ``otherwise: refuse``.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from ansible_collections.promontory.stack.plugins.module_utils import versions


class UnknownSetting(ValueError):
    """The user set something that the version to be installed does not know."""


@dataclass(frozen=True)
class Gate:
    """A program's table of settings, read for one release.

    Attributes:
        program: For messages; also the prefix of the variables to correct.
        version: Upstream version to be installed.
        source: ``archive``, ``repository``, ``package`` or ``python``.
        settings: The role's table.
    """

    program: str
    version: str
    source: str
    settings: Mapping[str, Mapping[str, str]]

    def flags(self, ours: Mapping[str, Any], users: Mapping[str, Any]) -> dict[str, Any]:
        """Merge the user's flags over ours and drop ours that the release does not know.

        Raises:
            UnknownSetting: A flag of the user's is not known.
        """
        for name, value in users.items():
            for item in _items(value):
                for key in (f"flag:--{name}", f"flag:--{name}={item}"):
                    self._require(key, f"{self.program}_flags.{name}" + (f": {item}" if "=" in key else ""))
        known = {}
        for name, value in ours.items():
            if not self._knows(f"flag:--{name}"):
                continue
            if any(key.startswith(f"flag:--{name}=") for key in self.settings):
                value = ",".join(item for item in _items(value) if self._knows(f"flag:--{name}={item}")) or None
            known[name] = value
        return {**known, **users}

    def config(self, path: str, ours: Mapping[str, Any], users: Mapping[str, Any]) -> dict[str, Any]:
        """Merge the user's free-form data over one of our files and drop what of ours the release does not know.

        Raises:
            UnknownSetting: A setting of the user's is not known.
        """
        merged = deepcopy(dict(ours))
        for key in self.settings:
            kind, _, rest = key.partition(":")
            file, _, dotted = rest.partition(":")
            if kind == "config" and file == path:
                if _has(users, dotted.split(".")):
                    self._require(key, f"{self.program}_config: {dotted}")
                elif not self._knows(key):
                    if self.settings[key].get("otherwise") == "refuse" and _has(merged, dotted.split(".")):
                        self._require(key, dotted)
                    _drop(merged, dotted.split("."))
        return merge(merged, users)

    def _knows(self, key: str) -> bool:
        limits = self.settings.get(key)
        if limits is None:
            return True
        at = versions.key(self.version)
        # An end such as 2.53 holds for all of 2.53.x, and 3.0 for all of 3.0.x: as many numbers as it has are compared.
        until = [int(number) for number in limits.get("until", "").split(".") if number]
        in_range = at >= versions.key(limits.get("since", "0")) and (not until or list(at[: len(until)]) <= until)
        return in_range and limits.get("source", self.source) == self.source

    def _require(self, key: str, what: str) -> None:
        if self._knows(key):
            return
        limits = ", ".join(f"{name} {value}" for name, value in self.settings[key].items() if name != "otherwise")
        raise UnknownSetting(
            f"{what} is not known by {self.program} {self.version} from its {self.source} (known: {limits}). "
            "Remove it or change the version."
        )


def _items(value: Any) -> list[str]:
    values = value if isinstance(value, (list, tuple)) else [value]
    return [item for single in values if single is not None for item in str(single).split(",")]


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Merge two mappings: mappings merge, lists append what is new, everything else is replaced."""
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            merged[key] = merge(old, value)
        elif isinstance(old, list) and isinstance(value, list):
            merged[key] = [*old, *(item for item in value if item not in old)]
        else:
            merged[key] = value
    return merged


def _has(node: Any, keys: list[str]) -> bool:
    """Tell whether a setting is there, looking into every element where the path meets a list."""
    if not keys:
        return True
    if isinstance(node, list):
        return any(_has(element, keys) for element in node)
    return isinstance(node, Mapping) and keys[0] in node and _has(node[keys[0]], keys[1:])


def _drop(node: Any, keys: list[str]) -> None:
    """Remove one setting, looking into every element where the path meets a list."""
    if isinstance(node, list):
        for element in node:
            _drop(element, keys)
    elif isinstance(node, dict) and keys[0] in node:
        if len(keys) == 1:
            del node[keys[0]]
        else:
            _drop(node[keys[0]], keys[1:])
