"""What the world may read: metrics are no part of a public host, and their own host answers only those on a list."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence

from promontory.manifests.finding import Finding
from promontory.manifests.objects import Manifest, Manifests, Workload
from promontory.manifests.routes import Route, routes
from promontory.manifests.selectors import selected, selector_of

_HUB = "metrics"                 # app.kubernetes.io/component of what may offer metrics to the outside
_METRICS_PORT = "http-metrics"   # the pods' own, which nothing outside may reach
_WIDEST_PUBLIC = 24

# How each ingress controller is told whom to answer.
_ALLOW_LIST = {
    "haproxy": "haproxy.org/allow-list",
    "nginx": "nginx.ingress.kubernetes.io/whitelist-source-range",
    "alb": "alb.ingress.kubernetes.io/inbound-cidrs",
}


def check(manifests: Manifests) -> Iterator[Finding]:
    """Find ways in to metrics that should not be, or that are wider than they should be."""
    hosts: dict[str, set[bool]] = {}
    for route in routes(manifests):
        workloads = _behind(manifests, route)
        to_hub = any(one.labels.get("app.kubernetes.io/component") == _HUB for one in workloads)
        for host in route.hosts:
            hosts.setdefault(host, set()).add(to_hub)
        if any(_leads_to_metrics(manifests, route, one) for one in workloads):
            yield Finding("metrics-public", route.source.where, f"it leads to the pods' own metrics ({_METRICS_PORT}); only the hub may")
        if to_hub:
            yield from _hub_route(manifests, route)
    for host, kinds in hosts.items():
        if len(kinds) == 2:
            source = next(route.source for route in routes(manifests) if host in route.hosts and route.path != "/")
            yield Finding("metrics-public", source.where, f"metrics are on {host}, the host of the service; give them a host of their own")


def _behind(manifests: Manifests, route: Route) -> Sequence[Workload]:
    service = manifests.find("Service", route.service, route.source.namespace)
    selector = selector_of(service) if service else None
    return selected(manifests, selector, route.source.namespace) if selector else []


def _leads_to_metrics(manifests: Manifests, route: Route, workload: Workload) -> bool:
    service = manifests.find("Service", route.service, route.source.namespace)
    number = workload.ports.get(_METRICS_PORT)
    if service is None or number is None:
        return False
    led = [port for port in service.at("spec.ports", ()) if route.port in (port.get("name"), port["port"])]
    return any(port.get("targetPort", port["port"]) in (number, _METRICS_PORT) for port in led)


def _hub_route(manifests: Manifests, route: Route) -> Iterator[Finding]:
    if not route.hosts:
        yield Finding("metrics-public", route.source.where, "it offers metrics on any host name; give it one of their own")
    if not (route.exact and route.path == "/metrics"):
        yield Finding("metrics-path", route.source.where, f"it leads {route.path} to the hub; exactly /metrics is enough")
    allowed = _allow_list(manifests, route.source)
    if not allowed:
        yield Finding("metrics-open", route.source.where, "anybody may ask for metrics; name the Prometheus hosts (README.md has how)")
    for text in allowed:
        if _is_wide(text):
            yield Finding("metrics-open", route.source.where, f"{text.strip()} may ask for metrics; name the Prometheus hosts alone")


def _is_wide(text: str) -> bool:
    try:
        network = ipaddress.ip_network(text.strip())
    except ValueError:
        return False   # said by `values`
    return not network.is_private and network.prefixlen < (_WIDEST_PUBLIC if network.version == 4 else 48)


def _allow_list(manifests: Manifests, source: Manifest) -> list[str]:
    """Return whom a route to the hub answers; empty for anybody, or when the controller's way is not known here."""
    if source.kind == "Ingress":
        key = _ALLOW_LIST.get(source.at("spec.ingressClassName", ""), "")
        return [text for text in source.annotations.get(key, "").split(",") if text.strip()]
    if source.kind == "HTTPRoute":
        return [text for policy in manifests.of("SecurityPolicy") if _is_about(policy, source) for text in _of_policy(policy)]
    hosts = set(source.at("spec.hosts", ()))
    return [text for policy in manifests.of("AuthorizationPolicy") for text in _denied_but(policy, hosts)]


def _is_about(policy: Manifest, route: Manifest) -> bool:
    targets = policy.at("spec.targetRefs", ())
    return policy.namespace == route.namespace and any((one["kind"], one["name"]) == (route.kind, route.name) for one in targets)


def _of_policy(policy: Manifest) -> list[str]:
    if policy.at("spec.authorization.defaultAction") != "Deny":
        return []
    rules = [rule for rule in policy.at("spec.authorization.rules", ()) if rule.get("action") == "Allow"]
    return [text for rule in rules for text in rule["principal"].get("clientCIDRs", ())]


def _denied_but(policy: Manifest, hosts: set[str]) -> list[str]:
    """Return the addresses that a policy of the gateway spares when it denies these hosts."""
    if policy.at("spec.action") != "DENY":
        return []
    return [
        text
        for rule in policy.at("spec.rules", ())
        if any(hosts <= set(way["operation"].get("hosts", ())) for way in rule.get("to", ()))
        for one in rule.get("from", ())
        for text in one["source"].get("notRemoteIpBlocks", ())
    ]
