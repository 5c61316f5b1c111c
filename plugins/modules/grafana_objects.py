#!/usr/bin/python
"""Bring what lives in Grafana's database to what is declared."""

from __future__ import annotations

DOCUMENTATION = r"""
module: grafana_objects
short_description: Teams, folder permissions and service accounts of a Grafana
version_added: "0.2.0"
author: Promontory contributors
description:
  - Makes folders, teams and service accounts as they are declared, through Grafana's API on its own host, in one remote call.
  - Removes again what it has made and what is named no more; what people made in Grafana stays. A folder with something in it stays too.
  - Values of new tokens become 0600 files on the controller. A token whose value is lost or which has expired is made anew.
  - Where Grafana does not take the administrator's password, the declared one is set on the host with Grafana's own command.
options:
  url:
    description: Base URL of Grafana on its host.
    type: str
    required: true
  ca_file:
    description: Certificate authority for https; empty for the system's.
    type: str
    default: ""
  server_name:
    description: Name in its certificate where that differs from the URL's host.
    type: str
    default: ""
  username:
    description: Name of the administrator.
    type: str
    required: true
  password_file:
    description: File on the host with the administrator's password.
    type: str
    required: true
  reset_command:
    description: Command that sets the password it reads from its standard input; C({data}) and the like are not filled in.
    type: list
    elements: str
    default: []
  teams:
    description: C(name), C(email) and C(members) (logins or addresses) of each team.
    type: list
    elements: dict
    default: []
  folders:
    description: C(uid), C(title) and C(permissions) of each folder; without C(permissions) it keeps those it has.
    type: list
    elements: dict
    default: []
  service_accounts:
    description: C(name), C(role) and C(tokens) (C(name) and C(days)) of each service account.
    type: list
    elements: dict
    default: []
  tokens_dir:
    description: Folder on the controller for the tokens, one file C(grafana_token_<account>_<token>) each.
    type: path
    required: true
attributes:
  check_mode:
    description: Tells what it would do.
    support: full
"""

EXAMPLES = r"""
- name: A team may change one folder, and a robot may read
  promontory.stack.grafana_objects:
    url: http://127.0.0.1:3000
    username: admin
    password_file: /etc/grafana/current/config/secrets/admin_password
    teams: [{name: shop}]
    folders: [{uid: shop, title: Shop, permissions: [{team: shop, permission: edit}]}]
    service_accounts: [{name: reporter, role: Viewer, tokens: [{name: default, days: 0}]}]
    tokens_dir: secrets
"""

RETURN = r"""
actions:
  description: What was done, in order.
  returned: always
  type: list
  elements: str
  sample: [make the team shop]
notes:
  description: What could not be taken away, and why.
  returned: always
  type: list
  elements: str
  sample: []
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.promontory.stack.plugins.module_utils import atomic
from ansible_collections.promontory.stack.plugins.module_utils.errors import ComponentError
from ansible_collections.promontory.stack.plugins.module_utils.grafana.api import Api
from ansible_collections.promontory.stack.plugins.module_utils.grafana.objects import Objects, Record
from ansible_collections.promontory.stack.plugins.module_utils.grafana.password import ensure_password
from ansible_collections.promontory.stack.plugins.module_utils.readback import Readback

_RECORD = Path("/var/lib/promontory/grafana-objects.json")


def _former() -> Record:
    try:
        return Record(**json.loads(_RECORD.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return Record()
    except (ValueError, TypeError) as error:
        raise ComponentError(
            f"{_RECORD}: this record of what was made in Grafana cannot be read ({error}).",
            hint="Move it away; what is named no more must then be removed in Grafana by hand.",
        ) from error


def _run(params: dict[str, Any], *, check_mode: bool) -> dict[str, Any]:
    spec = Readback(
        ca_file=params["ca_file"],
        server_name=params["server_name"],
        username=params["username"],
        password_file=params["password_file"],
    )
    api = Api(params["url"], spec)
    actions = ensure_password(
        api, Path(params["password_file"]), params["username"], params["reset_command"], check_mode=check_mode
    )
    if actions and check_mode:
        return {"changed": True, "actions": actions, "notes": [], "tokens": {}}
    former = _former()
    result = Objects(api, former, check_mode=check_mode).bring(
        params["teams"], params["folders"], params["service_accounts"], params["tokens"]
    )
    if result.record != former and not check_mode:
        _RECORD.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        atomic.write_file(_RECORD, (json.dumps(asdict(result.record), indent=2) + "\n").encode(), mode=0o600)
    actions += result.actions
    return {"changed": bool(actions), "actions": actions, "notes": result.notes, "tokens": result.tokens}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "url": {"type": "str", "required": True},
            "ca_file": {"type": "str", "default": ""},
            "server_name": {"type": "str", "default": ""},
            "username": {"type": "str", "required": True},
            "password_file": {"type": "str", "required": True, "no_log": False},
            "reset_command": {"type": "list", "elements": "str", "default": []},
            "teams": {"type": "list", "elements": "dict", "default": []},
            "folders": {"type": "list", "elements": "dict", "default": []},
            "service_accounts": {"type": "list", "elements": "dict", "default": []},
            "tokens": {"type": "dict", "default": {}, "no_log": True},
        },
        supports_check_mode=True,
    )
    try:
        result = _run(module.params, check_mode=module.check_mode)
    except (ComponentError, OSError) as error:
        module.fail_json(msg=f"grafana: {error}")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
