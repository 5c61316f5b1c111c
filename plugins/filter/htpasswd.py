"""Filter ``promontory.stack.htpasswd``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: htpasswd
short_description: Write a password file for nginx
version_added: "0.1.0"
author: [Promontory contributors]
description:
  - Hashes passwords with SHA-512 as crypt(3) does, the strongest form that nginx reads on every distribution.
  - The same salt gives the same text, so keep the salt where the password is kept.
options:
  _input:
    description: Users, each with C(name), C(password) and C(salt), or with a ready C(hash).
    type: list
    elements: dict
    required: true
requirements:
  - libpass
"""

EXAMPLES = r"""
- name: Show the line of one user
  ansible.builtin.debug:
    msg: "{{ [{'name': 'admin', 'password': 'correct horse', 'salt': 'abcdefgh'}] | promontory.stack.htpasswd }}"
"""

RETURN = r"""
_value:
  description: One line for each user.
  type: str
  sample: "admin:$6$abcdefgh$..."
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError
from passlib.hash import sha512_crypt

# The specification's default; nginx computes it for every request, so more would cost each of them.
_ROUNDS = 5000


def htpasswd(users: Sequence[Mapping[str, Any]]) -> str:
    """Translate users to lines, in their order; the message of a refusal never holds a password."""
    lines: list[str] = []
    names: set[str] = set()
    for position, user in enumerate(users):
        name = str(user.get("name") or "")
        where = f"edge_users[{position}] ({name or 'without name'})"
        if not name or ":" in name or any(character.isspace() for character in name):
            raise AnsibleFilterError(f"{where}: a name is not empty and has neither a colon nor blanks.")
        if name in names:
            raise AnsibleFilterError(f"{where}: the name is used twice.")
        names.add(name)
        if user.get("hash"):
            lines.append(f"{name}:{user['hash']}")
            continue
        if not user.get("password"):
            raise AnsibleFilterError(f"{where}: give it a password or a hash.")
        if not user.get("salt"):
            raise AnsibleFilterError(f"{where}: give it a salt of 1 to 16 letters and digits, kept with the password.")
        try:
            hashed = sha512_crypt.using(salt=str(user["salt"]), rounds=_ROUNDS).hash(str(user["password"]))
            lines.append(f"{name}:{hashed}")
        except ValueError as error:
            raise AnsibleFilterError(f"{where}: {error}.") from error
    return "\n".join(lines) + "\n"


class FilterModule:
    """Makes the filter known to Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {"htpasswd": htpasswd}
