#!/usr/bin/python
"""Says whether this machine can hold a lab, and as whom podman must run."""

from __future__ import annotations

DOCUMENTATION = r"""
module: lab_machine
short_description: Check that this machine can hold a lab
description:
  - Looks for podman, a container runtime that fits the machine's control groups, OpenSSH's client
    and the right to become root, and names everything that is missing in one message.
  - Lab hosts need root, or sudo without a password, because a machine cannot reach the addresses of
    rootless containers.
  - Runs on the controller; changes nothing.
author: [Promontory contributors]
options:
  lab:
    description: Name of the lab; lower-case letters, digits and inner hyphens.
    type: str
    required: true
  inventory_dir:
    description: Directory of the inventory that names the hosts, in the group C(lab_hosts); the lab
      writes their addresses into it. Empty when that group has no hosts, which is refused.
    type: str
    required: true
  sources:
    description: The inventory sources of the run, one of which must be that directory.
    type: list
    elements: str
    required: true
  state:
    description: C(absent) needs less, for there may be nothing left to remove.
    type: str
    choices: [present, absent]
    default: present
"""

EXAMPLES = r"""
- name: Check that this machine can hold a lab
  promontory.stack.lab_machine:
    lab: lab
    inventory_dir: /home/me/promontory/inventories/lab
    sources: "{{ ansible_inventory_sources }}"
"""

RETURN = r"""
hosts:
  description: Names of the lab's hosts, without those that only an earlier run of the lab has named.
  type: list
  elements: str
  returned: success
inventory:
  description: File that the lab writes its hosts' addresses into.
  type: str
  returned: success
"""

# The work is done by the action plugin of the same name, on the controller.
