#!/usr/bin/python
"""Tell which components of a host need no call of their own."""

from __future__ import annotations

DOCUMENTATION = r"""
module: settled
short_description: Components that already serve just as they are declared
version_added: "0.1.0"
author: Promontory contributors
description:
  - Asks a host in one call for all components that a play has rendered in its preflight phase.
  - Sets the fact C(stack_settled). M(promontory.stack.component) makes no call for a component that is in it with the set
    it is about to declare, so a run that changes nothing costs a host two calls whatever it runs.
  - Takes what to ask for from the facts of the preflight phase; changes nothing.
attributes:
  check_mode:
    description: It only reads.
    support: full
"""

EXAMPLES = r"""
- name: Ask the host what is settled
  promontory.stack.settled:
"""

RETURN = r"""
ansible_facts:
  description: Facts to add.
  returned: always
  type: dict
  contains:
    stack_settled:
      description: Component to C(digest), C(version) and C(generation) of the set that serves.
      type: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.promontory.stack.plugins.module_utils.errors import ComponentError
from ansible_collections.promontory.stack.plugins.module_utils.layout import Layout
from ansible_collections.promontory.stack.plugins.module_utils.release import Release
from ansible_collections.promontory.stack.plugins.module_utils.service import Systemd
from ansible_collections.promontory.stack.plugins.module_utils.settled import settled


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec={"sets": {"type": "dict", "default": {}}}, supports_check_mode=True)
    found = {}
    for name, asked in module.params["sets"].items():
        layout = Layout(name=name, program=asked["release"]["program"])
        wanted = {key: tuple(value) if isinstance(value, list) else value for key, value in asked["release"].items()}
        try:
            serving = settled(
                layout,
                Systemd(layout.unit_name),
                digest=asked["digest"],
                request=asked["request"],
                wanted=Release(**wanted),
            )
        except (ComponentError, OSError):
            continue  # its own call will say what is wrong, with the way out
        if serving is not None:
            found[name] = {"digest": serving.digest, "version": serving.version, "generation": serving.id}
    module.exit_json(changed=False, ansible_facts={"stack_settled": found})


if __name__ == "__main__":
    main()
