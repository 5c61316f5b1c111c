"""Each check finds what it is for: one break of a good overlay, one finding."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from promontory.manifests import Finding, ManifestError, Manifests, Questions, findings, traffic_findings
from tests.kubernetes.rendering import K8S, NEWEST, rendered, schema_problems

pytestmark = pytest.mark.network
_SAMPLES = [
    sample for file in sorted((Path(__file__).parent / "broken").glob("*.yml")) for sample in yaml.safe_load(file.read_text("utf-8"))
]
_BY_SCHEMA = [sample for sample in _SAMPLES if sample["finding"] == "schema"]
_BY_MEANING = [sample for sample in _SAMPLES if sample["finding"] != "schema"]


@pytest.mark.parametrize("sample", _BY_MEANING, ids=lambda sample: sample["sample"])
def test_one_break_makes_one_finding(sample: dict[str, Any]) -> None:
    broken = _broken(sample)

    found = _all_findings(broken, sample)

    # A thing that several objects name is missed by each of them, and a policy may be asked about by several questions.
    assert {one.rule for one in found} == {sample["finding"]}
    assert len(found) == sample.get("times", len(found) if sample["about"] == "*" else 1), found
    for one in found:
        assert sample["about"] in ("*", _plain(one.where))
        assert sample["says"] in one.message


@pytest.mark.parametrize("sample", _BY_SCHEMA, ids=lambda sample: sample["sample"])
def test_a_schema_refuses(sample: dict[str, Any]) -> None:
    good = rendered(sample["overlay"]).objects   # which another test judges
    found = [problem for one in _broken(sample).objects if one not in good for problem in schema_problems(one, NEWEST)]

    (problem,) = found
    assert problem.startswith(sample["about"] + ":")
    assert sample["says"] in problem


def test_a_key_that_is_given_twice_is_refused() -> None:
    """Kubernetes' clients take the last, whichever was meant."""
    with pytest.raises(ManifestError, match='Line 5: the key "app" is given twice'):
        Manifests.from_yaml("apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec:\n  selector: {app: a, app: b}\n")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- a list", "no kind"),
        ("kind: Service\nmetadata: {name: x}", "no apiVersion"),
        ("apiVersion: v1\nkind: Service", "no metadata.name"),
        ("a: [", "no YAML"),
    ],
    ids=["list", "no version", "no name", "no YAML"],
)
def test_what_is_no_manifest_is_refused(text: str, says: str) -> None:
    with pytest.raises(ManifestError, match=says):
        Manifests.from_yaml(text)


def _broken(sample: dict[str, Any]) -> Manifests:
    bodies = [copy.deepcopy(dict(one.body)) for one in rendered(sample["overlay"]).objects]
    for step in sample["change"]:
        if "add" in step:
            bodies.append(step["add"])
        elif "delete" in step:
            bodies.remove(_find(bodies, step["delete"]))
        else:
            _change(_find(bodies, step["object"]), step)
    return Manifests(bodies)


def _find(bodies: list[dict[str, Any]], name: str) -> dict[str, Any]:
    (body,) = (body for body in bodies if f"{body['kind']}/{_without_hash(body['metadata']['name'])}" == name)
    return body


def _change(body: dict[str, Any], step: dict[str, Any]) -> None:
    *way, last = step["at"]
    place: Any = body
    for key in way:
        place = place[key]
    if "append" in step:
        place[last].append(step["append"])
    elif step.get("remove"):
        del place[last]
    else:
        place[last] = step["set"]


def _all_findings(manifests: Manifests, sample: dict[str, Any]) -> list[Finding]:
    text = (K8S / "traffic.yml").read_text(encoding="utf-8")
    return [*findings(manifests), *traffic_findings(manifests, Questions.from_yaml(text, sample["overlay"]))]


def _plain(where: str) -> str:
    kind, _, name = where.partition("/")
    return f"{kind}/{_without_hash(name)}" if name else kind


def _without_hash(name: str) -> str:
    """Return a generated name as it stands in the kustomization."""
    return "fintech-config" if name.startswith("fintech-config-") else name
