"""Selectors: what they match, and those that match nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from promontory.manifests.finding import Finding
from promontory.manifests.objects import Manifest, Manifests, Workload, at

_WITH_TEMPLATES = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet")


def matches(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Tell whether a label selector matches; an empty one matches everything.

    Args:
        selector: `matchLabels` and `matchExpressions`, as the API writes them.
        labels: Labels of a pod or a namespace.
    """
    wanted = selector.get("matchLabels") or {}
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        _meets(expression, labels) for expression in selector.get("matchExpressions") or ()
    )


def selected(manifests: Manifests, selector: Mapping[str, Any], namespace: str) -> list[Workload]:
    """Return the workloads of a namespace whose pods a selector matches."""
    return [one for one in manifests.workloads() if one.namespace == namespace and matches(selector, one.labels)]


def selector_of(one: Manifest) -> Mapping[str, Any] | None:
    """Return the selector by which an object chooses pods of its namespace; None when it chooses none."""
    match one.kind:
        case "Service":
            labels = one.at("spec.selector")
            return {"matchLabels": labels} if labels else None
        case "PodDisruptionBudget":
            return dict(one.at("spec.selector", {}))
        case "NetworkPolicy":
            return dict(one.at("spec.podSelector", {}))
        case "AuthorizationPolicy" | "PeerAuthentication":
            return dict(one.at("spec.selector", {}))
    return None


def check(manifests: Manifests) -> Iterator[Finding]:
    """Find selectors that match nothing, and workloads that would not know their own pods."""
    for workload in manifests.workloads():
        owner = workload.owner
        if owner.kind in _WITH_TEMPLATES and not matches(owner.at("spec.selector", {}), workload.labels):
            yield Finding(
                "selector-misses-template", owner.where,
                f"its selector {_short(owner.at('spec.selector', {}))} does not match the labels of its own pods",
            )  # fmt: skip
    namespaces = {one.namespace for one in manifests.workloads()}
    for one in manifests.objects:
        selector = selector_of(one)
        # An object for another namespace is about pods that are not in these manifests.
        if selector is not None and one.namespace in namespaces and not selected(manifests, selector, one.namespace):
            yield Finding("selects-nothing", one.where, f"its selector {_short(selector)} matches no pod of these manifests")
    for workload in manifests.workloads():
        for constraint in workload.spec.get("topologySpreadConstraints", ()):
            if not matches(at(constraint, "labelSelector", {}), workload.labels):
                yield Finding(
                    "selects-nothing", workload.where,
                    f"its spread over {constraint.get('topologyKey')} counts other pods than its own",
                )  # fmt: skip


def _meets(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    value, values = labels.get(expression["key"]), expression.get("values") or ()
    match expression["operator"]:
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
    return False


def _short(selector: Mapping[str, Any]) -> str:
    words = [f"{key}={value}" for key, value in (selector.get("matchLabels") or {}).items()]
    words += [f"{one['key']} {one['operator']} {one.get('values', '')}" for one in selector.get("matchExpressions") or ()]
    return ", ".join(words) or "{}"
