"""Filter ``promontory.stack.grafana_plugin_set``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: grafana_plugin_set
short_description: Name the set that pinned plugins make
version_added: "0.2.0"
author: [Promontory contributors]
description:
  - Returns the name of the directory that holds just these plugins in these versions; each other set has another one.
options:
  _input:
    description: The variable C(grafana_plugins).
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Show where the plugins lie
  ansible.builtin.debug:
    msg: "/opt/grafana-plugins/{{ grafana_plugins | promontory.stack.grafana_plugin_set }}"
"""

RETURN = r"""
_value:
  description: 16 hexadecimal digits.
  type: str
  sample: 0f1e2d3c4b5a6978
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.promontory.stack.plugins.plugin_utils.grafana.errors import GrafanaError
from ansible_collections.promontory.stack.plugins.plugin_utils.grafana.plugins import set_name
from ansible_collections.promontory.stack.plugins.plugin_utils.rendering import plain


def grafana_plugin_set(plugins: Sequence[Mapping[str, Any]]) -> str:
    """Translate between Ansible and :func:`set_name`."""
    try:
        return set_name(plain(plugins))
    except GrafanaError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """Makes the filter known to Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {"grafana_plugin_set": grafana_plugin_set}
