#!/usr/bin/python
"""Documentation of the action ``promontory.stack.preflight``; the work is done on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight
short_description: Refuse wrong variables, an impossible topology and unfit hosts before anything changes
version_added: "0.1.0"
author: Promontory contributors
description:
  - Judges on the controller, without a connection, and fails with one message for each host that lists everything that is wrong.
  - Types are meant strictly; a text is no boolean and no number. Null counts as left out where an option has no default.
  - Values of options with C(no_log), and of those that look like passwords, are never shown.
  - A role says which of its variables are gone in C(meta/removed_variables.yml), by name C(use) or C(reason), and C(since).
options:
  phase:
    description: >-
      V(variables) judges the variables of the host's roles (types, choices, nested keys, unknown and removed names) and the topology, and
      needs M(promontory.stack.topology) before it. V(host) judges what M(promontory.stack.host) found on a host that runs a component.
    type: str
    choices: [variables, host]
    default: variables
  roles:
    description: Roles to judge the variables of. By default the shared one, the baseline and those of the host's components.
    type: list
    elements: str
attributes:
  check_mode:
    description: It changes nothing anyway.
    support: full
"""

EXAMPLES = r"""
- name: Refuse wrong variables
  promontory.stack.preflight:

- name: Ask the host
  promontory.stack.host:

- name: Refuse an unfit host
  promontory.stack.preflight:
    phase: host
"""

RETURN = r"""
msg:
  description: The host and what is wrong there, a line starting with C(-) for each.
  returned: on failure
  type: str
"""
