"""Lookup ``promontory.stack.rules``: the alerting rules of this environment as part of Prometheus' configuration tree."""

from __future__ import annotations

DOCUMENTATION = r"""
name: rules
short_description: Compose the rule files of an environment
version_added: "0.1.0"
author: [Promontory contributors]
description:
  - Turns file names and patterns into entries of the C(config) argument of M(promontory.stack.component), as
    P(promontory.stack.config_files#lookup) does.
  - >-
    Files of O(directory) that its C(files.yml) names are composed: left out where the topology lacks their component, with the numbers
    that C(rules_*) variables give to hosts, and with links that lead somewhere. All other files are taken as they are.
options:
  _terms:
    description: File names or patterns; relative ones start at the playbook's directory.
    required: true
    type: list
    elements: str
  into:
    description: Directory of the tree the files go to.
    type: str
    default: rules
  directory:
    description: Folder with the stack's own rule files.
    type: path
    required: true
  model:
    description: The fact C(stack_model).
    type: raw
    required: true
  components:
    description: Components that run outside of the inventory, such as V(metrics_hub) in Kubernetes; their rules are deployed too.
    type: list
    elements: str
    default: []
  alerts:
    description: C(rules_alerts).
    type: dict
    default: {}
  slos:
    description: C(rules_slos).
    type: list
    elements: dict
    default: []
  files:
    description: C(rules_files).
    type: dict
    default: {}
  runbook_base_url:
    description: C(rules_runbook_base_url).
    type: str
    default: ""
  dashboard_base_url:
    description: C(rules_dashboard_base_url).
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Show the rule files that would be deployed
  ansible.builtin.debug:
    msg: "{{ lookup('promontory.stack.rules', '/srv/rules/*.yml', directory='/srv/rules', model=ansible_facts.stack_model) }}"
"""

RETURN = r"""
_raw:
  description: One mapping of tree paths to their texts or sources.
  type: list
  elements: dict
  sample: [{"rules/host.yml": {"content": "groups: []"}, "rules/own.yml": {"src": "/srv/own.yml"}}]
"""

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.promontory.stack.plugins.module_utils import topology
from ansible_collections.promontory.stack.plugins.plugin_utils import plain, rule_values
from ansible_collections.promontory.stack.plugins.plugin_utils.config_files import ConfigFileError, tree_of
from ansible_collections.promontory.stack.plugins.plugin_utils.host_variables import HostVariables
from ansible_collections.promontory.stack.plugins.plugin_utils.rules import RulesError, book, compose, deployed


class LookupModule(LookupBase):  # type: ignore[misc]
    """Collects what the rules are made of; :mod:`deployed` makes them."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[dict[str, Any]]:
        """Return one mapping, wrapped in a list as lookups must."""
        self.set_options(var_options=variables, direct=kwargs)
        variables = variables or {}
        base = Path(variables.get("playbook_dir") or Path.cwd())
        directory = Path(str(self.get_option("directory")))
        try:
            tree = tree_of([str(term) for term in terms], str(self.get_option("into")), base)
            if not (directory / book.FILES).is_file():
                return [tree]  # a folder of plain files, which are nobody's but yours
            rules = book.read(directory)
            return [deployed.tree(tree, directory, rules, self._wanted(rules, variables))]
        except (ConfigFileError, RulesError) as error:
            raise AnsibleLookupError(str(error)) from error

    def _wanted(self, rules: book.Book, variables: dict[str, Any]) -> compose.Wanted:
        stack = topology.load(self.get_option("model"))
        return compose.Wanted(
            components=frozenset(name for host in stack.hosts.values() for name in host.components)
            | {str(name) for name in self.get_option("components")},
            hosts=tuple(stack.hosts),
            values=rule_values.of_hosts(rules, HostVariables(self._templar, variables["hostvars"], {}), stack.hosts),
            alerts=plain.of(self.get_option("alerts")),
            slos=plain.of(self.get_option("slos")),
            files=plain.of(self.get_option("files")),
            runbook_base_url=str(self.get_option("runbook_base_url")).rstrip("/"),
            dashboard_base_url=str(self.get_option("dashboard_base_url")).rstrip("/"),
        )
