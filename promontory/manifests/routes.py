"""Routes from outside: Ingress, Gateway API and Istio; where each leads, as one list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from promontory.manifests.finding import Finding
from promontory.manifests.objects import Manifest, Manifests, at

GATEWAY_API = "gateway.networking.k8s.io"


@dataclass(frozen=True)
class Route:
    """One way from outside to a Service.

    Attributes:
        source: The object that makes it.
        hosts: Names it answers to; empty for any.
        path: The path, and whether exactly this one ("exact") or all below it.
        service: Name of the Service, in the namespace of `source`.
        port: Name or number of the Service's port.
    """

    source: Manifest
    hosts: tuple[str, ...]
    path: str
    exact: bool
    service: str
    port: str | int


def routes(manifests: Manifests) -> Iterator[Route]:
    """Give all ways in."""
    for ingress in manifests.of("Ingress"):
        for rule in ingress.at("spec.rules", ()):
            for path in at(rule, "http.paths", ()):
                port = at(path, "backend.service.port", {})
                yield Route(
                    ingress, tuple(filter(None, [rule.get("host")])), path.get("path", "/"), path.get("pathType") == "Exact",
                    at(path, "backend.service.name", ""), port.get("name", port.get("number")),
                )  # fmt: skip
    for route in manifests.of("HTTPRoute"):
        for rule in route.at("spec.rules", ()):
            matches: list[Mapping[str, Any]] = rule.get("matches") or [{}]
            for match in matches:
                for backend in rule.get("backendRefs", ()):
                    yield Route(
                        route, tuple(route.at("spec.hostnames", ())), at(match, "path.value", "/"),
                        at(match, "path.type") == "Exact", backend["name"], backend.get("port", 0),
                    )  # fmt: skip
    for service in manifests.of("VirtualService"):
        for rule in service.at("spec.http", ()):
            matches = rule.get("match") or [{}]
            for match in matches:
                uri: Mapping[str, str] = at(match, "uri", {})
                for way in rule.get("route", ()):
                    yield Route(
                        service, tuple(service.at("spec.hosts", ())), next(iter(uri.values()), "/"), "exact" in uri,
                        service_of_host(at(way, "destination.host", ""), service.namespace), at(way, "destination.port.number", 0),
                    )  # fmt: skip


def service_of_host(host: str, namespace: str) -> str:
    """Return the Service that a host name of the mesh means; the name itself when it is not of this namespace."""
    return host.removesuffix(f".{namespace}.svc.cluster.local")


def check(manifests: Manifests) -> Iterator[Finding]:
    """Find ways that lead to no Service or port, and routes bound to no listener."""
    for route in routes(manifests):
        service = manifests.find("Service", route.service, route.source.namespace)
        if service is None:
            yield Finding("no-such-service", route.source.where, f"it leads to the Service {route.service}, which is not there")
        elif not any(route.port in (port.get("name"), port["port"]) for port in service.at("spec.ports", ())):
            yield Finding("no-such-service-port", route.source.where, f"it leads to port {route.port}, which {service.where} lacks")
    for one in manifests.of("HTTPRoute"):
        yield from _listeners_of(manifests, one)
    for one in manifests.of("VirtualService"):
        yield from _gateways_of(manifests, one)


def _listeners_of(manifests: Manifests, route: Manifest) -> Iterator[Finding]:
    for parent in route.at("spec.parentRefs", ()):
        gateway = manifests.find("Gateway", parent["name"], parent.get("namespace", route.namespace))
        if gateway is None:
            yield Finding("no-such-listener", route.where, f"it belongs to the Gateway {parent['name']}, which is not there")
            continue
        wanted = parent.get("sectionName")
        listeners = [one for one in gateway.at("spec.listeners", ()) if wanted in (None, one["name"])]
        if not listeners:
            yield Finding("no-such-listener", route.where, f"{gateway.where} has no listener {wanted}")
            continue
        for host in route.at("spec.hostnames", ()):
            if not any(_serves(one.get("hostname"), host) for one in listeners):
                yield Finding("no-such-listener", route.where, f"no listener of {gateway.where} that it belongs to is for {host}")


def _gateways_of(manifests: Manifests, service: Manifest) -> Iterator[Finding]:
    for name in service.at("spec.gateways", ()):
        gateway = manifests.find("Gateway", name, service.namespace)
        if gateway is None:
            yield Finding("no-such-listener", service.where, f"it belongs to the Gateway {name}, which is not there")
            continue
        served: list[Any] = [host for server in gateway.at("spec.servers", ()) for host in server["hosts"]]
        for host in service.at("spec.hosts", ()):
            if not any(_serves(one, host) for one in served):
                yield Finding("no-such-listener", service.where, f"{gateway.where} does not listen for {host}")


def _serves(listener: str | None, host: str) -> bool:
    """Tell whether a listener's name, which may be none or begin with a wildcard, covers a host."""
    return listener in (None, "*", host) or (str(listener).startswith("*.") and host.endswith(str(listener)[1:]))
