"""One alert with numbers of its own for some hosts.

A host's number makes a second rule of the same name, held to that host; the first one leaves it out. Which hosts a rule is
about is asked of ``up``, because its series have the inventory's name in ``instance`` whatever the alert looks at.
"""

from __future__ import annotations

import copy
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import thresholds, units
from .book import Book
from .errors import RulesError
from .thresholds import Threshold

# Values by threshold and host; a host that is missing has the default.
Values = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Settings:
    """The numbers of one environment.

    Attributes:
        base: By threshold, the value that holds where no host says otherwise.
        own: By host, the thresholds that differ there.
    """

    base: Mapping[str, float]
    own: Mapping[str, Mapping[str, float]]


def settle(book: Book, hosts: Sequence[str], values: Values) -> Settings:
    """Find out which numbers hold for all and which for some.

    Args:
        book: The rules.
        hosts: All hosts of the stack.
        values: What was set.
    Raises:
        RulesError: Hosts differ in a number that there is only one of.
    """
    base, own = dict(book.defaults), dict[str, dict[str, float]]()
    for name, default in book.defaults.items():
        by_host = {host: float(values.get(name, {}).get(host, default)) for host in hosts}
        if not by_host:
            continue
        # The value of most hosts is the base, the default before others: so there are fewest rules.
        counted = Counter(by_host.values())
        base[name] = max(counted, key=lambda value: (counted[value], value == default, -value))
        differing = {host: value for host, value in by_host.items() if value != base[name]}
        if differing and book.thresholds[name].scope != "host":
            raise RulesError(_ambiguous(book.thresholds[name], base[name], differing))
        for host, value in differing.items():
            own.setdefault(host, {})[name] = value
    return Settings(base=base, own=own)


def _ambiguous(threshold: Threshold, base: float, differing: Mapping[str, float]) -> str:
    told = ", ".join(f"{units.literal(value)} on {host}" for host, value in sorted(differing.items()))
    return (
        f"{threshold.variable} is {told}, but {units.literal(base)} elsewhere. {threshold.alert} is about no single host, so "
        "there is one number for the whole stack: set it in group_vars/all."
    )


def of_rule(rule: Mapping[str, Any], book: Book, settings: Settings) -> Iterator[dict[str, Any]]:
    """Yield an alerting rule with the base numbers, then one for each set of hosts with numbers of their own."""
    names = {literal.name for literal in thresholds.literals(str(rule["expr"]))}
    alike: dict[tuple[tuple[str, float], ...], list[str]] = {}
    for host, own in sorted(settings.own.items()):
        mine = tuple(sorted((name, value) for name, value in own.items() if name in names))
        if mine:
            alike.setdefault(mine, []).append(host)
    base = {name: settings.base[name] for name in names}
    common = with_numbers(rule, book, base)
    apart = sorted(host for hosts in alike.values() for host in hosts)
    yield held(common, apart, "unless") if apart else common
    for mine, hosts in alike.items():
        yield held(with_numbers(rule, book, {**base, **dict(mine)}), hosts, "and")


def with_numbers(rule: Mapping[str, Any], book: Book, values: Mapping[str, float]) -> dict[str, Any]:
    """Return a rule with other numbers in its expression and its description."""
    changed = copy.deepcopy(dict(rule))
    different = {name: value for name, value in values.items() if value != book.defaults[name]}
    if not different:
        return changed
    changed["expr"] = thresholds.in_expression(str(rule["expr"]), different)
    annotations = changed["annotations"]
    # Longest first, so that 5% is not taken for the end of a number that is replaced later.
    for name in sorted(
        different, key=lambda name: -len(units.written(book.defaults[name], book.thresholds[name].unit))
    ):
        annotations["description"] = thresholds.in_description(
            annotations["description"], book.thresholds[name], book.defaults[name], different[name]
        )
    return changed


def held(rule: Mapping[str, Any], hosts: Sequence[str], word: str) -> dict[str, Any]:
    """Hold a rule to hosts (``and``), or take them out (``unless``)."""
    expression = str(rule["expr"]).rstrip("\n")
    indented = "\n".join(f"  {line}" for line in expression.splitlines())
    return {**rule, "expr": f"(\n{indented}\n)\n{word} on (instance) up{{{_instances(hosts)}}}\n"}


def _instances(hosts: Sequence[str]) -> str:
    if len(hosts) == 1:
        return f'instance="{hosts[0]}"'
    escaped = "|".join(re.escape(host).replace("\\", "\\\\") for host in hosts)
    return f'instance=~"{escaped}"'
