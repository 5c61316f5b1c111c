"""Judges a topology: what cannot work is named, with the value and the way out."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import urlsplit

from .endpoints import ANYWHERE, Endpoint, Host, Link, Stack, is_hostport, is_loopback
from .links import EDGE, MAIL_SENDERS

# A problem is a pair: the host it belongs to ("" for the whole stack) and one complete message.
Problem = tuple[str, str]


def judge(stack: Stack, links: Sequence[Link]) -> list[Problem]:
    """Return what is impossible in a bound stack."""
    found: list[Problem] = []
    if not stack.hosts:
        names = ", ".join(stack.components)
        return [("", f"No group of the inventory is a component. Put hosts into groups such as these: {names}.")]
    found.extend(_roles_without_partner(stack))
    found.extend(_edges(stack))
    found.extend(_grafanas(stack))
    for host in stack.hosts.values():
        found.extend((host.name, message) for message in _own_probes(host))
        found.extend((host.name, message) for message in _port_clashes(host))
        found.extend((host.name, message) for message in _urls(host))
    found.extend(_shared_addresses(stack))
    found.extend(_loopback_addresses(stack, links))
    return found


def misspelt_groups(
    groups: Mapping[str, Sequence[str]], components: Iterable[str], other_groups: Iterable[str]
) -> list[Problem]:
    """Return a problem for each group whose name looks like a component's written wrongly.

    A group of any other name is nobody's business, and so is one that shares a host with the component it resembles
    (``prometheus_eu`` above or below ``prometheus``).
    """
    names = list(components)
    fine = {"all", "ungrouped", *names, *other_groups}
    found = []
    for group, hosts in groups.items():
        if group in fine or not hosts:
            continue
        plain = group.lower().replace("-", "_")
        near = [plain] if plain in names else difflib.get_close_matches(plain, names, n=1, cutoff=0.86)
        if near and not set(hosts) & set(groups.get(near[0], ())):
            found.append(
                (
                    "",
                    f"The inventory has a group {group!r} ({', '.join(sorted(hosts)[:3])}), which is no component. "
                    f"Did you mean {near[0]}? If the name is meant, add it to stack_other_groups.",
                )
            )
    return found


def _roles_without_partner(stack: Stack) -> list[Problem]:
    found: list[Problem] = []
    alertmanagers = stack.having("alertmanager")
    for host in stack.having("prometheus"):
        if not alertmanagers and not host.settings["prometheus_alertmanagers"]:
            found.append(
                (
                    host.name,
                    "Prometheus evaluates alerting rules but has no Alertmanager to tell: the group alertmanager is empty. "
                    "Put a host into it, or name outside ones in prometheus_alertmanagers.",
                )
            )
    mailboxes = stack.having("mailbox")
    for sender in MAIL_SENDERS:
        for host in stack.having(sender):
            found.extend((host.name, message) for message in _mail_server(host, sender, bool(mailboxes)))
    found.extend(_databases(stack))
    watchers = stack.having("heartbeat")
    if watchers and not alertmanagers:
        found.append(
            (
                watchers[0].name,
                "The heartbeat waits for a Watchdog that nobody sends: the group alertmanager is empty. "
                "Put a host into it, or take the group heartbeat away.",
            )
        )
    if len(mailboxes) > 1:
        names = ", ".join(host.name for host in mailboxes)
        found.append(
            ("", f"The group mailbox has {len(mailboxes)} hosts ({names}), but mail must land in one place: keep one.")
        )
    return found


def _databases(stack: Stack) -> list[Problem]:
    found: list[Problem] = []
    servers = stack.having("postgresql")
    if len(servers) > 1:
        names = ", ".join(host.name for host in servers)
        found.append(
            (
                "",
                f"The group postgresql has {len(servers)} hosts ({names}), but nothing here copies data between servers, "
                "and the sample app needs one: keep one.",
            )
        )
    for host in stack.having("postgres_exporter"):
        told = host.settings["postgres_exporter_address"]
        if not told and host not in servers:
            found.append(
                (
                    host.name,
                    "postgres_exporter has no server to ask: this host is not in the group postgresql, and "
                    "postgres_exporter_address is empty. Set it to the server's host:port, such as db.example.net:5432.",
                )
            )
        if told and not is_hostport(told):
            found.append(
                (
                    host.name,
                    f"postgres_exporter_address is {told!r}, but must be host:port, such as db.example.net:5432.",
                )
            )
    return found


def _grafanas(stack: Stack) -> list[Problem]:
    """Several servers behind one edge are one Grafana only with one database."""
    servers = stack.having("grafana")
    if len(servers) < 2:
        return []
    found: list[Problem] = []
    for host in servers:
        told = host.settings["grafana_database"]
        kind = told.get("type") if isinstance(told, Mapping) else None
        if kind not in ("postgres", "mysql"):
            names = ", ".join(item.name for item in servers)
            found.append(
                (
                    host.name,
                    f"The group grafana has {len(servers)} hosts ({names}), but grafana_database is {told!r}, a database of this "
                    "host alone. Set grafana_database with type postgres or mysql, the same for all, or keep one host.",
                )
            )
    return found


def _own_probes(host: Host) -> list[str]:
    told = host.settings["blackbox_exporter_probes"]
    example = "Write [{name: shop, target: https://shop.example.net/, module: http_2xx}]."
    if not isinstance(told, list):
        return [f"blackbox_exporter_probes is {told!r}, but must be a list. {example}"]
    return [
        f"blackbox_exporter_probes[{number}] is {probe!r}, but must have name, target and, where it is not http_2xx, module. "
        + example
        for number, probe in enumerate(told)
        if not isinstance(probe, Mapping)
        or not {"name", "target"} <= set(probe) <= {"name", "target", "module"}
        or not all(isinstance(value, str) and value.strip() for value in probe.values())
    ]


def _mail_server(host: Host, sender: str, has_mailbox: bool) -> list[str]:
    variable = f"{sender}_smtp_smarthost"
    smarthost = host.settings[variable]
    if not smarthost and not has_mailbox and (sender != "alertmanager" or _wants_mail(host)):
        return [
            f"{sender.capitalize()} has no way to send a mail: {variable} is empty and the group mailbox too. "
            f"Set {variable}: mail.example.net:587, or put a host into the group mailbox."
        ]
    if smarthost and not is_hostport(smarthost):
        return [f"{variable} is {smarthost!r}, but must be host:port, such as mail.example.net:587."]
    return []


def _wants_mail(host: Host) -> bool:
    receivers = host.settings["alertmanager_receivers"]
    if not isinstance(receivers, list) or not receivers:
        return True  # the role's own receiver is a mail
    return any(isinstance(item, Mapping) and item.get("email") for item in receivers)


def _edges(stack: Stack) -> list[Problem]:
    found: list[Problem] = []
    edges = stack.having(EDGE)
    if edges and not any(item.edge_path and stack.having(item.name) for item in stack.components.values()):
        found.append((edges[0].name, "The edge has nothing to serve: no component of the stack has an edge_path."))
    if len(edges) > 1 and not edges[0].settings["stack_external_url"]:
        names = ", ".join(host.name for host in edges)
        found.append(
            (
                "",
                f"The group edge has {len(edges)} hosts ({names}), so links in mails cannot know which to name. "
                "Set stack_external_url to the name that leads to all of them, or keep one.",
            )
        )
    at_path: dict[str, str] = {}
    for component in stack.components.values():
        if not component.edge_path or not stack.having(component.name):
            continue
        other = next((path for path in at_path if _overlap(path, component.edge_path)), None)
        if other is not None:
            found.append(
                (
                    "",
                    f"{at_path[other]} and {component.name} share the path {component.edge_path} at the edge. "
                    f"Give one of them another: stack_components_extra: {{{component.name}: {{edge_path: /…/}}}}.",
                )
            )
        at_path[component.edge_path] = component.name
    return found


def _overlap(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def _port_clashes(host: Host) -> list[str]:
    by_port: dict[int, list[Endpoint]] = {}
    for endpoint in host.endpoints.values():
        by_port.setdefault(endpoint.port, []).append(endpoint)
    messages = []
    for port, endpoints in by_port.items():
        for number, endpoint in enumerate(endpoints):
            rival = next((item for item in endpoints[:number] if _same_place(item.bind, endpoint.bind)), None)
            if rival is not None:
                variable = endpoint.key.replace(":", "_") + "_port"
                messages.append(
                    f"{rival.key} and {endpoint.key} both listen on port {port} of this host. Set {variable} to another one."
                )
    return messages


def _same_place(one: str, other: str) -> bool:
    return one == other or {one, other} & {ANYWHERE, "::"} != set()


def _urls(host: Host) -> list[str]:
    messages = []
    told = host.settings["stack_external_url"]
    if told and not _is_url(told):
        messages.append(
            f"stack_external_url is {told!r}, but must be a URL without a query, such as https://mon.example.net."
        )
    outside = host.settings["prometheus_alertmanagers"]
    if not isinstance(outside, list):
        return [*messages, f"prometheus_alertmanagers is {outside!r}, but must be a list of URLs."]
    messages.extend(
        f"prometheus_alertmanagers: {url!r} is no URL. Write it like https://alertmanager.example.net:9093."
        for url in outside
        if not _is_url(url)
    )
    return messages


def _is_url(value: object) -> bool:
    if not isinstance(value, str) or value != value.strip():
        return False
    try:
        parts = urlsplit(value)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and not parts.query
    except ValueError:  # a port that is no number, or a broken IPv6 address
        return False


def _shared_addresses(stack: Stack) -> list[Problem]:
    """Hosts behind one address (port forwards) can live together only while their outward ports differ."""
    seen: dict[tuple[str, int], Endpoint] = {}
    found: list[Problem] = []
    for host in stack.hosts.values():
        for endpoint in host.endpoints.values():
            if is_loopback(endpoint.bind):
                continue
            rival = seen.setdefault((endpoint.address, endpoint.port), endpoint)
            if rival.host != host.name:
                found.append(
                    (
                        host.name,
                        f"{host.name} and {rival.host} have the same address {endpoint.address}, and {endpoint.key} and "
                        f"{rival.key} there the same port {endpoint.port}. Set stack_address of each host to its own address.",
                    )
                )
                break
    return found


def _loopback_addresses(stack: Stack, links: Sequence[Link]) -> list[Problem]:
    """An address like 127.0.0.1 is right for a host alone, and wrong as soon as another one must reach it."""
    found: list[Problem] = []
    for host in stack.hosts.values():
        if not is_loopback(host.address):
            continue
        others = sorted({link.client for link in links if link.endpoint.host == host.name} - {host.name})
        if others:
            found.append(
                (
                    host.name,
                    f"stack_address is {host.address}, but {', '.join(others)} must reach this host. "
                    "Set stack_address to an address that other hosts can use.",
                )
            )
    return found
