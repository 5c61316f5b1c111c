#!/usr/bin/python
"""Documentation of the action ``promontory.stack.report``; it runs on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: report
short_description: One table and one JSON file from what all hosts said
version_added: "0.1.0"
author: Promontory contributors
description:
  - Gathers the results that M(promontory.stack.verify) (registered as C(verify_result)) or M(promontory.stack.status)
    (registered as C(status_result)) left on each host of the play, prints a table and writes C(<kind>.json).
  - Fails when a check of a verification missed, with the first reason and the command to look closer.
  - Runs on the controller alone; use it with C(run_once).
options:
  kind:
    description: Whose results.
    type: str
    choices: [verify, status]
    required: true
  directory:
    description: Folder on the controller for the file.
    type: path
    required: true
  environment:
    description: Named in the report.
    type: str
    default: ""
attributes:
  check_mode:
    description: It changes nothing on hosts.
    support: full
"""

EXAMPLES = r"""
- name: Judge the findings
  promontory.stack.report:
    kind: verify
    directory: "{{ stack_build_dir }}"
    environment: "{{ stack_environment }}"
  run_once: true
"""

RETURN = r"""
report:
  description: What the file holds.
  returned: always
  type: dict
  sample: {"ok": true, "at": "2026-11-22T06:00:00+00:00", "environment": "lab", "checks": []}
path:
  description: The file.
  returned: always
  type: str
  sample: build/verify.json
"""
