"""Derives who uses whom, and from that where each endpoint listens."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from .endpoints import ANYWHERE, LOOPBACK, Endpoint, Host, Link, Stack

# People come from anywhere.
EDGE = "edge"


def derive_links(stack: Stack) -> list[Link]:
    """Return every link of the stack in a fixed order."""
    return [
        *_scrapes(stack),
        *_between(stack, "alert", "prometheus", stack.endpoints("alertmanager")),
        *_gossip(stack),
        *_mail(stack),
        *_proxies(stack),
        *_probes(stack),
    ]


def clients_by_endpoint(links: Iterable[Link]) -> dict[str, dict[str, set[str]]]:
    """Return the names of the client hosts by server host and endpoint key."""
    clients: dict[str, dict[str, set[str]]] = {}
    for link in links:
        clients.setdefault(link.endpoint.host, {}).setdefault(link.endpoint.key, set()).add(link.client)
    return clients


def bind(stack: Stack, clients: dict[str, dict[str, set[str]]]) -> Stack:
    """Return the stack with the listening address of every endpoint filled in.

    What the user set stays. Else the edge listens everywhere, and another endpoint does only when a client runs on
    another host.
    """
    hosts = {}
    for host in stack.hosts.values():
        of_host = clients.get(host.name, {})
        endpoints = {
            key: endpoint if endpoint.bind else replace(endpoint, bind=_derived_bind(endpoint, of_host.get(key, set())))
            for key, endpoint in host.endpoints.items()
        }
        hosts[host.name] = replace(host, endpoints=endpoints)
    return replace(stack, hosts=hosts)


def _derived_bind(endpoint: Endpoint, clients: set[str]) -> str:
    if endpoint.component == EDGE or clients - {endpoint.host}:
        return ANYWHERE
    return LOOPBACK


def _link(purpose: str, client: Host, endpoint: Endpoint, path: str = "") -> Link:
    local = client.name == endpoint.host
    return Link(purpose, client.name, endpoint, endpoint.local_address if local else endpoint.address, path)


def _between(stack: Stack, purpose: str, client: str, endpoints: list[Endpoint]) -> list[Link]:
    return [_link(purpose, host, endpoint) for host in stack.having(client) for endpoint in endpoints]


def _scrapes(stack: Stack) -> list[Link]:
    return [
        _link("scrape", host, endpoint, component.metrics_path)
        for host in stack.having("prometheus")
        for component in stack.components.values()
        if component.metrics_path
        for endpoint in stack.endpoints(component.name, component.metrics_endpoint)
    ]


def _gossip(stack: Stack) -> list[Link]:
    links = _between(stack, "gossip", "alertmanager", stack.endpoints("alertmanager", "cluster"))
    return [link for link in links if link.client != link.endpoint.host]


def _mail(stack: Stack) -> list[Link]:
    """Each Alertmanager hands its mail to one mailbox: its own host's, else the first; none with a mail server of its own."""
    links = []
    mailboxes = stack.endpoints("mailbox", "smtp")
    for host in stack.having("alertmanager"):
        if host.settings["alertmanager_smtp_smarthost"] or not mailboxes:
            continue
        endpoint = next((item for item in mailboxes if item.host == host.name), mailboxes[0])
        links.append(_link("mail", host, endpoint))
    return links


def _proxies(stack: Stack) -> list[Link]:
    return [
        _link("proxy", host, endpoint, component.edge_path)
        for host in stack.having(EDGE)
        for component in stack.components.values()
        if component.edge_path
        for endpoint in stack.endpoints(component.name)
    ]


def _probes(stack: Stack) -> list[Link]:
    """Each blackbox exporter looks at each edge, and through it at the components that have a path to look at.

    It uses the address that other hosts use, even on the edge's own host: that is the door people come through.
    """
    paths = _probe_paths(stack)
    return [
        Link("probe", prober.name, edge, edge.address, path, subject)
        for prober in stack.having("blackbox_exporter")
        for edge in stack.endpoints(EDGE)
        for subject, path in paths.items()
    ]


def _probe_paths(stack: Stack) -> dict[str, str]:
    """Return the path at the edge that shows that a component answers, by component."""
    paths = {}
    for component in stack.components.values():
        if component.probe_path and stack.having(component.name):
            if component.name == EDGE:
                paths[component.name] = component.probe_path
            elif component.edge_path:
                paths[component.name] = component.edge_path.rstrip("/") + component.probe_path
    return paths
