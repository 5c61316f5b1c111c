"""A role's declaration as texts: configuration files, flags and unit for one chosen release."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.promontory.stack.plugins.module_utils import flags as flag_names
from ansible_collections.promontory.stack.plugins.module_utils import unit as units
from ansible_collections.promontory.stack.plugins.module_utils.errors import ComponentError
from ansible_collections.promontory.stack.plugins.plugin_utils.settings import Gate, UnknownSetting

_HEADER = "# Managed by Promontory; change the variables of the role {role} and run the playbook again.\n"


@dataclass(frozen=True)
class Rendered:
    """Texts of one set; placeholders are still in them.

    Attributes:
        files: ``{path: text}`` of the configuration tree.
        unit: Unit file.
        used_flags: Names of the flags in the unit, with dashes.
    """

    files: dict[str, str]
    unit: str
    used_flags: list[str]


def render(arguments: Mapping[str, Any], gate: Gate, *, systemd: int) -> Rendered:
    """Render a component task's arguments for one release.

    Args:
        arguments: The task's arguments, as its documentation describes them.
        gate: Settings the release knows.
        systemd: The host's systemd version.
    Raises:
        ComponentError: An argument cannot be rendered; it names the argument.
    """
    name = str(arguments["name"])
    try:
        merged = gate.flags(arguments.get("flags") or {}, arguments.get("flags_extra") or {})
        argv = flag_names.render(merged)
    except UnknownSetting as error:
        raise ComponentError(str(error)) from error
    except ValueError as error:
        raise ComponentError(f"{name}_flags: {error}.") from error
    words = [str(word) for word in arguments.get("exec") or []]
    if not words:
        raise ComponentError(f"{name}: exec is missing; it names the program to run.")
    command = [part for word in words for part in (argv if word == "{flags}" else [word])]
    unit = units.from_mapping(
        name,
        str(arguments.get("user") or name),
        command,
        str((arguments.get("reload") or {}).get("signal") or ""),
        arguments.get("unit") or {},
    )
    return Rendered(
        files=_files(name, arguments, gate),
        unit=units.render(unit, systemd=systemd),
        used_flags=flag_names.names(argv),
    )


def _files(name: str, arguments: Mapping[str, Any], gate: Gate) -> dict[str, str]:
    config, extra = arguments.get("config") or {}, arguments.get("config_extra") or {}
    for path in extra:
        if "yaml" not in (config.get(path) or {}):
            raise ComponentError(f"{name}: config_extra.{path} is merged over a file given as yaml, and there is none.")
    files = {}
    for path, entry in config.items():
        if not isinstance(entry, Mapping) or set(entry) not in ({"content"}, {"yaml"}, {"src"}):
            raise ComponentError(f"{name}: config.{path} takes exactly one of content, yaml and src.")
        if "content" in entry:
            files[path] = str(entry["content"])
        elif "src" in entry:
            files[path] = _read(name, path, Path(str(entry["src"])))
        else:
            files[path] = _dump(name, path, entry["yaml"], extra.get(path) or {}, gate)
    return files


def _read(name: str, path: str, source: Path) -> str:
    try:
        return source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ComponentError(f"{name}: {source} for {path} cannot be read ({error}).") from error


def _dump(name: str, path: str, data: Any, extra: Mapping[str, Any], gate: Gate) -> str:
    if isinstance(data, Mapping):
        try:
            data = gate.config(path, data, extra)
        except UnknownSetting as error:
            raise ComponentError(str(error)) from error
    elif extra:
        raise ComponentError(f"{name}: config_extra.{path} is a mapping, but the file is not.")
    text = yaml.safe_dump(data, sort_keys=False, default_flow_style=False, allow_unicode=True, width=120)
    return _HEADER.format(role=name) + str(text)


def plain(value: Any) -> Any:
    """Return a value without Ansible's own string, list and mapping types, which YAML and JSON writers refuse."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [plain(item) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    return str(value)
