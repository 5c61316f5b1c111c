"""An Istio mesh: mutual TLS for all, each workload behind a policy, identities and hosts that exist."""

from __future__ import annotations

from collections.abc import Iterator

from promontory.manifests.finding import Finding
from promontory.manifests.objects import Manifest, Manifests, Workload, at
from promontory.manifests.routes import service_of_host
from promontory.manifests.selectors import matches, selector_of

_INJECT = "sidecar.istio.io/inject"
_MERGE = "prometheus.istio.io/merge-metrics"


def check(manifests: Manifests) -> Iterator[Finding]:
    """Find what a mesh leaves open, in namespaces whose pods get sidecars."""
    for namespace in manifests.of("Namespace"):
        if namespace.at("metadata.labels", {}).get("istio-injection") == "enabled":
            yield from _of_namespace(manifests, namespace)
    for policy in manifests.of("AuthorizationPolicy"):
        yield from _identities(manifests, policy)
    for rule in manifests.of("DestinationRule"):
        host = rule.at("spec.host", "")
        if manifests.find("Service", service_of_host(host, rule.namespace), rule.namespace) is None:
            yield Finding("no-such-host", rule.where, f"it is about {host}, and there is no such Service")


def _of_namespace(manifests: Manifests, namespace: Manifest) -> Iterator[Finding]:
    strict = [
        one for one in manifests.of("PeerAuthentication")
        if one.namespace == namespace.name and not selector_of(one) and one.at("spec.mtls.mode") == "STRICT"
    ]  # fmt: skip
    if not strict:
        yield Finding("not-strict", namespace.where, "no PeerAuthentication without a selector says STRICT: connections in clear are taken")
    policies = [one for one in manifests.of("AuthorizationPolicy") if one.namespace == namespace.name]
    for one in manifests.of("PeerAuthentication"):
        loose = {one.at("spec.mtls.mode"), *(port.get("mode") for port in one.at("spec.portLevelMtls", {}).values())}
        if one.namespace == namespace.name and loose & {"PERMISSIVE", "DISABLE"} and strict:
            yield Finding("not-strict", one.where, "it takes connections in clear again, which the namespace refuses")
    if not any(one.at("spec") in (None, {}) for one in policies):
        yield Finding("no-deny-all", namespace.where, "no AuthorizationPolicy with an empty spec: what no policy names is allowed")
    for workload in manifests.workloads():
        if workload.namespace == namespace.name and workload.labels.get(_INJECT) != "false":
            yield from _of_workload(workload, policies)


def _of_workload(workload: Workload, policies: list[Manifest]) -> Iterator[Finding]:
    allowing = [one for one in policies if one.at("spec.rules") and one.at("spec.action", "ALLOW") == "ALLOW"]
    if not any(matches(selector_of(one) or {}, workload.labels) for one in allowing):
        yield Finding("no-authorization", workload.where, "no AuthorizationPolicy lets anybody reach it")
    if at(workload.template, "metadata.annotations", {}).get(_MERGE) != "false":
        yield Finding(
            "metrics-merged", workload.where,
            f'its sidecar offers the metrics in clear on port 15020; annotate the pods with {_MERGE}: "false"',
        )  # fmt: skip


def _identities(manifests: Manifests, policy: Manifest) -> Iterator[Finding]:
    for rule in policy.at("spec.rules", ()):
        for source in rule.get("from", ()):
            for principal in at(source, "source.principals", ()):
                words = principal.split("/")
                if len(words) != 5 or words[1::2] != ["ns", "sa"]:
                    yield Finding("no-such-identity", policy.where, f"{principal} is not DOMAIN/ns/NAMESPACE/sa/ACCOUNT")
                elif not manifests.has("ServiceAccount", words[4], words[2]):
                    yield Finding("no-such-identity", policy.where, f"it names {principal}, and there is no such service account")
