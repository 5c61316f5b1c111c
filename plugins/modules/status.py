#!/usr/bin/python
"""Tell what is installed on a host and whether it runs."""

from __future__ import annotations

DOCUMENTATION = r"""
module: status
short_description: Components of a host, their versions and whether they answer
version_added: "0.1.0"
author: Promontory contributors
description:
  - Reads the journals of the installed components, asks systemd about their units and looks whether their ports answer.
  - Changes nothing and waits for nothing; M(promontory.stack.report) shows the result of all hosts.
options:
  ports:
    description: Component to its TCP port on this host; one that accepts a connection answers.
    type: dict
    default: {}
  addresses:
    description: Component to the address it listens on.
    type: dict
    default: {}
attributes:
  check_mode:
    description: It only reads.
    support: full
"""

EXAMPLES = r"""
- name: Ask the host
  promontory.stack.status:
    ports: {prometheus: 9090}
    addresses: {prometheus: 127.0.0.1}
  register: status_result
"""

RETURN = r"""
components:
  description: One entry for each installed component.
  returned: always
  type: list
  elements: dict
  sample:
    - {name: prometheus, version: 3.5.3, source: package, generation: 0002-1f3a5b7c, active: active,
       since: "2026-11-22T06:00:00+00:00", answers: true, detail: ""}
"""

import socket
from datetime import datetime, timezone
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.promontory.stack.plugins.module_utils import commands, journal
from ansible_collections.promontory.stack.plugins.module_utils.errors import ComponentError

_CONNECT_TIMEOUT_S = 2.0


def answers(address: str, port: int | None) -> bool | None:
    """Tell whether a port accepts a connection; None for a component without one."""
    if not port:
        return None
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)  # noqa: S104  nothing is bound here
    try:
        with socket.create_connection((reachable, int(port)), timeout=_CONNECT_TIMEOUT_S):
            return True
    except OSError:
        return False


def active_states(units: list[str]) -> list[str]:
    """Return systemd's word for each unit: active, activating, failed, inactive, unknown."""
    if not units:
        return []
    said = commands.run(["systemctl", "is-active", *units]).stdout.split()
    return said if len(said) == len(units) else ["unknown"] * len(units)


def describe(held: journal.Journal, active: str, said: bool | None) -> dict[str, Any]:
    """Put together what is known of one component; ``said`` is whether its port answers."""
    serving = held.committed
    detail = ""
    if held.under_way is not None:
        detail = "a run was ended while it changed this; the next one finishes or reverts it"
    elif active != "active":
        detail = f"journalctl -u {held.component} -n 50 --no-pager"
    elif said is False:
        detail = "its port does not answer"
    return {
        "name": held.component,
        "version": serving.version if serving else "",
        "source": serving.source if serving else "",
        "generation": serving.id if serving else "",
        "active": active,
        "since": datetime.fromtimestamp(serving.at, tz=timezone.utc).isoformat(timespec="seconds") if serving else "",
        "answers": said,
        "detail": detail,
    }


def main() -> None:
    """Run the module."""
    spec = {"ports": {"type": "dict", "default": {}}, "addresses": {"type": "dict", "default": {}}}
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    ports, addresses = module.params["ports"], module.params["addresses"]
    try:
        held = journal.installed()
    except ComponentError as error:
        module.fail_json(msg=str(error))
    states = active_states([f"{name}.service" for name in held])
    components = [
        describe(one, state, answers(str(addresses.get(name, "127.0.0.1")), ports.get(name)))
        for (name, one), state in zip(held.items(), states)
    ]
    module.exit_json(changed=False, components=components)


if __name__ == "__main__":
    main()
