"""Filter ``promontory.stack.remote_write``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: remote_write
short_description: Turn typed remote_write entries into configuration and secrets
version_added: "0.1.0"
author: [Promontory contributors]
description:
  - Moves passwords and tokens of Prometheus' C(remote_write) entries out of the configuration into files
    that it names, so that diffs can be shown.
options:
  _input:
    description: Entries as in prometheus.yml; C(basic_auth.password) and C(authorization.credentials) are moved.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Show what prometheus.yml will hold
  ansible.builtin.debug:
    msg: "{{ ([{'url': 'https://mimir.example.net/api/v1/push'}] | promontory.stack.remote_write).config }}"
"""

RETURN = r"""
_value:
  description: C(config) is the list for prometheus.yml, C(secrets) maps file names to contents.
  type: dict
  sample: {"config": [{"url": "https://mimir.example.net/api/v1/push"}], "secrets": {}}
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.promontory.stack.plugins.plugin_utils.remote_write import RemoteWriteError, render


def remote_write(entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Translate between Ansible and :func:`render`."""
    try:
        rendered = render(entries)
    except RemoteWriteError as error:
        raise AnsibleFilterError(str(error)) from error
    return {"config": rendered.config, "secrets": rendered.secrets}


class FilterModule:
    """Makes the filter known to Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {"remote_write": remote_write}
