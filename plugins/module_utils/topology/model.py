"""Builds the model of a run from the inventory, and takes it apart again: the form that travels between tasks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from typing import Any

from . import inventory, links, problems, registry
from .endpoints import Auth, Component, Endpoint, Host, Stack, Tls


def build_model(
    hosts: Mapping[str, Mapping[str, Any]],
    groups: Mapping[str, Sequence[str]],
    components: Mapping[str, Any],
    built_in_roles: Sequence[str] = (),
) -> dict[str, Any]:
    """Build the topology.

    Args:
        hosts: Variables by host name; of each host at least ``inventory.wanted_variables`` where they are set.
        groups: Host names by group name, as Ansible's ``groups``.
        components: The registry (``stack_components``). ``stack_components_extra`` is read from the hosts' variables.
        built_in_roles: Names of components with a role in this collection; empty means all of ``components``.
    Returns:
        {components, hosts, problems}: plain JSON values. ``problems`` is a list of {host, message}; host is "" for
        what concerns the whole stack. Whoever uses a model with problems gets defaults where the values are wrong.
    """
    extra, found = _extra_components(hosts)
    lines = registry.merge(components, extra)
    known, wrong = registry.read(lines, frozenset(built_in_roles or components))
    found.extend(("", message) for message in wrong)
    without, wrong = _without(hosts, known)
    found.extend(("", message) for message in wrong)
    all_groups, groups = groups, {name: members for name, members in groups.items() if name not in without}

    read = {}
    for name, of_host in inventory.members(groups, known).items():
        host, messages = inventory.read_host(name, hosts.get(name, {}), of_host)
        read[name] = host
        found.extend((name, message) for message in messages)
    stack = Stack(known, read)

    all_links = links.derive_links(stack)
    clients = links.clients_by_endpoint(all_links)
    for host in stack.hosts.values():
        found.extend((host.name, text) for text in inventory.unreachable_listeners(host, clients.get(host.name, {})))
    stack = links.bind(stack, clients)

    found.extend(problems.misspelt_groups(all_groups, known, _other_groups(hosts)))
    found.extend(problems.judge(stack, all_links))
    return {
        "components": {name: asdict(component) for name, component in stack.components.items()},
        "hosts": {name: asdict(host) for name, host in stack.hosts.items()},
        "problems": [{"host": host, "message": message} for host, message in found],
    }


def dump(model: Mapping[str, Any]) -> str:
    """Return a model as compact JSON text.

    Facts are deep-copied for every task of every host; that costs milliseconds for a mapping of this size and nothing
    for a text.
    """
    return json.dumps(model, separators=(",", ":"), ensure_ascii=False)


def load(model: Any) -> Stack:
    """Return the stack of a model, given as ``build_model`` or ``dump`` return it.

    Raises:
        ValueError: It is something else.
    """
    try:
        return _load_text(str(model)) if isinstance(model, str) else _load(model)
    except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
        raise ValueError(f"this is no topology model as promontory.stack.topology makes it: {error!r}") from error


@lru_cache(maxsize=4)
def _load_text(text: str) -> Stack:
    return _load(json.loads(text))


def _load(model: Mapping[str, Any]) -> Stack:
    return Stack(
        {name: Component(**component) for name, component in model["components"].items()},
        {name: _load_host(host) for name, host in model["hosts"].items()},
    )


def _load_host(host: Mapping[str, Any]) -> Host:
    endpoints = {
        key: Endpoint(
            **{
                **endpoint,
                "tls": Tls(**endpoint["tls"]) if endpoint["tls"] else None,
                "auth": Auth(**endpoint["auth"]) if endpoint["auth"] else None,
            }
        )
        for key, endpoint in host["endpoints"].items()
    }
    return Host(host["name"], host["address"], tuple(host["components"]), endpoints, host["settings"])


def _extra_components(hosts: Mapping[str, Mapping[str, Any]]) -> tuple[dict[str, Any], list[problems.Problem]]:
    """Join what the hosts say in stack_components_extra: it may stand in the variables of any group."""
    joined: dict[str, Any] = {}
    said_by: dict[str, str] = {}
    found: list[problems.Problem] = []
    for host, variables in hosts.items():
        extra = variables.get("stack_components_extra")
        if not extra:
            continue
        if not isinstance(extra, Mapping):
            found.append((host, f"stack_components_extra is {extra!r}, but must be a mapping of component names."))
            continue
        for name, line in extra.items():
            if name in joined and joined[name] != line:
                found.append(
                    (
                        "",
                        f"stack_components_extra.{name} differs between {said_by[name]} ({joined[name]!r}) and {host} ({line!r}). "
                        "A component is described once, in group_vars/all.yml.",
                    )
                )
                continue
            joined[name] = line
            said_by[name] = host
    return joined, found


def _without(hosts: Mapping[str, Mapping[str, Any]], known: Mapping[str, Any]) -> tuple[set[str], list[str]]:
    """Join what the hosts say in stack_without, and say what is wrong with it."""
    told: set[str] = set()
    for variables in hosts.values():
        names = variables.get("stack_without") or []
        if not isinstance(names, (list, tuple)):
            return set(), [f"stack_without is {names!r}, but must be a list of components, such as [grafana]."]
        told.update(str(name) for name in names)
    return told, [
        f"stack_without names {name!r}, which is no component. Known: {', '.join(sorted(known))}."
        for name in sorted(told - set(known))
    ]


def _other_groups(hosts: Mapping[str, Mapping[str, Any]]) -> set[str]:
    return {str(name) for variables in hosts.values() for name in variables.get("stack_other_groups") or ()}
