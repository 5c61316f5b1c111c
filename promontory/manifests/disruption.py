"""Pods that come and go: budgets that let a node be drained, replicas that fit them, time enough to stop."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from promontory.manifests.finding import Finding
from promontory.manifests.objects import Manifest, Manifests, Workload, at
from promontory.manifests.selectors import selected, selector_of

_USUAL_GRACE_S = 30      # Kubernetes' own, when a pod says nothing
_USUAL_GRACEFUL_S = 30   # gunicorn's, when its arguments say nothing
_GRACEFUL = re.compile(r"--graceful-timeout[= ](\d+)")


def check(manifests: Manifests) -> Iterator[Finding]:
    """Find budgets that block drains, replicas that two objects set, files shared by several pods, stops cut short."""
    for budget in manifests.of("PodDisruptionBudget"):
        for workload in selected(manifests, selector_of(budget) or {}, budget.namespace):
            yield from _budget(manifests, budget, workload)
    for workload in manifests.workloads():
        scaler = _scaler_of(manifests, workload)
        if scaler is not None and workload.owner.at("spec.replicas") is not None:
            yield Finding("replicas-set-twice", workload.where, f"spec.replicas undoes {scaler.where} at each apply; leave it out")
        yield from _sqlite(manifests, workload, scaler)
        yield from _grace(workload)


def _scaler_of(manifests: Manifests, workload: Workload) -> Manifest | None:
    wanted = (workload.owner.kind, workload.owner.name)
    scalers = (one for one in manifests.of("HorizontalPodAutoscaler") if one.namespace == workload.namespace)
    return next((one for one in scalers if (one.at("spec.scaleTargetRef.kind"), one.at("spec.scaleTargetRef.name")) == wanted), None)


def _budget(manifests: Manifests, budget: Manifest, workload: Workload) -> Iterator[Finding]:
    scaler = _scaler_of(manifests, workload)
    least = int(scaler.at("spec.minReplicas", 1) if scaler else workload.owner.at("spec.replicas", 1))
    available, unavailable = budget.at("spec.minAvailable"), budget.at("spec.maxUnavailable")
    if available is None:
        if _share(unavailable, least) < 1:
            message = f"maxUnavailable is {unavailable}: no node with such a pod can be drained"
            yield Finding("budget-blocks-drains", budget.where, message)
        return
    if _share(available, least) < least:
        return
    if scaler is not None and str(available).rstrip("%") != "100":
        yield Finding(
            "scaler-below-budget", scaler.where,
            f"it may go down to {least}, and {budget.where} wants {available} available: then no node can be drained",
        )  # fmt: skip
    else:
        message = f"minAvailable is {available} of {least}: no node with such a pod can be drained"
        yield Finding("budget-blocks-drains", budget.where, message)


def _share(value: int | str | None, of: int) -> int:
    """Return a number of pods; a percentage is rounded up, as the controller does."""
    if isinstance(value, str) and value.endswith("%"):
        return math.ceil(int(value[:-1]) * of / 100)
    return int(value or 0)


def _sqlite(manifests: Manifests, workload: Workload, scaler: Manifest | None) -> Iterator[Finding]:
    if not workload.serves or not any("sqlite:" in value for value in _environment(manifests, workload)):
        return
    most = int(scaler.at("spec.maxReplicas", 1) if scaler else workload.owner.at("spec.replicas", 1))
    if most > 1:
        yield Finding("sqlite-shared", workload.where, f"up to {most} pods would share one SQLite file; use PostgreSQL, or one replica")
    elif workload.owner.at("spec.strategy.type", "RollingUpdate") != "Recreate":
        yield Finding("sqlite-shared", workload.where, "a rolling update runs two pods on one SQLite file; set strategy.type: Recreate")


def _environment(manifests: Manifests, workload: Workload) -> Iterator[str]:
    for container in workload.containers:
        for entry in container.get("env", ()):
            yield str(entry.get("value") or "")
        for source in container.get("envFrom", ()):
            config = manifests.find("ConfigMap", at(source, "configMapRef.name", ""), workload.namespace)
            yield from (str(value) for value in (config.at("data", {}).values() if config else ()))


def _grace(workload: Workload) -> Iterator[Finding]:
    grace_s = int(workload.spec.get("terminationGracePeriodSeconds", _USUAL_GRACE_S))
    for container in workload.spec.get("containers", ()):
        words = " ".join(str(word) for word in [*container.get("command", ()), *container.get("args", ())])
        stops_s = int(at(container, "lifecycle.preStop.sleep.seconds", 0))
        if "gunicorn" in words:
            told = _GRACEFUL.search(words)
            drain = next((entry.get("value") for entry in container.get("env", ()) if entry["name"] == "FINTECH_DRAIN_S"), "0")
            stops_s += int(drain) + (int(told.group(1)) if told else _USUAL_GRACEFUL_S)
        if stops_s >= grace_s:
            yield Finding(
                "grace-too-short", workload.where,
                f"{container['name']} takes up to {stops_s} s to stop (preStop, drain, requests under way), "
                f"and is killed after {grace_s} s",
            )  # fmt: skip
