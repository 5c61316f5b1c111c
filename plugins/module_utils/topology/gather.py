"""Collects from the inventory just those variables that the model reads: fetching a host's variables is what costs time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Callable

from . import inventory, registry

# Asked of every host, member or not: they say what a member is.
REGISTRY_VARIABLES = ("stack_components_extra", "stack_other_groups", "stack_without")

Lookup = Callable[[str, Iterable[str]], dict[str, Any]]


def gather(
    lookup: Lookup, groups: Mapping[str, Sequence[str]], components: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Return variables by host, ready for ``build_model``.

    Args:
        lookup: Takes a host and names, returns the values of those that are set, templated and plain.
        groups: Host names by group name.
        components: The registry without the user's additions.
    """
    hosts = sorted({host for members in groups.values() for host in members})
    found = {host: lookup(host, REGISTRY_VARIABLES) for host in hosts}
    lines: Mapping[str, Any] = components
    for variables in found.values():
        extra = variables.get("stack_components_extra")
        if isinstance(extra, Mapping):
            lines = registry.merge(lines, extra)
    known, _ = registry.read(lines, frozenset(lines))
    for host, of_host in inventory.members(groups, known).items():
        found[host].update(lookup(host, inventory.wanted_variables(of_host)))
    return found
