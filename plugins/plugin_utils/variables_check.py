"""Judges the variables of a host against the roles that it runs: values, unknown names, removed names."""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleError, AnsibleTemplateError
from ansible.template import Templar
from ansible_collections.promontory.stack.plugins.plugin_utils import origin, spec_check
from ansible_collections.promontory.stack.plugins.plugin_utils.roles import RoleData
from ansible_collections.promontory.stack.plugins.plugin_utils.spec_check import Finding

Judge = Callable[[Mapping[str, Any]], Iterable[Finding]]


class VariablesCheck:
    """Checks one host's variables, role by role.

    Args:
        templar: Ansible's, for this host.
        task_vars: All variables of the host, not templated.
        common: The shared role, whose defaults lie beneath those of every role.
        prefixes: What variables of any known role or component start with, to tell ``redis_`` from ``redis_exporter_``.
        modelled: Variables that the topology model reads and judges itself; they need no place in a spec.
    """

    def __init__(
        self,
        templar: Templar,
        task_vars: Mapping[str, Any],
        common: RoleData,
        prefixes: Iterable[str],
        modelled: Iterable[str],
    ) -> None:
        self._templar = templar
        self._task_vars = task_vars
        self._common = common
        self._prefixes = sorted(prefixes, key=len, reverse=True)
        self._modelled = frozenset(modelled)
        self._origins = origin.of_names(task_vars)
        facts = task_vars.get("ansible_facts") or {}
        # Facts show up as variables of their own too; nobody typed them.
        self._names = [str(name) for name in task_vars if name not in facts and not str(name).startswith("ansible_")]

    def role(self, role: RoleData, also: Judge | None = None, together: tuple[str, Judge] | None = None) -> list[Finding]:
        """Return what is wrong with a role's variables; nothing but removed names for a role that describes none.

        Args:
            role: The role.
            also: Judges what a spec cannot say, such as ranges.
            together: An internal variable of the role and who judges its value; asked when every variable is right by itself.
        """
        removed = [self._removed(name, role.removed[name]) for name in self._names if name in role.removed]
        if role.options is None:
            return removed
        values, broken = self._values(role)
        judged = [*spec_check.check(_without(role.options, broken), values), *(also(values) if also else ())]
        if together and not judged and not broken:
            name, judge = together
            judged += judge(self._templar_of(role).template(role.internal[name]))
        wrong = [self._placed(finding, role) for finding in judged]
        return [*broken.values(), *wrong, *removed, *self._unknown(role)]

    def out_of_sight(self, names: Iterable[str], seen: Mapping[str, Any], defaults: Mapping[str, Any]) -> list[Finding]:
        """Return a finding for each variable of the topology that only this play sets: no other host can see it there.

        Args:
            names: Variables that the model reads.
            seen: What the model saw of this host, ``hostvars``.
            defaults: The common role's; a play that lists the role has them among its variables.
        """
        return [
            Finding(
                name,
                f"{name} is a variable of this play, where other hosts cannot see it and the topology would be wrong. "
                f"Set it in group_vars or host_vars of the inventory, or with -e.{self._where(name)}",
            )
            for name in names
            if name in self._task_vars and name not in seen and self._task_vars[name] != defaults.get(name)
        ]

    def _values(self, role: RoleData) -> tuple[dict[str, Any], dict[str, Finding]]:
        """Return the values of a role's variables, and a finding for each that cannot be evaluated."""
        templar = self._templar_of(role)
        variables = templar.available_variables
        values: dict[str, Any] = {}
        broken: dict[str, Finding] = {}
        for name in role.options or {}:
            if name not in variables:
                continue
            try:
                values[name] = templar.template(variables[name])
            except AnsibleError as error:
                message = f"{name} cannot be evaluated: {_reason(error)}"
                broken[name] = self._placed(Finding(name, message), role)
        return values, broken

    def _templar_of(self, role: RoleData) -> Templar:
        """Return a templar that sees what a task of the role sees."""
        variables = ChainMap(
            {"role_path": str(role.path), "role_name": role.name, **self._common.internal, **role.internal},
            dict(self._task_vars),
            dict(role.defaults),
            dict(self._common.defaults),
        )
        return self._templar.copy_with_new_env(available_variables=variables)

    def _placed(self, finding: Finding, role: RoleData) -> Finding:
        """Add where to edit, and for a default which variables it repeats."""
        sources: frozenset[str] = frozenset()
        if finding.variable in self._task_vars:
            place = self._origins.get(finding.variable, "")
            where = f" (set in {place})" if place else ""
        elif finding.variable in role.defaults:
            where = f" (default of the role {role.name})"
            sources = frozenset(re.findall(r"\w+", str(role.defaults[finding.variable])))
        else:
            where = " Set it in group_vars or host_vars of the inventory."
        return Finding(finding.variable, finding.message + where, sources)

    def _removed(self, name: str, fate: Mapping[str, str]) -> Finding:
        since = f" in {fate['since']}" if fate.get("since") else ""
        way_out = f"Use {fate['use']} instead." if fate.get("use") else str(fate.get("reason", "Delete it."))
        return Finding(name, f"{name} was removed{since}. {way_out}{self._where(name)}")

    def _unknown(self, role: RoleData) -> list[Finding]:
        known = {*(role.options or ()), *role.internal, *role.removed, *self._modelled}
        found = []
        for name in self._names:
            if name in known or not name.startswith(role.prefix) or self._owner(name) != role.prefix:
                continue
            candidates = [item for item in known if not item.startswith("_")]
            hint = (
                spec_check.nearest(name, candidates)
                or f" Names that start with {role.prefix} belong to {role.name}: rename or delete it."
            )
            found.append(Finding(name, f"{name} is no variable of {role.name}.{hint}{self._where(name)}"))
        return found

    def _owner(self, name: str) -> str:
        return next((prefix for prefix in self._prefixes if name.startswith(prefix)), "")

    def _where(self, name: str) -> str:
        place = self._origins.get(name, "")
        return f" (set in {place})" if place else ""


def _without(options: Mapping[str, Any], broken: Mapping[str, Finding]) -> dict[str, Any]:
    return {name: option for name, option in options.items() if name not in broken}


def _reason(error: AnsibleError) -> str:
    """Return why a template failed, without the lines of source that Ansible adds below."""
    cause: BaseException = error
    while isinstance(cause, AnsibleTemplateError) and isinstance(cause.__cause__, AnsibleError):
        cause = cause.__cause__
    text = str(getattr(cause, "message", cause)).strip()
    return re.sub(r"\s+", " ", text)


def causes(findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings without mere consequences: a role's default that repeats another variable that is wrong."""
    wrong = {finding.variable for finding in findings}
    return [finding for finding in findings if not wrong.intersection(finding.derived_from)]


def mentioned(findings: Sequence[Finding], message: str) -> bool:
    """Tell whether a sentence that starts with a variable's name is about one that already has a finding."""
    word = re.match(r"\w+", message)
    return bool(word) and word.group() in {finding.variable for finding in findings}
