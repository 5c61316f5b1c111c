"""Lookup ``promontory.stack.grafana_dashboards``: dashboards of the controller as part of Grafana's configuration tree."""

from __future__ import annotations

DOCUMENTATION = r"""
name: grafana_dashboards
short_description: Collect dashboards of the controller for Grafana's configuration tree
version_added: "0.2.0"
author: [Promontory contributors]
description:
  - Reads and judges dashboards, and turns them into entries of the C(config) argument of M(promontory.stack.component).
  - Refused are files that are no dashboard, a uid that is there twice, a folder or a data source that nobody provisions.
options:
  _terms:
    description: >-
      Entries of C(grafana_dashboards), each with C(folder) (uid) and C(files) (names or patterns; relative ones start at the
      playbook's directory).
    required: true
    type: list
    elements: dict
  folders:
    description: The variable C(grafana_folders).
    type: list
    elements: dict
    default: []
  jobs:
    description: Names of the programs that the stack scrapes; with O(catalogue), what is about others alone is left out, or may be empty.
    type: list
    elements: str
    default: []
  catalogue:
    description: File with the metrics of the known programs; a mapping of names to C(jobs). Empty judges nothing.
    type: str
    default: ""
  data_sources:
    description: Uid to type of every data source.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show which dashboards would be deployed
  ansible.builtin.debug:
    msg: "{{ lookup('promontory.stack.grafana_dashboards', *grafana_dashboards, folders=grafana_folders).expected }}"
"""

RETURN = r"""
_raw:
  description: One mapping; C(tree) are entries of a configuration tree, C(expected) is what the proof looks for.
  type: list
  elements: dict
  sample: [{"tree": {}, "expected": []}]
"""

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.promontory.stack.plugins.plugin_utils.config_files import ConfigFileError
from ansible_collections.promontory.stack.plugins.plugin_utils.grafana import dashboards
from ansible_collections.promontory.stack.plugins.plugin_utils.grafana.errors import GrafanaError
from ansible_collections.promontory.stack.plugins.plugin_utils.grafana.producers import Producers
from ansible_collections.promontory.stack.plugins.plugin_utils.rendering import plain


class LookupModule(LookupBase):
    """Translates between Ansible and :mod:`dashboards`."""

    def run(self, terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[dict[str, Any]]:
        """Return one mapping, wrapped in a list as lookups must."""
        self.set_options(var_options=variables, direct=kwargs)
        base = Path((variables or {}).get("playbook_dir") or Path.cwd())
        try:
            producers = Producers.read(str(self.get_option("catalogue")), plain(self.get_option("jobs")))
            made = dashboards.build(
                plain(terms), plain(self.get_option("folders")), plain(self.get_option("data_sources")), producers, base
            )
        except ConfigFileError as error:
            raise AnsibleLookupError(f"grafana_dashboards: {error}") from error
        except GrafanaError as error:
            raise AnsibleLookupError(str(error)) from error
        return [{"tree": made.tree, "expected": made.expected}]
