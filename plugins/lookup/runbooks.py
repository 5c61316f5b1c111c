"""Lookup ``promontory.stack.runbooks``: runbooks as web pages of a configuration tree."""

from __future__ import annotations

DOCUMENTATION = r"""
name: runbooks
short_description: Render runbooks for the edge
version_added: "0.1.0"
author: [Promontory contributors]
description:
  - Turns the Markdown files of folders into pages, with the numbers that the rules have in this environment.
  - The pages refer to a style sheet C(runbooks.css) beside them.
  - Needs the Python package markdown-it-py on the controller.
options:
  _terms:
    description: Folders with one file for each alert, named as it is.
    required: true
    type: list
    elements: str
  into:
    description: Directory of the tree the pages go to.
    type: str
    default: www/runbooks
  directory:
    description: Folder with the stack's own rule files.
    type: path
    required: true
  model:
    description: The fact C(stack_model).
    type: raw
    required: true
  title:
    description: Title of the list of all runbooks.
    type: str
    default: Runbooks
"""

EXAMPLES = r"""
- name: Show which pages there would be
  ansible.builtin.debug:
    msg: "{{ lookup('promontory.stack.runbooks', '/srv/runbooks', directory='/srv/rules', model=ansible_facts.stack_model) | list }}"
"""

RETURN = r"""
_raw:
  description: One mapping of tree paths to their texts.
  type: list
  elements: dict
  sample: [{"www/runbooks/HostDown.html": {"content": "<!doctype html>"}}]
"""

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.promontory.stack.plugins.module_utils import topology
from ansible_collections.promontory.stack.plugins.plugin_utils import rule_values, runbooks
from ansible_collections.promontory.stack.plugins.plugin_utils.host_variables import HostVariables
from ansible_collections.promontory.stack.plugins.plugin_utils.rules import RulesError, book, variants


class LookupModule(LookupBase):  # type: ignore[misc]
    """Collects what the pages are made of; :mod:`runbooks` makes them."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[dict[str, Any]]:
        """Return one mapping, wrapped in a list as lookups must."""
        self.set_options(var_options=variables, direct=kwargs)
        hosts = topology.load(self.get_option("model")).hosts
        into = str(self.get_option("into"))
        try:
            rules = book.read(Path(str(self.get_option("directory"))))
            values = rule_values.of_hosts(rules, HostVariables(self._templar, (variables or {})["hostvars"], {}), hosts)
            settings = variants.settle(rules, tuple(hosts), values)
            texts = {alert: text for folder in terms for alert, text in runbooks.read(Path(str(folder))).items()}
            found = runbooks.pages(texts, rules, settings, str(self.get_option("title")))
        except RulesError as error:
            raise AnsibleLookupError(str(error)) from error
        return [{f"{into}/{name}": {"content": page} for name, page in sorted(found.items())}]
