"""Judges Kubernetes manifests by what they mean together, without a cluster; a schema knows only one object at a time.

    kubectl kustomize sample_app/k8s/overlays/eks | python -m promontory.manifests - --traffic sample_app/k8s/traffic.yml

    from promontory.manifests import Manifests, findings

    for finding in findings(Manifests.from_yaml(text)):
        print(finding)

It belongs to the package, not to the tests: who changes an overlay wants to know before applying it.
"""

from __future__ import annotations

from collections.abc import Iterator

from promontory.manifests import disruption, exposure, mesh, pods, references, routes, selectors, values
from promontory.manifests.finding import Finding
from promontory.manifests.objects import ManifestError, Manifests
from promontory.manifests.traffic import Questions, traffic_findings

__all__ = ["Finding", "ManifestError", "Manifests", "Questions", "findings", "traffic_findings"]

_CHECKS = (
    values.check, selectors.check, references.check, routes.check, pods.check, disruption.check, exposure.check, mesh.check,
)  # fmt: skip


def findings(manifests: Manifests) -> Iterator[Finding]:
    """Give everything that is wrong with a set of manifests, apart from who may talk to whom (`traffic_findings`)."""
    for check in _CHECKS:
        yield from check(manifests)
