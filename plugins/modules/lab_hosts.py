#!/usr/bin/python
"""Makes, repairs or removes the hosts of a lab."""

from __future__ import annotations

DOCUMENTATION = r"""
module: lab_hosts
short_description: Have the hosts of a lab
description:
  - Each host is a container that runs systemd and sshd on a network of the lab's own, reached over
    SSH like any machine.
  - Finds what an earlier run left behind, whatever its state. A host that fits is kept or started
    again, any other is made anew; one that the inventory no longer names is removed.
  - Keys to log in with and host keys are made for the purpose and kept under C(.lab/<lab>/) of the
    clone; the host keys are pinned before the first connection.
  - Runs on the controller.
  - Two clones of the project, and two labs of one clone, have names and networks of their own.
author: [Promontory contributors]
options:
  state:
    description: C(absent) removes the hosts, the network, the keys, the addresses and the lab's directory.
    type: str
    choices: [present, absent]
    default: present
  project:
    description: Path of the clone; its hash is part of every name.
    type: path
    required: true
  lab:
    description: Name of the lab within the clone.
    type: str
    required: true
  inventory:
    description: File to write the addresses and logins of the hosts into.
    type: path
    required: true
  hosts:
    description: Inventory names of the hosts.
    type: list
    elements: str
    default: []
  image:
    description: Stored base image; needed with O(state=present).
    type: str
    default: ""
  subnet_pool:
    description: IPv4 network of /24 or larger from which a new lab takes a free /24.
    type: str
    default: 10.231.0.0/16
  ready_timeout_s:
    description: Seconds a host has from its start to an answering sshd.
    type: float
    default: 30
"""

EXAMPLES = r"""
- name: Have the hosts of the lab
  promontory.stack.lab_hosts:
    project: /home/me/promontory
    lab: lab
    hosts: [lab1]
    image: localhost/promontory-lab:trixie-0a1b2c3d4e5f
    inventory: /home/me/promontory/inventories/lab/hosts.generated.yml
"""

RETURN = r"""
hosts:
  description: For each host its container, the container's id, address, and action (kept, made, made anew, started).
  type: dict
  returned: with state=present
subnet:
  description: The lab's subnet.
  type: str
  returned: with state=present
actions:
  description: What was done, one sentence each.
  type: list
  elements: str
  returned: success
"""

# The work is done by the action plugin of the same name, on the controller.
