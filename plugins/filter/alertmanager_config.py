"""Filter ``promontory.stack.alertmanager_config``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: alertmanager_config
short_description: Build Alertmanager's configuration from receivers and routes
version_added: "0.1.0"
author: [Promontory contributors]
description:
  - Builds C(alertmanager.yml) and refuses receivers without an address, unknown receivers in routes and
    e-mail without a mail server.
  - Passwords and webhook URLs become files that the configuration names, so that diffs can be shown.
options:
  _input:
    description: The variables of the role alertmanager without their prefix, and C(smarthost) of the topology.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the route tree
  ansible.builtin.debug:
    msg: "{{ (settings | promontory.stack.alertmanager_config).config.route }}"
  vars:
    settings:
      receivers: [{name: oncall, email: [{to: oncall@example.net}]}]
      default_receiver: oncall
      smarthost: {host: mail.example.net, port: 587, require_tls: true}
      smtp: {from: alerts@example.net}
      group_by: [alertname]
      group_wait: 30s
      group_interval: 5m
      repeat_interval: 4h
"""

RETURN = r"""
_value:
  description: C(config) is alertmanager.yml, C(secrets) maps file names to contents.
  type: dict
  sample: {"config": {"route": {"receiver": "oncall"}}, "secrets": {}}
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.promontory.stack.plugins.plugin_utils.alertmanager import AlertmanagerError, render


def alertmanager_config(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Translate between Ansible and :func:`render`."""
    try:
        rendered = render(settings)
    except AlertmanagerError as error:
        raise AnsibleFilterError(str(error)) from error
    return {"config": rendered.config, "secrets": rendered.secrets}


class FilterModule:
    """Makes the filter known to Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {"alertmanager_config": alertmanager_config}
