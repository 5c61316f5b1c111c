"""NetworkPolicies as questions: may this one reach that one on this port?"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from promontory.manifests.finding import Finding
from promontory.manifests.objects import Manifest, ManifestError, Manifests, strict_documents
from promontory.manifests.selectors import matches

EVERYWHERE = "everywhere"


@dataclass(frozen=True)
class Peer:
    """One end of a connection.

    Attributes:
        namespace: Where the pod is; "" for an address outside of the cluster.
        labels: The pod's.
        ports: Named ports of the pod.
        address: IPv4 or IPv6 of what is no pod.
    """

    namespace: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    ports: Mapping[str, int] = field(default_factory=dict)
    address: str = ""


def may_connect(manifests: Manifests, source: Peer, target: Peer, port: int, protocol: str = "TCP") -> bool:
    """Tell whether the NetworkPolicies let a connection through: out of its source, and into its target."""
    return _side_allows(manifests, "egress", source, target, target, port, protocol) and _side_allows(
        manifests, "ingress", target, source, target, port, protocol
    )


def _side_allows(
    manifests: Manifests, side: str, pod: Peer, other: Peer, target: Peer, port: int, protocol: str
) -> bool:
    """Tell whether the policies of one side's pod let it through; a pod that no policy chooses may anything."""
    chosen = [policy for policy in manifests.of("NetworkPolicy") if _chooses(policy, pod, side)]
    return not chosen or any(
        _rule_allows(manifests, policy, rule, side, other, target, port, protocol)
        for policy in chosen
        for rule in policy.at(f"spec.{side}", ())
    )


def _chooses(policy: Manifest, pod: Peer, side: str) -> bool:
    types = policy.at("spec.policyTypes", ["Ingress", *(["Egress"] if policy.at("spec.egress") else [])])
    return (
        side.capitalize() in types
        and policy.namespace == pod.namespace
        and matches(policy.at("spec.podSelector", {}), pod.labels)
    )


def _rule_allows(
    manifests: Manifests, policy: Manifest, rule: Mapping[str, Any], side: str,
    other: Peer, target: Peer, port: int, protocol: str,
) -> bool:  # fmt: skip
    peers, ports = rule.get("to" if side == "egress" else "from"), rule.get("ports")
    return (not peers or any(_is_peer(manifests, policy, one, other) for one in peers)) and (
        not ports or any(_is_port(one, target, port, protocol) for one in ports)
    )


def _is_peer(manifests: Manifests, policy: Manifest, wanted: Mapping[str, Any], other: Peer) -> bool:
    if "ipBlock" in wanted:
        # A pod has an address too, and none that manifests know: an ipBlock is about the outside.
        block = wanted["ipBlock"]
        return bool(other.address) and _within(other.address, block["cidr"]) and not any(
            _within(other.address, excluded) for excluded in block.get("except", ())
        )
    if not other.namespace:
        return False
    here = other.namespace == policy.namespace
    in_namespace = (
        matches(wanted["namespaceSelector"], _namespace_labels(manifests, other.namespace)) if "namespaceSelector" in wanted else here
    )
    return in_namespace and matches(wanted.get("podSelector", {}), other.labels)


def _is_port(wanted: Mapping[str, Any], target: Peer, port: int, protocol: str) -> bool:
    if wanted.get("protocol", "TCP") != protocol:
        return False
    first = wanted.get("port")
    if first is None:
        return True
    number = target.ports.get(first) if isinstance(first, str) else first
    return number is not None and number <= port <= wanted.get("endPort", number)


def _within(address: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False   # said by `values`


def _namespace_labels(manifests: Manifests, name: str) -> Mapping[str, str]:
    found = manifests.find("Namespace", name, "")
    return {"kubernetes.io/metadata.name": name, **(found.at("metadata.labels", {}) if found else {})}


@dataclass(frozen=True)
class Question:
    """One connection, and whether it must be possible."""

    source: str
    target: str
    port: int
    protocol: str
    may: bool
    why: str


@dataclass(frozen=True)
class Questions:
    """Peers by name, for one overlay, and the connections between them."""

    peers: Mapping[str, Mapping[str, Any]]
    asked: Sequence[Question]

    @classmethod
    def from_yaml(cls, text: str, overlay: str) -> Questions:
        """Read a file of questions; sample_app/k8s/traffic.yml explains its form.

        Args:
            overlay: Whose peers are meant, beside those that are everywhere.
        Raises:
            ManifestError: The file has another form.
        """
        (document,) = strict_documents(text)
        try:
            known = document["peers"]
            asked = [
                Question(one["from"], one["to"], one["port"], one.get("protocol", "TCP"), one["may"], one["why"])
                for one in document["connections"]
            ]
            return cls({**known[EVERYWHERE], **(known.get(overlay) or {})}, asked)
        except (KeyError, TypeError) as error:
            raise ManifestError(f"The questions about traffic have another form: {error!r}") from error


def traffic_findings(manifests: Manifests, questions: Questions) -> Iterator[Finding]:
    """Ask all questions; those about a peer that this overlay has not are left out."""
    for one in questions.asked:
        if not {one.source, one.target} <= questions.peers.keys():
            continue
        source, target = (_peer(manifests, questions.peers[name]) for name in (one.source, one.target))
        if may_connect(manifests, source, target, one.port, one.protocol) != one.may:
            rule, says = ("cut-off", "cannot") if one.may else ("let-through", "may")
            message = f"{one.source} {says} reach {one.target} on port {one.port}/{one.protocol}: {one.why}"
            yield Finding(rule, "NetworkPolicy", message)


def _peer(manifests: Manifests, described: Mapping[str, Any]) -> Peer:
    if "workload" not in described:
        return Peer(described.get("namespace", ""), described.get("labels", {}), {}, described.get("address", ""))
    for workload in manifests.workloads():
        if workload.where == described["workload"]:
            return Peer(workload.namespace, workload.labels, workload.ports)
    raise ManifestError(f"The questions about traffic name {described['workload']}, which is not in these manifests.")
