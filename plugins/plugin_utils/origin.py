"""Tells where variables were set: file and line, as far as Ansible kept them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

try:
    # Ansible has no public way to ask; without this one, messages only lack the file and line.
    from ansible._internal._datatag._tags import Origin
except ImportError:  # pragma: no cover  another ansible-core
    Origin = None


def of_names(variables: Mapping[str, Any]) -> dict[str, str]:
    """Return ``file:line`` (or a description such as that of ``-e``) by variable name, for those that have an origin.

    The name's own origin is asked first: a boolean or null cannot carry one.
    """
    if Origin is None:
        return {}
    found = {}
    for name, value in variables.items():
        tag = Origin.get_tag(name) or Origin.get_tag(value)
        if tag is not None:
            found[str(name)] = _written(tag)
    return found


def _written(tag: Any) -> str:
    if not tag.path:
        return str(tag.description or "")
    relative = os.path.relpath(tag.path)
    path = tag.path if relative.startswith("..") else relative
    return f"{path}:{tag.line_num}" if tag.line_num else str(path)
