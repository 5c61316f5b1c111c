"""Filter ``promontory.stack.flags``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: flags
short_description: Render command-line flags from a mapping
version_added: "0.1.0"
author: [Promontory contributors]
description:
  - True becomes C(--name), false C(--no-name), a number or text C(--name=value), a list one argument for each element; null is left out.
options:
  _input:
    description: Value by flag name, without dashes.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show some flags
  ansible.builtin.debug:
    msg: "{{ {'web.enable-lifecycle': true, 'log.level': 'info'} | promontory.stack.flags }}"
"""

RETURN = r"""
_value:
  description: The arguments in the mapping's order.
  type: list
  elements: str
  sample: ["--web.enable-lifecycle", "--log.level=info"]
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.promontory.stack.plugins.module_utils.flags import render
from ansible_collections.promontory.stack.plugins.plugin_utils import plain


def flags(mapping: Mapping[str, Any]) -> list[str]:
    """Translate errors; the work is done in module_utils/flags.py."""
    if not isinstance(mapping, Mapping):
        raise AnsibleFilterError(f"promontory.stack.flags wants a mapping of flags, not {type(mapping).__name__}.")
    try:
        return render(plain.of(mapping))
    except ValueError as error:
        raise AnsibleFilterError(f"promontory.stack.flags: {error}.") from error


class FilterModule:
    """The collection's loader looks here."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters of this file."""
        return {"flags": flags}
