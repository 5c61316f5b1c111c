#!/usr/bin/python
"""Documentation of the action ``promontory.stack.topology``; the work is done on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: topology
short_description: Derive the topology of the stack from the inventory's groups
version_added: "0.1.0"
author: Promontory contributors
description:
  - Reads groups and variables of all hosts, once for a run, and sets the fact C(stack_model) for P(promontory.stack.view#filter).
  - Writes C(stack.json) with the stack's hosts and URLs for the command line, except in check mode.
  - That file holds no secret, only where one stands.
  - Variables of a play are not seen, because they do not belong to a host; set them in the inventory or with C(-e).
options:
  problems:
    description: >-
      What to do about an impossible topology. V(fail) stops; V(report) goes on, for M(promontory.stack.preflight) to say it
      together with everything else that is wrong.
    type: str
    choices: [fail, report]
    default: fail
  path:
    description: Folder on the controller for C(stack.json). By default C(stack_build_dir).
    type: path
attributes:
  check_mode:
    description: Tells whether C(stack.json) would change and does not write it.
    support: full
  run_once:
    description: It covers all hosts; use C(run_once=true).
    support: full
"""

EXAMPLES = r"""
- name: Derive the topology from the inventory
  promontory.stack.topology:
  run_once: true
"""

RETURN = r"""
ansible_facts:
  description: Facts to add.
  returned: always
  type: dict
  contains:
    stack_model:
      description: The model as JSON text; facts are copied for every task of every host, and a text costs nothing then.
      type: str
problems:
  description: What is impossible, each with C(host) (empty for the whole stack) and C(message).
  returned: always
  type: list
  elements: dict
"""
