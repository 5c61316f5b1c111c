#!/usr/bin/python
"""Tell in one call what a play must know about a host before it changes anything."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host
short_description: Operating system, architecture, free space and installed components of a host
version_added: "0.1.0"
author: Promontory contributors
description:
  - Asks a host, in one remote call, everything that preflight judges and that the other roles need to know.
  - Changes nothing; sets the fact C(stack_host).
options:
  paths:
    description: Directories whose free space is told; for one that does not exist, its nearest parent.
    type: list
    elements: str
    default: [/opt, /etc, /var/lib]
  files:
    description: Small files whose SHA-256 is told, empty for one that is absent, so that a role need not ask again.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    description: It only reads.
    support: full
"""

EXAMPLES = r"""
- name: Ask the host
  promontory.stack.host:
"""

RETURN = r"""
ansible_facts:
  description: Facts to add.
  returned: always
  type: dict
  contains:
    stack_host:
      description:
        - C(os) (id, version, codename, family), C(architecture) (amd64, arm64 or the word of the kernel), C(python),
          C(systemd) (version, 0 when it does not run), C(privileged), C(free_mb) by path,
          C(installed) (component to version, source, release, request, generation), C(files) (path to SHA-256).
      type: dict
"""

import os
import platform
import re
import shutil
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.promontory.stack.plugins.module_utils import commands, journal
from ansible_collections.promontory.stack.plugins.module_utils.checksum import sha256_of
from ansible_collections.promontory.stack.plugins.module_utils.errors import ComponentError
from ansible_collections.promontory.stack.plugins.module_utils.machine import architecture


def os_release(text: str) -> dict[str, str]:
    """Read ``os-release(5)`` into id, version, codename and family (the first like-minded id)."""
    values = {}
    for line in text.splitlines():
        match = re.match(r'([A-Z_]+)="?([^"]*)"?$', line.strip())
        if match:
            values[match.group(1)] = match.group(2)
    identity = values.get("ID", "unknown")
    return {
        "id": identity,
        "version": values.get("VERSION_ID", ""),
        "codename": values.get("VERSION_CODENAME", ""),
        "family": "debian" if "debian" in (identity, *values.get("ID_LIKE", "").split()) else identity,
    }


def systemd_version() -> int:
    """Return the version of the running systemd; 0 where something else is process 1."""
    if not Path("/run/systemd/system").is_dir():
        return 0
    match = re.search(r"systemd (\d+)", commands.run(["systemctl", "--version"]).stdout)
    return int(match.group(1)) if match else 0


def free_mb(path: str) -> int:
    """Return the free space of a directory, or of its nearest parent that exists, in MiB."""
    directory = Path(path)
    while not directory.exists():
        directory = directory.parent
    return shutil.disk_usage(directory).free // 2**20


def installed() -> dict[str, dict[str, Any]]:
    """Return what the journals say is installed."""
    return {
        name: {
            "version": held.committed.version,
            "source": held.committed.source,
            "release": held.committed.release,
            "request": held.committed.request,
            "generation": held.committed.id,
            "since": held.committed.at,
        }
        if held.committed
        else {}
        for name, held in journal.installed().items()
    }


def main() -> None:
    """Run the module."""
    paths = {"type": "list", "elements": "str", "default": ["/opt", "/etc", "/var/lib"]}
    files = {"type": "list", "elements": "str", "default": []}
    module = AnsibleModule(argument_spec={"paths": paths, "files": files}, supports_check_mode=True)
    try:
        text = Path("/etc/os-release").read_text(encoding="utf-8")
    except OSError:
        text = ""
    try:
        components = installed() if os.geteuid() == 0 else {}
    except ComponentError as error:
        module.fail_json(msg=str(error))
    facts = {
        "os": os_release(text),
        "architecture": architecture(),
        "python": platform.python_version(),
        "systemd": systemd_version(),
        "privileged": os.geteuid() == 0,
        "free_mb": {path: free_mb(path) for path in module.params["paths"]},
        "installed": components,
        "files": {path: sha256_of(Path(path)) if Path(path).is_file() else "" for path in module.params["files"]},
    }
    module.exit_json(changed=False, ansible_facts={"stack_host": facts})


if __name__ == "__main__":
    main()
