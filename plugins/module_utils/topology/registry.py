"""Reads the registry of components: the built-in lines and the user's, merged key by key."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any

from .endpoints import Component

COLLECTION = "promontory.stack"
EXTRA_ORDER = 30  # an extra component starts after the built-in exporters and before Alertmanager and Prometheus
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_PATH = re.compile(r"/[A-Za-z0-9._~/-]*")
# Prefixes that mean something else in variable names.
_RESERVED = {"all", "ungrouped", "ansible", "baseline", "common", "host", "hosts", "lab", "stack"}
_TYPES: dict[str, type] = {
    "order": int,
    "port": int,
    "metrics_path": str,
    "honor_labels": bool,
    "edge_path": str,
    "edge_public": bool,
    "probe_path": str,
    "beside": str,
    "scheme": str,
    "role": str,
}
_SAID: dict[type, str] = {int: "a whole number", str: "text", bool: "true or false"}


def merge(base: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """Merge two registries; keys of the second win, a null there takes the key away."""
    merged = {name: dict(line) for name, line in base.items()}
    for name, line in extra.items():
        if not isinstance(line, Mapping):
            merged[name] = line
            continue
        known = merged.get(name, {})
        merged[name] = {key: value for key, value in {**known, **line}.items() if value is not None}
    return merged


def read(lines: Mapping[str, Any], built_in_roles: frozenset[str]) -> tuple[dict[str, Component], list[str]]:
    """Turn the merged registry into components.

    Args:
        lines: Registry line by component name, see roles/common/defaults/main/components.yml.
        built_in_roles: Names that have a role in this collection; others come from the user's own roles.
    Returns:
        The components in the order of a run, and what is wrong as complete sentences. A wrong line is left out.
    """
    components = []
    problems: list[str] = []
    for name, line in lines.items():
        wrong = _judge(name, line)
        if wrong:
            problems.extend(wrong)
            continue
        ports = {key[: -len("_port")]: value for key, value in line.items() if key.endswith("_port")}
        components.append(
            Component(
                name=str(name),
                order=line.get("order", EXTRA_ORDER),
                ports={"": line["port"], **{str(key): ports[key] for key in sorted(ports)}},
                role=line.get("role") or (f"{COLLECTION}.{name}" if name in built_in_roles else str(name)),
                metrics_path=line.get("metrics_path", ""),
                honor_labels=line.get("honor_labels", False),
                edge_path=line.get("edge_path", ""),
                edge_public=line.get("edge_public", False),
                probe_path=line.get("probe_path", ""),
                beside=line.get("beside", ""),
                scheme=line.get("scheme", ""),
            )
        )
    names = {component.name for component in components}
    for component in components:
        if component.beside and component.beside not in names - {component.name}:
            problems.append(
                f"stack_components_extra.{component.name}.beside is {component.beside!r}, which is no other component. "
                f"Name one of {', '.join(sorted(names - {component.name}))}, or leave it out and put hosts into the group "
                f"{component.name}."
            )
    components.sort(key=lambda component: (component.order, component.name))
    return {component.name: component for component in components}, problems


def _judge(name: Any, line: Any) -> list[str]:
    where = f"stack_components_extra.{name}"
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name in _RESERVED:
        return [
            f"{where}: {name!r} cannot be the name of a component. It is a group, a role and the start of variable names: "
            f"lower-case letters, digits and _, and none of {', '.join(sorted(_RESERVED))}."
        ]
    if not isinstance(line, Mapping):
        return [
            f"{where} is {line!r}, not a mapping. Write for example {{{name}: {{port: 9121, metrics_path: /metrics}}}}."
        ]
    problems = [problem for key, value in line.items() for problem in _judge_key(f"{where}.{key}", str(key), value)]
    if "port" not in line:
        problems.append(f"{where} has no port. Write for example {{{name}: {{port: 9121, metrics_path: /metrics}}}}.")
    return problems


def _judge_key(where: str, key: str, value: Any) -> list[str]:
    is_port = key == "port" or key.endswith("_port")
    wanted: Any = int if is_port else _TYPES.get(key)
    if wanted is None:
        near = difflib.get_close_matches(key, _TYPES, n=1)
        hint = (
            f" Did you mean {near[0]}?" if near else f" Known: {', '.join(_TYPES)}, and <name>_port for a second port."
        )
        return [f"{where} is no key of a component.{hint}"]
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        return [f"{where} is {value!r}, but must be {_SAID[wanted]}."]
    if is_port and not 1 <= value <= 65535:
        return [f"{where} is {value}, but a port lies between 1 and 65535."]
    if key.endswith("_path") and not _PATH.fullmatch(value):
        return [f"{where} is {value!r}, but a path starts with / and has no spaces or quotes."]
    if key == "edge_path" and (value == "/" or not value.endswith("/")):
        return [f"{where} is {value!r}, but must start and end with / and lie below it, such as /tool/."]
    return []
