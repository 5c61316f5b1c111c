"""Filter ``promontory.stack.postgresql_files``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: postgresql_files
short_description: Write the SQL and the access rules of a PostgreSQL server
version_added: "0.1.0"
author: [Promontory contributors]
description:
  - Turns users and databases into SQL that may run any number of times, and into lines of pg_hba.conf.
  - Passwords become SCRAM verifiers; the same salt gives the same text, so keep the salt where the password is kept.
options:
  _input:
    description: Users, each with C(name), C(password), C(salt), C(databases), C(member_of), C(connection_limit) and C(from).
    type: list
    elements: dict
    required: true
  databases:
    description: Databases, each with C(name), C(owner) and C(extensions).
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Show who may come from where
  ansible.builtin.debug:
    msg: "{{ (users | promontory.stack.postgresql_files([{'name': 'shop', 'owner': 'shop'}]))['pg_hba.conf'] }}"
  vars:
    users: [{name: shop, password: correct horse, salt: abcdefgh, databases: [shop], from: [10.0.0.7]}]
"""

RETURN = r"""
_value:
  description: Texts of C(objects.sql), C(passwords.sql) (a secret) and C(pg_hba.conf).
  type: dict
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.promontory.stack.plugins.plugin_utils import postgresql


def postgresql_files(users: Sequence[Mapping[str, Any]], databases: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Translate users and databases; the message of a refusal never holds a password."""
    try:
        return postgresql.files(users, databases)
    except postgresql.PostgresqlError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """Makes the filter known to Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {"postgresql_files": postgresql_files}
