"""Derives who uses whom, and from that where each endpoint listens."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from .endpoints import ANYWHERE, LOOPBACK, Endpoint, Host, Link, Stack, is_hostport

_SMTPS_PORT = "465"  # RFC 8314: TLS from the first byte

# People come from anywhere.
EDGE = "edge"
# Components that mail people; each has a variable <component>_smtp_smarthost.
MAIL_SENDERS = ("alertmanager", "heartbeat")


def derive_links(stack: Stack) -> list[Link]:
    """Return every link of the stack in a fixed order."""
    return [
        *_scrapes(stack),
        *_between(stack, "alert", "prometheus", stack.endpoints("alertmanager")),
        *_gossip(stack),
        *_mail(stack),
        *_between(stack, "beat", "alertmanager", stack.endpoints("heartbeat")),
        *_data_sources(stack),
        *_databases(stack),
        *_proxies(stack),
        *_probes(stack),
        *_mail_probes(stack),
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
    """Who mails hands it to one mailbox: its own host's, else the first; nobody who has a mail server of its own."""
    links = []
    mailboxes = stack.endpoints("mailbox", "smtp")
    for sender in MAIL_SENDERS:
        for host in stack.having(sender):
            if host.settings[f"{sender}_smtp_smarthost"] or not mailboxes:
                continue
            endpoint = next((item for item in mailboxes if item.host == host.name), mailboxes[0])
            link = replace(_link("mail", host, endpoint), subject=sender)
            # Members of a cluster compare their configurations, so all of them name the mailbox alike.
            links.append(replace(link, address=endpoint.address) if len(stack.having(sender)) > 1 else link)
    return links


def _data_sources(stack: Stack) -> list[Link]:
    """Each Grafana asks every Prometheus and Alertmanager; those of its own host come first."""
    links = []
    for host in stack.having("grafana"):
        for component in ("prometheus", "alertmanager"):
            endpoints = sorted(stack.endpoints(component), key=lambda item: item.host != host.name)
            links.extend(_link("query", host, endpoint) for endpoint in endpoints)
    return links


def _databases(stack: Stack) -> list[Link]:
    """The sample app keeps its data in the stack's PostgreSQL, and each exporter on such a host asks its own."""
    servers = stack.endpoints("postgresql")
    links = [
        replace(_link("database", host, server), subject="sample_app")
        for host in stack.having("sample_app")
        for server in servers[:1]
    ]
    links.extend(
        replace(_link("database", host, server), subject="postgres_exporter")
        for host in stack.having("postgres_exporter")
        for server in servers
        if server.host == host.name and not host.settings["postgres_exporter_address"]
    )
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


def _mail_probes(stack: Stack) -> list[Link]:
    """A blackbox exporter beside an Alertmanager greets the mail server that this Alertmanager uses.

    One elsewhere might not reach it: a mailbox listens for its clients alone. A server outside is greeted from every
    exporter when none is beside an Alertmanager.
    """
    probers = stack.having("blackbox_exporter")
    beside = [host for host in probers if "alertmanager" in host.components]
    mailboxes = [link for link in _mail(stack) if link.subject == "alertmanager"]
    links = []
    for host in beside or probers:
        mine = [link for link in mailboxes if link.client == host.name]
        links.extend(replace(link, purpose="probe", subject=link.endpoint.component) for link in mine)
        told = host.settings["alertmanager_smtp_smarthost"]
        if told and not mine and is_hostport(told):
            name, _, port = told.rpartition(":")
            secure = "smtps" if port == _SMTPS_PORT else "smtp+starttls"
            scheme = secure if host.settings["alertmanager_smtp_require_tls"] else "smtp"
            outside = Endpoint("smarthost", "smtp", host.name, name.strip("[]"), int(port), scheme=scheme)
            links.append(Link("probe", host.name, outside, outside.address, subject="smarthost"))
    return links


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
