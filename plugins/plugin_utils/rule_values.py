"""What the inventory says of the rules' numbers, host by host."""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.promontory.stack.plugins.plugin_utils.host_variables import HostVariables
from ansible_collections.promontory.stack.plugins.plugin_utils.rules import RulesError, thresholds
from ansible_collections.promontory.stack.plugins.plugin_utils.rules.book import Book


def of_hosts(rules: Book, variables: HostVariables, hosts: Iterable[str]) -> dict[str, dict[str, float]]:
    """Return set numbers by threshold and host. Preflight judged them; a role that is used alone has it done here.

    Raises:
        RulesError: A value cannot be evaluated, is no number or lies outside its range.
    """
    names = [threshold.variable for threshold in rules.thresholds.values()]
    found: dict[str, dict[str, float]] = {}
    for host in hosts:
        for variable, value in variables.lookup(host, names).items():
            threshold = rules.thresholds[variable.removeprefix(thresholds.PREFIX)]
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise RulesError(f"{variable} of {host} is {value!r}, but must be a number.")
            problem = threshold.problem(value)
            if problem:
                raise RulesError(f"{variable} of {host} {problem}")
            found.setdefault(threshold.name, {})[host] = float(value)
    if variables.problems:
        host, message = variables.problems[0]
        raise RulesError(f"{host}: {message}")
    return found
