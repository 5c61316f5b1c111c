"""Filter ``promontory.stack.alertmanager_config``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: alertmanager_config
short_description: Build Alertmanager's configuration from receivers and routes
version_added: "0.1.0"
author: [Promontory contributors]
description:
  - Builds C(alertmanager.yml) and refuses what could leave somebody untold, such as receivers without an address, unknown
    receivers, times that cannot be, inhibition that can never hold, and e-mail without a mail server.
  - Keys, passwords and webhook URLs become files that the configuration names, so that diffs can be shown.
options:
  _input:
    description: The variables of the role alertmanager without their prefix, and C(smarthost) and C(heartbeats) of the topology.
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
  description:
    - C(config) is alertmanager.yml, C(secrets) maps file names to contents.
    - C(files) are what C(checks) need, the commands that render every template with the release's own amtool.
    - C(environment) are variables that the program needs to find a credential.
  type: dict
  sample: {"config": {"route": {"receiver": "oncall"}}, "secrets": {}, "files": {}, "checks": [], "environment": {}}
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
    return {
        "config": rendered.config,
        "secrets": rendered.secrets,
        "files": {path: {"content": text} for path, text in rendered.files.items()},
        "checks": rendered.checks,
        "environment": rendered.environment,
    }


class FilterModule:
    """Makes the filter known to Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {"alertmanager_config": alertmanager_config}
