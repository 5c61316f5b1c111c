"""Pods by themselves: probed, limited, hardened, from a known image, without secrets in plain sight."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from promontory.manifests.finding import Finding
from promontory.manifests.objects import Manifests, Workload, at

_PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
_SECRET_NAME = re.compile(r"SECRET|PASSWORD|PASSWD|TOKEN(?!_MINUTES)|API_?KEY|PRIVATE|CREDENTIAL", re.IGNORECASE)
_PASSWORD_IN_URL = re.compile(r"://[^/@\s:]*:[^/@\s]+@")
_BUILT_HERE = "localhost/"   # podman's name for what no registry has: it has no digest before it is built


def check(manifests: Manifests) -> Iterator[Finding]:
    """Find what a pod lacks, and secrets where people read them."""
    for workload in manifests.workloads():
        yield from _of_pod(workload)
        for container in workload.containers:
            yield from _of_container(workload, container)
    for secret in manifests.of("Secret"):
        if secret.at("data") or secret.at("stringData"):
            yield Finding("secret-in-manifest", secret.where, "its values stand in a manifest; make it from files, or by External Secrets")
    for config in manifests.of("ConfigMap"):
        for name, value in config.at("data", {}).items():
            if _tells_a_secret(name, str(value)):
                yield Finding("secret-in-plain-text", config.where, f"{name} is a secret in a ConfigMap; name a file of a Secret")


def _of_pod(workload: Workload) -> Iterator[Finding]:
    spec = workload.spec
    if spec.get("automountServiceAccountToken") is not False:
        yield Finding("token-mounted", workload.where, "its pods get a token of the API server; set automountServiceAccountToken: false")
    if spec.get("enableServiceLinks") is not False:
        yield Finding(
            "service-links", workload.where,
            "its pods get a variable for each Service, such as FINTECH_PORT, that the program takes for a setting; "
            "set enableServiceLinks: false",
        )  # fmt: skip
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(name):
            yield Finding("not-hardened", workload.where, f"its pods share the node's namespaces ({name})")


def _of_container(workload: Workload, container: Mapping[str, Any]) -> Iterator[Finding]:
    where, name = workload.where, container["name"]
    for path, wanted in (
        ("runAsNonRoot", True), ("seccompProfile.type", "RuntimeDefault"), ("allowPrivilegeEscalation", False),
        ("capabilities.drop", ["ALL"]), ("capabilities.add", None), ("privileged", None),
    ):  # fmt: skip
        found = at(container, f"securityContext.{path}", at(workload.spec, f"securityContext.{path}"))
        if found != wanted:
            yield Finding("not-hardened", where, f"{name}: securityContext.{path} is {found!r}, it must be {wanted!r}")
    if at(container, "securityContext.readOnlyRootFilesystem") is not True:
        yield Finding("writable-root", where, f"{name} may write to its image; set readOnlyRootFilesystem and give it a volume")
    for path in ("requests.cpu", "requests.memory", "limits.memory"):
        if at(container, f"resources.{path}") is None:
            yield Finding("no-limit", where, f"{name} has no resources.{path}")
    for probe in _PROBES:
        if workload.serves and container in workload.spec.get("containers", ()) and probe not in container:
            yield Finding("no-probe", where, f"{name} has no {probe}")
    yield from _of_image(where, name, str(container.get("image", "")))
    for entry in container.get("env", ()):
        if _tells_a_secret(entry["name"], str(entry.get("value") or "")):
            yield Finding("secret-in-plain-text", where, f"{name}: {entry['name']} is a secret in an environment; name a file of a Secret")


def _of_image(where: str, name: str, image: str) -> Iterator[Finding]:
    reference, _, digest = image.partition("@")
    if digest:
        return
    tag = reference.rpartition("/")[2].partition(":")[2]
    if tag in ("", "latest"):
        yield Finding("image-latest", where, f"{name} runs {image}, which is another one tomorrow; name a digest")
    elif not image.startswith(_BUILT_HERE):
        yield Finding("image-not-pinned", where, f"{name} runs {image}; a tag can be moved, name a digest")


def _tells_a_secret(name: str, value: str) -> bool:
    """Tell whether a setting holds a secret itself, rather than the name of the file with it."""
    if not value or name.endswith("_FILE"):
        return False
    return _SECRET_NAME.search(name) is not None or _PASSWORD_IN_URL.search(value) is not None
