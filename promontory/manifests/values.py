"""Values that a schema calls text: names, quantities, networks; and API versions that are gone."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Any

from promontory.manifests.finding import Finding
from promontory.manifests.objects import Manifest, Manifests

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*")
_QUANTITY = re.compile(r"[0-9]+(\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi|T|Ti|P|Pi|E|Ei)?")
_QUANTITIES = frozenset({"cpu", "memory", "storage", "ephemeral-storage", "sizeLimit"})
_NETWORKS = frozenset({"cidr", "except", "clientCIDRs", "ipBlocks", "notIpBlocks", "remoteIpBlocks", "notRemoteIpBlocks"})
_NETWORK_ANNOTATIONS = frozenset({
    "haproxy.org/allow-list", "nginx.ingress.kubernetes.io/whitelist-source-range", "alb.ingress.kubernetes.io/inbound-cidrs",
})  # fmt: skip

# What API servers no longer know, by release: kubernetes.io/docs/reference/using-api/deprecation-guide.
_REMOVED = {
    "extensions/v1beta1": "1.22", "networking.k8s.io/v1beta1": "1.22", "rbac.authorization.k8s.io/v1beta1": "1.22",
    "apps/v1beta1": "1.16", "apps/v1beta2": "1.16", "batch/v1beta1": "1.25", "policy/v1beta1": "1.25",
    "autoscaling/v2beta1": "1.25", "autoscaling/v2beta2": "1.26",
}  # fmt: skip


def check(manifests: Manifests) -> Iterator[Finding]:
    """Find values that only the API server, or nobody, would refuse."""
    for one in manifests.objects:
        version = str(one.body["apiVersion"])
        if version in _REMOVED:
            yield Finding("removed-api", one.where, f"{version} went with Kubernetes {_REMOVED[version]}")
        if not _NAME.fullmatch(one.name):
            yield Finding("bad-name", one.where, "a name has lower-case letters, digits, hyphens and dots")
        yield from _walk(one, one.body)
        for key in _NETWORK_ANNOTATIONS & one.annotations.keys():
            yield from _networks(one, key, one.annotations[key].split(","))


def _walk(one: Manifest, body: Any) -> Iterator[Finding]:
    if isinstance(body, list):
        for entry in body:
            yield from _walk(one, entry)
    if not isinstance(body, dict):
        return
    for key, value in body.items():
        if key in _QUANTITIES and isinstance(value, str | int | float) and not _QUANTITY.fullmatch(str(value)):
            yield Finding("bad-quantity", one.where, f'{key} is "{value}"; write such as 100m, 0.5 or 256Mi')
        elif key in _NETWORKS:
            yield from _networks(one, key, value if isinstance(value, list) else [value])
        else:
            yield from _walk(one, value)


def _networks(one: Manifest, key: str, texts: list[str]) -> Iterator[Finding]:
    for text in texts:
        try:
            ipaddress.ip_network(text.strip())
        except ValueError as error:
            yield Finding("bad-network", one.where, f"{key}: {error}")
