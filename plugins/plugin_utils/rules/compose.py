"""The rule files of one environment: those its components need, with its numbers, its changes and its links."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from . import overrides, slo, slo_rules, variants
from .book import Book, Groups
from .errors import RulesError

SLO_STEM = "slo"
FILES_VARIABLE = "rules_files"
_WIDTH = 10_000  # a template is never broken
_HEADER = (
    "# Managed by Promontory: {source} of this project with the variables rules_* of this environment.\n"
    "# Change those and run the playbook again.\n"
)


@dataclass(frozen=True)
class Wanted:
    """What one environment wants of the rules.

    Attributes:
        components: Components that some host of the stack runs.
        hosts: Names of its hosts.
        values: Set thresholds, by name and host.
        alerts: ``rules_alerts``.
        slos: ``rules_slos``.
        files: ``rules_files``: stems to true or false, over what the components say.
        runbook_base_url: URL without trailing slash that runbooks are served below; empty leaves their path in the project.
        dashboard_base_url: Grafana's URL without trailing slash; empty leaves the links out.
    """

    components: frozenset[str]
    hosts: Sequence[str] = ()
    values: variants.Values = field(default_factory=dict)
    alerts: Mapping[str, Any] = field(default_factory=dict)
    slos: Sequence[Any] = ()
    files: Mapping[str, bool] = field(default_factory=dict)
    runbook_base_url: str = ""
    dashboard_base_url: str = ""


def compose(book: Book, wanted: Wanted) -> dict[str, Groups]:
    """Return the groups to deploy, by the file's stem.

    Raises:
        RulesError: A variable names what does not exist, or has a value that makes no rules.
    """
    _judge_files(book, wanted.files)
    with_slos = {**book.files, SLO_STEM: slo_rules.groups(_slos(wanted))}
    overrides.judge(wanted.alerts, [str(rule["alert"]) for _, rule in book.alerts()])
    settings = variants.settle(book, wanted.hosts, wanted.values)
    composed = {}
    for stem, groups in with_slos.items():
        if not is_deployed(book, stem, wanted):
            continue
        ours = [_group(group, book, wanted, settings) for group in groups]
        composed[stem] = [group for group in ours if group["rules"]]
    return {stem: groups for stem, groups in composed.items() if groups}


def is_deployed(book: Book, stem: str, wanted: Wanted) -> bool:
    """Tell whether a file belongs to this environment."""
    told = wanted.files.get(stem)
    return set(book.needs[stem]) <= wanted.components if told is None else told


def text(groups: Groups, stem: str) -> str:
    """Write a rule file, the same bytes for the same rules."""
    return _HEADER.format(source=f"rules/{stem}.yml" if stem != SLO_STEM else "the objectives rules_slos") + dump(
        groups
    )


def dump(groups: Groups) -> str:
    """Write groups as YAML that can be read: expressions over several lines stay so."""
    return str(
        yaml.dump(
            {"groups": groups},
            Dumper=_Dumper,
            sort_keys=False,
            default_flow_style=False,
            allow_unicode=True,
            width=_WIDTH,
        )
    )


def _judge_files(book: Book, told: Mapping[str, Any]) -> None:
    for stem, value in told.items():
        if stem not in book.needs:
            raise RulesError(f"{FILES_VARIABLE}.{stem}: there is no such rule file; there are {', '.join(book.needs)}.")
        if not isinstance(value, bool):
            raise RulesError(f"{FILES_VARIABLE}.{stem} is {value!r}, but must be true or false.")


def _slos(wanted: Wanted) -> list[slo.Slo]:
    every = slo.read(wanted.slos)
    return [one for one in every if one.components <= wanted.components]


def _group(group: Mapping[str, Any], book: Book, wanted: Wanted, settings: variants.Settings) -> dict[str, Any]:
    rules: list[dict[str, Any]] = []
    for rule in group["rules"]:
        if "alert" not in rule:
            rules.append(rule)
        elif overrides.is_enabled(str(rule["alert"]), wanted.alerts):
            changed = overrides.applied(rule, wanted.alerts)
            rules.extend(_linked(one, wanted) for one in variants.of_rule(changed, book, settings))
    return {**group, "rules": rules}


def _linked(rule: dict[str, Any], wanted: Wanted) -> dict[str, Any]:
    annotations = dict(rule["annotations"])
    if wanted.runbook_base_url:
        annotations["runbook_url"] = f"{wanted.runbook_base_url}/{rule['alert']}.html"
    if wanted.dashboard_base_url:
        annotations["dashboard_url"] = f"{wanted.dashboard_base_url}/{annotations['dashboard_url']}"
    else:
        annotations.pop("dashboard_url", None)
    return {**rule, "annotations": annotations}


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, and no anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        """Two equal mappings are written twice."""
        return True


def _represent_text(dumper: yaml.SafeDumper, data: str) -> yaml.ScalarNode:
    style = "|" if "\n" in data else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", data, style=style)


_Dumper.add_representer(str, _represent_text)
