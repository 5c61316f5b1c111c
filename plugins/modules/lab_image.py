#!/usr/bin/python
"""Makes or removes the base image of lab hosts."""

from __future__ import annotations

DOCUMENTATION = r"""
module: lab_image
short_description: Have the base image of lab hosts
description:
  - The image is a small Debian with systemd, sshd and Python. It is built on an image of a container
    registry where one answers, else from Debian's packages through the machine's own mirrors.
  - Its name holds a hash of everything it is made from, so it is built once on a machine, shared by
    all clones, and built anew only when its recipe changes.
author: [Promontory contributors]
options:
  state:
    description: C(absent) removes every lab image of this machine that no container uses.
    type: str
    choices: [present, absent]
    default: present
  suite:
    description: Debian release.
    type: str
    default: trixie
  packages:
    description: Debian packages of the image beyond the essential ones.
    type: list
    elements: str
    default: []
  script:
    description: Script that turns a bare Debian tree into a lab host; needed with O(state=present).
    type: path
  registry_image:
    description: Image to build on where its registry answers; empty to build from packages always.
    type: str
    default: ""
  mirror:
    description: URL of a Debian archive; empty for the one of the machine's own apt.
    type: str
    default: ""
  min_free_mb:
    description: MiB that must be free before an image is built.
    type: int
    default: 1536
"""

EXAMPLES = r"""
- name: Have the base image of lab hosts
  promontory.stack.lab_image:
    suite: trixie
    packages: [systemd, systemd-sysv, openssh-server, python3, ca-certificates]
    script: "{{ role_path }}/files/image.sh"
"""

RETURN = r"""
image:
  description: Name of the stored image.
  type: str
  returned: with state=present
source:
  description: Where a newly made image came from, a registry image or a Debian archive; empty for a kept one.
  type: str
  returned: with state=present
removed:
  description: Names of the images that were removed.
  type: list
  elements: str
  returned: with state=absent
kept:
  description: Names of the images that containers of other labs use.
  type: list
  elements: str
  returned: with state=absent
"""

# The work is done by the action plugin of the same name, on the controller.
