"""Adds the results of recording rules to a catalogue: their names, and the labels that their expressions leave."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from promontory.catalogue import Catalogue, Labels
from promontory.promql.labels import labels_of


def with_rules(catalogue: Catalogue, folder: Path) -> Catalogue:
    """Return a catalogue that also knows what the rule files of a folder record.

    Args:
        catalogue: What the programs export.
        folder: Its `*.yml` that have `groups` are rule files; others are left alone.
    Raises:
        ValueError: The expression of a recording rule is no PromQL.
    """
    found = (yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.yml")))
    groups = [group for told in found if isinstance(told, Mapping) for group in told.get("groups") or ()]
    return with_groups(catalogue, groups)


def with_groups(catalogue: Catalogue, groups: Iterable[Mapping[str, Any]]) -> Catalogue:
    """Return a catalogue that also knows what rule groups record; one rule may use another's result."""
    rules = [rule for group in groups for rule in group.get("rules") or () if "record" in rule]
    known = catalogue.with_recorded({str(rule["record"]): None for rule in rules})
    # Labels come from expressions that may use names of other rules: as many rounds as the longest chain, which ends
    # when nothing changes any more.
    for _ in rules:
        found: dict[str, Labels] = {}
        for rule in rules:
            labels = labels_of(str(rule["expr"]), known)
            own = labels if labels is None else labels | set(rule.get("labels") or ())
            name = str(rule["record"])
            before = found.get(name, frozenset())
            found[name] = None if own is None or before is None else own | before
        after = known.with_recorded(found)
        if after.recorded == known.recorded:
            break
        known = after
    return known
