"""Filter ``promontory.stack.grafana_ini``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: grafana_ini
short_description: Write grafana.ini from a mapping of sections
version_added: "0.2.0"
author: [Promontory contributors]
description:
  - Merges sections key by key and writes them as Grafana reads them; a null takes a key away.
  - Refuses names and values that cannot stand in the file. Whether Grafana knows a key is judged on the host, by its own defaults.
options:
  _input:
    description: Sections; name to mapping of keys.
    type: dict
    required: true
  extra:
    description: Sections merged over them.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show the file
  ansible.builtin.debug:
    msg: "{{ {'server': {'http_port': 3000}} | promontory.stack.grafana_ini({'server': {'enable_gzip': true}}) }}"
"""

RETURN = r"""
_value:
  description: Text of the file.
  type: str
  sample: "[server]\nhttp_port = 3000\n"
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.promontory.stack.plugins.plugin_utils.grafana import ini
from ansible_collections.promontory.stack.plugins.plugin_utils.grafana.errors import GrafanaError
from ansible_collections.promontory.stack.plugins.plugin_utils.rendering import plain


def grafana_ini(sections: Mapping[str, Any], extra: Mapping[str, Any] | None = None) -> str:
    """Translate between Ansible and :mod:`ini`."""
    try:
        return ini.render(ini.merged(plain(sections), plain(extra or {})))
    except GrafanaError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """Makes the filter known to Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {"grafana_ini": grafana_ini}
