"""The doors of the stack: what people reach at the edge, under which URL, and which ports a host opens to whom."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .endpoints import Auth, Host, Link, Stack, is_loopback
from .links import EDGE

EVERYONE = ("0.0.0.0/0", "::/0")
# Gossip uses both; every other port is TCP.
_PROTOCOLS = {"cluster": ("tcp", "udp")}


def external_url(stack: Stack) -> str | None:
    """Return the URL of the edge without a trailing slash; None where the stack has no edge."""
    edges = stack.endpoints(EDGE)
    if not edges:
        return None
    told = str(stack.hosts[edges[0].host].settings["stack_external_url"])
    return told.rstrip("/") or edges[0].url(edges[0].address)


def external_urls(stack: Stack) -> dict[str, str]:
    """Return the URL for people and for links in mails, by component, with a trailing slash.

    Behind the edge where the component has a path there, else at the component's own address on its first host.
    """
    edge = external_url(stack)
    urls = {}
    for component in stack.components.values():
        endpoints = stack.endpoints(component.name)
        if not endpoints or component.scheme:
            continue  # nothing that people open
        if edge is not None and component.name == EDGE:
            urls[component.name] = f"{edge}/"
        elif edge is not None and component.edge_path:
            urls[component.name] = edge + component.edge_path
        else:
            urls[component.name] = endpoints[0].url(endpoints[0].address, "/")
    return urls


def edge_auth(host: Host) -> Auth | None:
    """Return what people type at the edge of a host; None where the role's variables say nothing."""
    told = host.settings["stack_edge_auth"]
    return Auth(str(told["username"]), str(told["password_file"])) if told else None


def edge_sites(stack: Stack, host: Host, links: Iterable[Link]) -> list[dict[str, Any]]:
    """Return what the edge of a host serves, one entry for each component behind it."""
    proxied: dict[str, list[Link]] = {}
    for link in links:
        if link.purpose == "proxy" and link.client == host.name:
            proxied.setdefault(link.endpoint.component, []).append(link)
    sites = []
    for component, group in proxied.items():
        first = group[0]
        tls = first.endpoint.tls
        auth = first.endpoint.auth
        sites.append(
            {
                "path": first.path,
                "component": component,
                "upstreams": [link.url for link in group],
                "public": stack.components[component].edge_public,
                # Always with the name: a proxy does not take it from the upstream's address.
                "tls": {"server_name": tls.server_name, "ca_file": tls.ca_file} if tls else None,
                "auth": {"username": auth.username, "password_file": auth.password_file} if auth else None,
            }
        )
    return sites


def firewall(stack: Stack, host: Host, clients: dict[str, set[str]]) -> list[dict[str, Any]]:
    """Return the ports that a host opens and to which addresses; nothing for what only the host itself uses.

    Args:
        stack: The stack.
        host: The host that opens them.
        clients: Names of the hosts that use an endpoint of this host, by endpoint key.
    """
    rules: list[dict[str, Any]] = []
    for endpoint in host.endpoints.values():
        if endpoint.component == EDGE:
            sources = list(EVERYONE)
        else:
            others = clients.get(endpoint.key, set()) - {host.name}
            sources = sorted({stack.hosts[name].address for name in others})
        if not sources or is_loopback(endpoint.bind):
            continue
        rules.extend(
            {"port": endpoint.port, "proto": proto, "from": sources, "component": endpoint.component}
            for proto in _PROTOCOLS.get(endpoint.name, ("tcp",))
        )
    return rules


def summary(stack: Stack) -> dict[str, Any]:
    """Return what the command line shows: hosts and the URLs that people can open. No secret, only where one stands.

    Shape: {environment, hosts: [{name, address, components}], urls: [{component, host, url, auth}]}, where auth is
    {username, password_file} or null. Without an edge a component that only its own host reaches has no URL here.
    """
    edges = stack.having(EDGE)
    auth = edge_auth(edges[0]) if edges else None
    urls = []
    for name, url in external_urls(stack).items():
        component = stack.components[name]
        at_edge = bool(edges) and (name == EDGE or bool(component.edge_path))
        endpoint = stack.endpoints(name)[0]
        if not at_edge and is_loopback(endpoint.bind):
            continue
        needed = (None if component.edge_public else auth) if at_edge else endpoint.auth
        urls.append(
            {
                "component": name,
                "host": edges[0].name if at_edge else endpoint.host,
                "url": url,
                "auth": {"username": needed.username, "password_file": needed.password_file} if needed else None,
            }
        )
    return {
        "environment": next((str(host.settings["stack_environment"]) for host in stack.hosts.values()), ""),
        "hosts": [
            {"name": host.name, "address": host.address, "components": list(host.components)}
            for host in stack.hosts.values()
        ],
        "urls": urls,
    }
