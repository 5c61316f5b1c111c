"""Command-line flags from a mapping, rendered in one way for every program."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def render(flags: Mapping[str, Any]) -> list[str]:
    """Turn a mapping into arguments, in the mapping's order.

    Args:
        flags: Flag without dashes to value. True gives ``--name``, False ``--no-name`` (as the kingpin
            library of the Prometheus programs reads it), a number or text ``--name=value``, a list one
            argument for each element, None nothing.
    Raises:
        ValueError: A name has dashes in front, or a value is a mapping or a list of lists.
    """
    arguments: list[str] = []
    for name, value in flags.items():
        if not isinstance(name, str) or not name or name.startswith("-") or "=" in name:
            raise ValueError(f"{name!r} is no flag name: write it without dashes in front and without its value")
        for single in value if isinstance(value, (list, tuple)) else [value]:
            if single is None:
                continue
            if isinstance(single, (Mapping, list, tuple)):
                raise ValueError(
                    f"the flag {name} cannot take {single!r}: give a number, a text, true, false or a flat list"
                )
            if isinstance(single, bool):
                arguments.append(f"--{name}" if single else f"--no-{name}")
            else:
                arguments.append(f"--{name}={single}")
    return arguments


def names(arguments: list[str]) -> list[str]:
    """Return the names of rendered flags as they stand on the command line, without values."""
    return sorted({argument.split("=", 1)[0] for argument in arguments})
