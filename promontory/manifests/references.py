"""References from object to object: each must lead to something that is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from promontory.manifests.finding import Finding
from promontory.manifests.objects import Manifest, Manifests, Workload, at
from promontory.manifests.selectors import selected, selector_of

_PROBES = ("startupProbe", "readinessProbe", "livenessProbe")


def check(manifests: Manifests) -> Iterator[Finding]:
    """Find references that lead nowhere, from pods, services, scalers, bindings and External Secrets."""
    for workload in manifests.workloads():
        yield from _of_pods(manifests, workload)
    for service in manifests.of("Service"):
        yield from _ports_of_service(manifests, service)
    for scaler in manifests.of("HorizontalPodAutoscaler"):
        yield from _missing(manifests, scaler, scaler.at("spec.scaleTargetRef", {}))
    for binding in manifests.of("RoleBinding"):
        yield from _missing(manifests, binding, binding.at("roleRef", {}))
        for subject in binding.at("subjects", ()):
            if subject.get("kind") == "ServiceAccount":
                yield from _missing(manifests, binding, subject)
    for secret in manifests.of("ExternalSecret"):
        yield from _missing(manifests, secret, secret.at("spec.secretStoreRef", {}))
    for store in manifests.of("SecretStore"):
        account = store.at("spec.provider.aws.auth.jwt.serviceAccountRef")
        if account:
            yield from _missing(manifests, store, {"kind": "ServiceAccount", **account})


def _missing(manifests: Manifests, one: Manifest, reference: Mapping[str, Any]) -> Iterator[Finding]:
    kind, name = str(reference.get("kind", "")), str(reference.get("name", ""))
    namespace = str(reference.get("namespace", one.namespace))
    if not manifests.has(kind, name, namespace):
        yield Finding("no-such-object", one.where, f"it names {kind}/{name}, which is not there")


def _of_pods(manifests: Manifests, workload: Workload) -> Iterator[Finding]:
    owner, spec = workload.owner, workload.spec
    for kind, name in _named_by(workload):
        yield from _missing(manifests, owner, {"kind": kind, "name": name})
    volumes = {volume["name"] for volume in spec.get("volumes", ())}
    for container in workload.containers:
        for mount in container.get("volumeMounts", ()):
            if mount["name"] not in volumes:
                yield Finding("no-such-volume", owner.where, f"{container['name']} mounts {mount['name']}, no volume of the pod")
        for probe in _PROBES:
            port = at(container, f"{probe}.httpGet.port", at(container, f"{probe}.tcpSocket.port"))
            if port is not None and not _has_port(workload, port):
                yield Finding("no-such-port", owner.where, f"the {probe} of {container['name']} asks port {port}, which the pod lacks")


def _named_by(workload: Workload) -> Iterator[tuple[str, str]]:
    """Give kind and name of what a pod cannot start without; optional references are left out."""
    spec = workload.spec
    yield "ServiceAccount", spec.get("serviceAccountName", "default")
    for volume in spec.get("volumes", ()):
        for kind, path, name in (
            ("Secret", "secret", "secretName"), ("ConfigMap", "configMap", "name"),
            ("PersistentVolumeClaim", "persistentVolumeClaim", "claimName"),
        ):  # fmt: skip
            if volume.get(path) and not volume[path].get("optional"):
                yield kind, volume[path][name]
    for container in workload.containers:
        entries = [*container.get("envFrom", ()), *(at(entry, "valueFrom", {}) for entry in container.get("env", ()))]
        for entry in entries:
            for kind, path in (
                ("ConfigMap", "configMapRef"), ("Secret", "secretRef"),
                ("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef"),
            ):  # fmt: skip
                if entry.get(path) and not entry[path].get("optional"):
                    yield kind, entry[path]["name"]


def _ports_of_service(manifests: Manifests, service: Manifest) -> Iterator[Finding]:
    selector = selector_of(service)
    if selector is None:
        return
    for workload in selected(manifests, selector, service.namespace):
        for port in service.at("spec.ports", ()):
            target = port.get("targetPort", port["port"])
            if not _has_port(workload, target):
                yield Finding("no-such-port", service.where, f"its port {port['port']} leads to {target}, which {workload.where} lacks")


def _has_port(workload: Workload, port: str | int) -> bool:
    return port in workload.ports if isinstance(port, str) else port in workload.ports.values()
