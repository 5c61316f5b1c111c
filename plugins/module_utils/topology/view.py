"""Shows a host what concerns it: where it listens, whom it scrapes, who its peers are, what must be found there."""

from __future__ import annotations

from typing import Any

from . import doors, links, scrape
from .endpoints import Host, Link, Stack, hostport
from .model import load


def view(model: Any, host: str) -> dict[str, Any]:
    """Return the part of the topology that concerns one host.

    Args:
        model: What ``build_model`` or ``dump`` returned.
        host: Its inventory name.
    Returns:
        Plain values; the keys are described in the filter's documentation (``ansible-doc -t filter promontory.stack.view``).
        A host that runs no component has the same keys, empty where they concern itself.
    Raises:
        ValueError: The model is none.
    """
    stack = load(model)
    me = stack.hosts.get(host, Host(host, host, (), {}, {}))
    all_links = links.derive_links(stack)
    clients = links.clients_by_endpoint(all_links).get(host, {})
    edge_hosts = stack.having(links.EDGE)
    auth = doors.edge_auth(edge_hosts[0]) if edge_hosts else None
    is_prometheus = "prometheus" in me.components
    return {
        "host": host,
        "address": me.address,
        "environment": me.settings.get("stack_environment", ""),
        "components": list(me.components),
        "roles": {name: stack.components[name].role for name in me.components},
        "listen": {key: hostport(item.bind, item.port) for key, item in me.endpoints.items()},
        "listen_address": {key: item.bind for key, item in me.endpoints.items()},
        "port": {key: item.port for key, item in me.endpoints.items()},
        "local_url": {
            key: f"{item.scheme}://{hostport(item.local_address, item.port)}" for key, item in me.endpoints.items()
        },
        "external_url": doors.external_url(stack),
        "external_urls": doors.external_urls(stack),
        **_replica(stack, me, is_prometheus),
        "scrape_configs": scrape.scrape_configs(stack, me, all_links) if is_prometheus else [],
        "alertmanagers": scrape.alertmanagers(me, all_links) if is_prometheus else [],
        **_cluster(stack, me),
        "smarthost": _smarthost(me, all_links, "alertmanager"),
        "heartbeat_smarthost": _smarthost(me, all_links, "heartbeat"),
        "heartbeats": [
            {"url": link.url, "ca_file": link.tls.ca_file if link.tls else ""}
            for link in all_links
            if link.purpose == "beat" and link.client == me.name
        ],
        "databases": {
            link.subject: {"host": link.endpoint.host, "address": link.address, "port": link.endpoint.port}
            for link in all_links
            if link.purpose == "database" and link.client == me.name
        },
        "database_clients": _database_clients(stack, me, all_links),
        "datasources": [_data_source(link) for link in all_links if link.purpose == "query" and link.client == me.name],
        "edge_sites": doors.edge_sites(stack, me, all_links),
        "edge_auth": {"username": auth.username, "password_file": auth.password_file} if auth else None,
        "firewall": doors.firewall(stack, me, clients),
        "expectations": _expectations(stack, me, all_links),
    }


def _replica(stack: Stack, me: Host, is_prometheus: bool) -> dict[str, Any]:
    """Prometheus hosts of a pair differ in one label, which alerts lose again so that Alertmanager sees them as one."""
    labels = dict(me.settings.get("stack_external_labels", {}))
    paired = is_prometheus and len(stack.having("prometheus")) > 1
    if paired:
        labels["replica"] = me.name
    return {
        "external_labels": labels,
        "alert_relabel_configs": [{"regex": "replica", "action": "labeldrop"}] if paired else [],
    }


def _cluster(stack: Stack, me: Host) -> dict[str, Any]:
    """Gossip is off for the only Alertmanager: an empty listening address says so to it."""
    mine = me.endpoints.get("alertmanager:cluster")
    peers = [
        hostport(item.address, item.port) for item in stack.endpoints("alertmanager", "cluster") if item.host != me.name
    ]
    if mine is None or not peers:
        return {"cluster_peers": [], "cluster_listen": "", "cluster_advertise": ""}
    return {
        "cluster_peers": peers,
        "cluster_listen": hostport(mine.bind, mine.port),
        "cluster_advertise": hostport(mine.address, mine.port),
    }


def _smarthost(me: Host, all_links: list[Link], sender: str) -> Any:
    if sender not in me.components:
        return None
    told = str(me.settings[f"{sender}_smtp_smarthost"])
    if told:
        host, _, port = told.rpartition(":")
        return {
            "host": host.strip("[]"),
            "port": int(port),
            "require_tls": me.settings[f"{sender}_smtp_require_tls"],
            "component": None,
        }
    for link in all_links:
        if link.purpose == "mail" and link.client == me.name and link.subject == sender:
            endpoint = link.endpoint
            return {
                "host": link.address,
                "port": endpoint.port,
                "require_tls": endpoint.tls is not None,
                "component": endpoint.component,
            }
    return None


def _database_clients(stack: Stack, me: Host, all_links: list[Link]) -> dict[str, list[str]]:
    """From which addresses each component asks the PostgreSQL of this host."""
    clients: dict[str, set[str]] = {}
    for link in all_links:
        if link.purpose == "database" and link.endpoint.host == me.name:
            # A process of this host comes from the address that it asks.
            comes_from = link.address if link.client == me.name else stack.hosts[link.client].address
            clients.setdefault(link.subject, set()).add(comes_from)
    return {component: sorted(addresses) for component, addresses in sorted(clients.items())}


def _data_source(link: Link) -> dict[str, Any]:
    """What Grafana must know of a program it asks; the password stands in a file, which is named here."""
    tls, auth = link.tls, link.endpoint.auth
    return {
        "component": link.endpoint.component,
        "host": link.endpoint.host,
        "url": link.url,
        "tls": {"server_name": tls.server_name, "ca_file": tls.ca_file} if tls else None,
        "auth": {"username": auth.username, "password_file": auth.password_file} if auth else None,
    }


def _expectations(stack: Stack, me: Host, all_links: list[Link]) -> dict[str, Any]:
    """What ``verify`` must find, no more and no less."""
    targets = set()
    scrapes = [link for link in all_links if link.purpose == "scrape" and link.client == me.name]
    for link in scrapes:
        targets.add((link.endpoint.component, link.endpoint.host))
    probers = {link.endpoint.host for link in scrapes if link.endpoint.component == "blackbox_exporter"}
    for link in all_links:
        if link.purpose == "probe" and link.client in probers:
            targets.add((scrape.PROBE_JOB, scrape.probe_url(link)))
    for prober in probers:
        targets.update(
            (scrape.PROBE_JOB, probe["target"]) for probe in stack.hosts[prober].settings["blackbox_exporter_probes"]
        )
    alerting = [link for link in all_links if link.purpose == "alert" and link.client == me.name]
    return {
        "targets": [{"job": job, "instance": instance} for job, instance in sorted(targets)],
        "alertmanagers": len(alerting) + len(me.settings.get("prometheus_alertmanagers", [])),
        "alertmanager_cluster_size": len(stack.having("alertmanager")),
    }
