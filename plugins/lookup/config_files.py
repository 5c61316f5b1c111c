"""Lookup ``promontory.stack.config_files``: files of the controller as part of a configuration tree."""

from __future__ import annotations

DOCUMENTATION = r"""
name: config_files
short_description: Collect files of the controller for a component's configuration tree
version_added: "0.1.0"
author: [Promontory contributors]
description:
  - Turns file names and patterns on the controller into entries of the C(config) argument of
    M(promontory.stack.component).
  - A pattern that matches nothing is refused, and so are two files that would get the same name.
options:
  _terms:
    description: File names or patterns; relative ones start at the playbook's directory.
    required: true
    type: list
    elements: str
  into:
    description: Directory of the tree the files go to.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Show the rule files that would be deployed
  ansible.builtin.debug:
    msg: "{{ lookup('promontory.stack.config_files', '/srv/rules/*.yml', into='rules') }}"
"""

RETURN = r"""
_raw:
  description: One mapping of tree paths to their sources.
  type: list
  elements: dict
  sample: [{"rules/host.yml": {"src": "/srv/rules/host.yml"}}]
"""

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.promontory.stack.plugins.plugin_utils.config_files import ConfigFileError, tree_of


class LookupModule(LookupBase):
    """Translates between Ansible and :func:`tree_of`."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[dict[str, Any]]:
        """Return one mapping, wrapped in a list as lookups must."""
        self.set_options(var_options=variables, direct=kwargs)
        base = Path((variables or {}).get("playbook_dir") or Path.cwd())
        try:
            return [tree_of([str(term) for term in terms], str(self.get_option("into")), base)]
        except ConfigFileError as error:
            raise AnsibleLookupError(str(error)) from error
