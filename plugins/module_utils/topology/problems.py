"""Judges a topology: what cannot work is named, with the value and the way out."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import urlsplit

from .endpoints import ANYWHERE, Endpoint, Host, Link, Stack, is_loopback
from .links import EDGE

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
    for host in stack.hosts.values():
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
    for host in alertmanagers:
        smarthost = host.settings["alertmanager_smtp_smarthost"]
        if not smarthost and not mailboxes and _wants_mail(host):
            found.append(
                (
                    host.name,
                    "Alertmanager has no way to send a mail: alertmanager_smtp_smarthost is empty and the group mailbox too. "
                    "Set alertmanager_smtp_smarthost: mail.example.net:587, or put a host into the group mailbox.",
                )
            )
        if smarthost and not _is_hostport(smarthost):
            found.append(
                (
                    host.name,
                    f"alertmanager_smtp_smarthost is {smarthost!r}, but must be host:port, such as mail.example.net:587.",
                )
            )
    if len(mailboxes) > 1:
        names = ", ".join(host.name for host in mailboxes)
        found.append(
            ("", f"The group mailbox has {len(mailboxes)} hosts ({names}), but mail must land in one place: keep one.")
        )
    return found


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


def _is_hostport(value: object) -> bool:
    if not isinstance(value, str) or value.count(":") < 1:
        return False
    host, _, port = value.rpartition(":")
    return bool(host) and not any(sign in value for sign in "/@ ") and port.isdigit() and 0 < int(port) < 65536


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
