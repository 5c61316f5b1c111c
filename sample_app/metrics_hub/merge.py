"""Many answers into one: each family once, its description first, then the lines of every pod together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from metrics_hub.exposition import Declaration, Family, Format

Families = Mapping[Declaration, Family]

OWN_PREFIX = "metrics_hub_"


@dataclass(frozen=True)
class Merged:
    """What is left of the pods' families.

    Attributes:
        families: Of each family that stays, the parts by pod, in the pods' order.
        samples: How many samples of each pod stay.
        dropped: How many are left out.
    """

    families: dict[Declaration, list[Family]]
    samples: Counter[str]
    dropped: Counter[str]


def merge(answers: Mapping[str, Families], form: Format) -> Merged:
    """Put the pods' families together.

    Pods of two versions may disagree about what a family is. What most pods say counts (among equals the first by
    name and type), and the others' samples of that family are left out, for one exposition can say it only once. The
    same goes for families whose samples have each other's names. Names that begin with `metrics_hub_` are the hub's.

    Args:
        answers: Families by pod.
        form: The format of all of them.
    """
    owners = _owners(answers, form)
    families: dict[Declaration, list[Family]] = {}
    samples: Counter[str] = Counter()
    dropped: Counter[str] = Counter()
    for pod, found in answers.items():
        for declaration, family in found.items():
            dropped[pod] += family.repeated
            if all(owners.get(name) == declaration for name in declaration.sample_names(form)):
                families.setdefault(declaration, []).append(family)
                samples[pod] += len(family.lines)
            else:
                dropped[pod] += len(family.lines)
    return Merged(families, samples, dropped)


def _owners(answers: Mapping[str, Families], form: Format) -> dict[str, Declaration]:
    """Give every sample name to one declaration."""
    votes = Counter(declaration for found in answers.values() for declaration in found)
    owners: dict[str, Declaration] = {}
    for declaration, _ in sorted(votes.items(), key=lambda vote: (-vote[1], vote[0].name, vote[0].type)):
        names = declaration.sample_names(form)
        ours = any(name.startswith(OWN_PREFIX) for name in names)
        if not ours and owners.keys().isdisjoint(names):
            owners.update(dict.fromkeys(names, declaration))
    return owners


def render(own: str, merged: Merged, form: Format) -> str:
    """Write the exposition.

    Args:
        own: The hub's own metrics, without the mark of the end; they come first.
    """
    parts = [own]
    for declaration in sorted(merged.families, key=lambda declaration: declaration.name):
        parts.extend(_lines(declaration, merged.families[declaration], form))
    if form is Format.OPENMETRICS:
        parts.append("# EOF\n")
    return "".join(parts)


def _lines(declaration: Declaration, families: list[Family], form: Format) -> Iterator[str]:
    texts = [family.help for family in families if family.help is not None]
    if texts:
        yield f"# HELP {declaration.name} {texts[0]}\n"
    yield f"# TYPE {declaration.name} {declaration.type}\n"
    if declaration.unit:
        yield f"# UNIT {declaration.name} {declaration.unit}\n"
    for family in families:
        if family.lines:
            yield "\n".join(family.lines.values()) + "\n"
