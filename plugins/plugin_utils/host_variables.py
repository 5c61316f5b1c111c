"""Values of variables as a host sees them: its own ones over defaults, templated when they are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleError
from ansible.template import Templar
from ansible_collections.promontory.stack.plugins.plugin_utils import plain


class HostVariables:
    """Looks variables of hosts up; what cannot be evaluated is left out and told in ``problems``.

    Attributes:
        problems: Pairs of host and message.
    """

    def __init__(self, templar: Templar, hostvars: Any, defaults: Mapping[str, Any]) -> None:
        """Take Ansible's ``hostvars`` and the defaults that lie beneath them."""
        self._templar = templar
        self._hostvars = hostvars
        self._defaults = defaults
        self._templars: dict[str, Templar] = {}
        self.problems: list[tuple[str, str]] = []

    def lookup(self, host: str, names: Iterable[str]) -> dict[str, Any]:
        """Return the values of those names that are set for a host, plain and templated."""
        templar = self._of_host(host)
        variables = templar.available_variables
        found = {}
        for name in names:
            if name not in variables:
                continue
            try:
                found[name] = plain.of(templar.template(variables[name]))
            except AnsibleError as error:
                self.problems.append((host, f"{name} cannot be evaluated: {error}"))
        return found

    def _of_host(self, host: str) -> Templar:
        if host not in self._templars:
            variables = {**self._defaults, **self._hostvars.raw_get(host)}
            self._templars[host] = self._templar.copy_with_new_env(available_variables=variables)
        return self._templars[host]
