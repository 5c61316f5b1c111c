"""Reading what the hub answers, with prometheus_client's parsers."""

from __future__ import annotations

from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as families_of_openmetrics
from prometheus_client.parser import text_string_to_metric_families as families_of_text

from metrics_hub.exposition import Format

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def families(text: str, form: Format) -> dict[str, Metric]:
    """Return the families of an exposition by name; one that comes in two pieces fails."""
    read = families_of_openmetrics if form is Format.OPENMETRICS else families_of_text
    found = list(read(text))
    names = [family.name for family in found]
    assert len(names) == len(set(names)), f"a family comes twice: {names}"
    return {family.name: family for family in found}


def samples(text: str, form: Format = Format.OPENMETRICS) -> Samples:
    """Return the values of an exposition by name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families(text, form).values()
        for sample in family.samples
    }


def value(text: str, name: str, form: Format = Format.OPENMETRICS, **labels: str) -> float | None:
    """Return one value; None when there is no such sample."""
    return samples(text, form).get((name, frozenset(labels.items())))


def up(text: str) -> dict[str, float]:
    """Return what the hub says of its pods."""
    return {dict(labels)["pod"]: up for (name, labels), up in samples(text).items() if name == "metrics_hub_target_up"}
