#!/usr/bin/python
"""Lay a set of pinned plugins ready for Grafana."""

from __future__ import annotations

DOCUMENTATION = r"""
module: grafana_plugins
short_description: Lay pinned Grafana plugins ready
version_added: "0.2.0"
author: Promontory contributors
description:
  - Brings plugins, verified by their sums, into one directory below C(/opt/grafana-plugins), which is named after the set and
    never changed. Grafana's configuration names it, so that plugins change together with the rest, or not at all.
  - Sets that no kept generation of the component names are removed with the generations.
options:
  plugins:
    description: C(id), C(version), C(sha256) (text, or one by architecture) and C(url) (Grafana's catalogue when left out) of each plugin.
    type: list
    elements: dict
    required: true
  name:
    description: Name of the set, see P(promontory.stack.grafana_plugin_set#filter).
    type: str
    required: true
attributes:
  check_mode:
    description: Tells whether the set is missing; the archives are fetched and verified on the controller.
    support: full
"""

EXAMPLES = r"""
- name: The clock lies ready
  promontory.stack.grafana_plugins:
    plugins: "{{ grafana_plugins }}"
    name: "{{ grafana_plugins | promontory.stack.grafana_plugin_set }}"
"""

RETURN = r"""
directory:
  description: Where the set lies.
  returned: always
  type: str
  sample: /opt/grafana-plugins/0f1e2d3c4b5a6978
"""

import os
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.promontory.stack.plugins.module_utils.errors import ComponentError
from ansible_collections.promontory.stack.plugins.module_utils.grafana import plugin_set
from ansible_collections.promontory.stack.plugins.module_utils.layout import Layout


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "plugins": {"type": "list", "elements": "dict", "required": True},
            "name": {"type": "str", "required": True},
        },
        supports_check_mode=True,
    )
    os.umask(0o022)
    directory = Layout(name="grafana", program="grafana").addons / module.params["name"]
    plugins = [
        plugin_set.Plugin(
            id=plugin["id"],
            version=plugin["version"],
            sha256=plugin["sha256"],
            archive=Path(plugin["archive"]) if plugin.get("archive") else None,
        )
        for plugin in module.params["plugins"]
    ]
    if plugin_set.lies_whole(directory, plugins):
        module.exit_json(changed=False, directory=str(directory))
    if not module.check_mode:
        if any(plugin.archive is None for plugin in plugins):
            module.exit_json(changed=False, directory=str(directory), need_archives=True)
        try:
            plugin_set.install(directory, plugins)
        except (ComponentError, OSError) as error:
            module.fail_json(msg=f"grafana: {error}")
    module.exit_json(changed=True, directory=str(directory))


if __name__ == "__main__":
    main()
