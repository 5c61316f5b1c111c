"""Filter ``promontory.stack.model``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: model
short_description: Build the topology model from the inventory
version_added: "0.1.0"
author: [Promontory contributors]
description:
  - Derives who scrapes whom, which Alertmanagers are peers, where each endpoint listens, and what is impossible.
  - In a run the action M(promontory.stack.topology) does this once; the filter is for looking at an inventory, and for tests.
positional: groups, components
options:
  _input:
    description: Variables by host name, such as C(hostvars).
    type: dict
    required: true
  groups:
    description: Host names by group name, as Ansible's C(groups).
    type: dict
    required: true
  components:
    description: The registry of components, C(stack_components).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show what is impossible in an inventory
  ansible.builtin.debug:
    msg: "{{ (hosts | promontory.stack.model(groups, components)).problems }}"
  vars:
    hosts: {mon1: {stack_address: 10.0.0.5}}
    groups: {prometheus: [mon1]}
    components: {prometheus: {port: 9090}, alertmanager: {port: 9093}}
"""

RETURN = r"""
_value:
  description:
    - C(components) and C(hosts), for P(promontory.stack.view#filter).
    - C(problems), a list of C(host) (empty for the whole stack) and C(message).
  type: dict
  sample: {components: {}, hosts: {}, problems: []}
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.promontory.stack.plugins.module_utils.topology import build_model, gather
from ansible_collections.promontory.stack.plugins.plugin_utils import plain


def model(
    hosts: Mapping[str, Mapping[str, Any]], groups: Mapping[str, Sequence[str]], components: Mapping[str, Any]
) -> dict[str, Any]:
    """Take the wanted variables of the members out of ``hosts`` and build the model."""
    for name, value in (("hosts", hosts), ("groups", groups), ("components", components)):
        if not isinstance(value, Mapping):
            raise AnsibleFilterError(f"promontory.stack.model: {name} is {type(value).__name__}, not a mapping.")

    def lookup(host: str, names: Iterable[str]) -> dict[str, Any]:
        known = hosts.get(host, {})
        # ansible_host is what stack_address is made of where only the inventory's own variables are given.
        return {name: plain.of(known[name]) for name in (*names, "ansible_host") if name in known}

    plain_groups = plain.of(groups)
    lines = plain.of(components)
    return build_model(gather(lookup, plain_groups, lines), plain_groups, lines)


class FilterModule:
    """The collection's loader looks here."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters of this file."""
        return {"model": model}
