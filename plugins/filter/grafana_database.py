"""Filter ``promontory.stack.grafana_database``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: grafana_database
short_description: Turn the description of Grafana's database into configuration, secrets and a way to back it up
version_added: "0.2.0"
author: [Promontory contributors]
description:
  - Gives the section C([database]) of grafana.ini, the files with the password for Grafana and for the database's own
    program, and what M(promontory.stack.component) backs up before another version runs.
options:
  _input:
    description: The variable C(grafana_database).
    type: dict
    required: true
  backup:
    description: Whether it is backed up before an upgrade.
    type: bool
    default: true
  keep:
    description: How many backups stay.
    type: int
    default: 3
"""

EXAMPLES = r"""
- name: Show the section
  ansible.builtin.debug:
    msg: "{{ (grafana_database | promontory.stack.grafana_database).ini }}"
"""

RETURN = r"""
_value:
  description: C(ini), C(secrets) (file names to contents) and C(backup).
  type: dict
  sample: {"ini": {"type": "sqlite3"}, "secrets": {}, "backup": {}}
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.promontory.stack.plugins.plugin_utils.grafana import database
from ansible_collections.promontory.stack.plugins.plugin_utils.grafana.errors import GrafanaError
from ansible_collections.promontory.stack.plugins.plugin_utils.rendering import plain


def grafana_database(told: Mapping[str, Any], backup: bool = True, keep: int = 3) -> dict[str, Any]:
    """Translate between Ansible and :func:`database.describe`."""
    try:
        made = database.describe(plain(told), backup=bool(backup), keep=int(keep))
    except GrafanaError as error:
        raise AnsibleFilterError(str(error)) from error
    return {"ini": made.ini, "secrets": made.secrets, "backup": made.backup}


class FilterModule:
    """Makes the filter known to Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {"grafana_database": grafana_database}
