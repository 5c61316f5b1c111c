"""grafana.ini from a mapping of sections."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .errors import GrafanaError

_SECTION = re.compile(r"[A-Za-z][\w.-]*")
_KEY = re.compile(r"[A-Za-z_][\w.-]*")
_HEADER = "# Managed by Promontory; change the variables of the role grafana and run the playbook again.\n"


def merged(ours: Mapping[str, Mapping[str, Any]], theirs: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Merge the user's sections over the role's, key by key; a null takes a key of the role's away.

    Raises:
        GrafanaError: A section is no mapping.
    """
    sections = {name: dict(keys) for name, keys in ours.items()}
    for name, keys in theirs.items():
        if not isinstance(keys, Mapping):
            raise GrafanaError(
                f"grafana_config.{name} is {keys!r}, but a section of grafana.ini is a mapping, such as {{level: debug}}."
            )
        sections.setdefault(str(name), {}).update({str(key): value for key, value in keys.items()})
    return sections


def render(sections: Mapping[str, Mapping[str, Any]]) -> str:
    """Write the sections as grafana.ini.

    Args:
        sections: ``{section: {key: value}}``; a value is text, a number, true or false, or a list of those, which
            Grafana reads with blanks between. Nulls are left out.
    Raises:
        GrafanaError: A name or a value cannot stand in the file.
    """
    lines = [_HEADER]
    for section, keys in sections.items():
        if not _SECTION.fullmatch(str(section)):
            raise GrafanaError(f"grafana_config.{section}: {section!r} cannot be the name of a section of grafana.ini.")
        told = {key: value for key, value in keys.items() if value is not None}
        if not told:
            continue
        lines.append(f"[{section}]")
        for key, value in told.items():
            if not _KEY.fullmatch(str(key)):
                raise GrafanaError(f"grafana_config.{section}.{key}: {key!r} cannot be a key of grafana.ini.")
            lines.append(f"{key} = {_value(f'grafana_config.{section}.{key}', value)}")
        lines.append("")
    return "\n".join(lines)


def _value(where: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, (list, tuple)):
        return " ".join(_value(where, item) for item in value)
    if not isinstance(value, str):
        raise GrafanaError(f"{where} is {value!r}, but must be text, a number, true, false or a list of those.")
    if "\n" in value or "\r" in value:
        raise GrafanaError(f"{where} has a line end in it, which ends a value of grafana.ini.")
    # Grafana's reader ends a bare value at ; and #, and takes quotes and backquotes away.
    if value != value.strip() or any(sign in value for sign in ';#"`\\'):
        if '"""' in value or "`" in value:
            raise GrafanaError(f"{where}: a value with backquotes or three quotes cannot be written into grafana.ini.")
        return f"`{value}`"
    return value
