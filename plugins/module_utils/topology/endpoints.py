"""What the topology is made of: components, endpoints, hosts and the links between them.

Plain values. Every link carries its scheme, TLS names and credentials, whether or not the stack uses TLS today:
turning TLS on changes what is in these objects and none of the code that reads them.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LOOPBACK = "127.0.0.1"
ANYWHERE = "0.0.0.0"  # noqa: S104  the address of an endpoint that other hosts use


@dataclass(frozen=True)
class Tls:
    """How a client knows the server: the name in its certificate and the CA (a file on the client; "" = the system's)."""

    server_name: str
    ca_file: str = ""


@dataclass(frozen=True)
class Auth:
    """Basic authentication; the password stands in a file where the client runs, never in the model."""

    username: str
    password_file: str


@dataclass(frozen=True)
class Component:
    """A line of the registry.

    Attributes:
        name: Group, role and variable prefix, such as ``node_exporter``.
        order: Position in a run; lower first, equal ones by name.
        ports: Port by endpoint name; "" is the main endpoint, ``metrics_port: 9464`` is ``metrics``.
        role: Role that installs it.
        metrics_path: Path of its metrics; "" when it has none to scrape.
        honor_labels: Whether labels in its metrics win over those of the target (Pushgateway).
        edge_path: Path at the edge, with both slashes; "" keeps it away from there.
        edge_public: Whether the edge lets people in without a password.
        scheme: What its main endpoint speaks; "" is HTTP, which people can open.
        beside: Component on whose hosts it runs too, without a group of its own naming them.
        probe_path: Path that must answer 200 at the edge, to anyone or to operators, relative to edge_path (absolute for the edge itself).
    """

    name: str
    order: int
    ports: Mapping[str, int]
    role: str
    metrics_path: str = ""
    honor_labels: bool = False
    edge_path: str = ""
    edge_public: bool = False
    probe_path: str = ""
    beside: str = ""
    scheme: str = ""

    @property
    def metrics_endpoint(self) -> str:
        """Name of the endpoint that serves the metrics."""
        return "metrics" if "metrics" in self.ports else ""


@dataclass(frozen=True)
class Endpoint:
    """One port of a component on a host.

    Attributes:
        bind: Address it listens on. While the inventory is being read it is what the user asked for, "" for derived;
            in a finished model it is always an address.
        address: Where other hosts reach it.
    """

    component: str
    name: str
    host: str
    address: str
    port: int
    bind: str = ""
    scheme: str = "http"
    tls: Tls | None = None
    auth: Auth | None = None

    @property
    def key(self) -> str:
        """``prometheus`` for a main endpoint, ``alertmanager:cluster`` for another one."""
        return f"{self.component}:{self.name}" if self.name else self.component

    @property
    def local_address(self) -> str:
        """Address by which a process of the same host reaches it."""
        return LOOPBACK if self.bind in ("", ANYWHERE, "::") else self.bind

    def url(self, address: str, path: str = "") -> str:
        """Return its URL at an address; no trailing slash unless the path has one."""
        default = {"http": 80, "https": 443}.get(self.scheme)
        place = bracketed(address) if self.port == default else hostport(address, self.port)
        return f"{self.scheme}://{place}{path}"


@dataclass(frozen=True)
class Link:
    """A client on a host uses an endpoint.

    Attributes:
        purpose: scrape, alert, gossip, mail, beat, query, database, proxy or probe.
        client: Host of the client.
        address: Address by which this client reaches the endpoint.
        path: Path that it asks for; "" where the protocol has none.
        subject: Component that a probe is about (it looks at the edge to see what is behind it), or the one that mails or asks.
    """

    purpose: str
    client: str
    endpoint: Endpoint
    address: str
    path: str = ""
    subject: str = ""

    @property
    def target(self) -> str:
        """``address:port``, as Prometheus wants it."""
        return hostport(self.address, self.endpoint.port)

    @property
    def url(self) -> str:
        """The address with scheme and port, no path; the port is always written."""
        return f"{self.endpoint.scheme}://{self.target}"

    @property
    def tls(self) -> Tls | None:
        """What this client must check; the server's name is left out where the address says it already."""
        tls = self.endpoint.tls
        if tls is None or tls.server_name != self.address:
            return tls
        return Tls(server_name="", ca_file=tls.ca_file)


@dataclass(frozen=True)
class Host:
    """A host of the stack: its components in the order of a run, its endpoints by key, and its settings.

    ``settings`` holds the plain values of stack-wide and role variables that links depend on (see inventory.SETTINGS).
    """

    name: str
    address: str
    components: tuple[str, ...]
    endpoints: Mapping[str, Endpoint]
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Stack:
    """The whole topology: registry by name and hosts by name, both in a fixed order."""

    components: Mapping[str, Component]
    hosts: Mapping[str, Host]

    def having(self, component: str) -> list[Host]:
        """Return the hosts that run a component, by name."""
        return [host for host in self.hosts.values() if component in host.components]

    def endpoints(self, component: str, name: str = "") -> list[Endpoint]:
        """Return one endpoint of a component on each of its hosts, by host name."""
        key = f"{component}:{name}" if name else component
        return [host.endpoints[key] for host in self.having(component) if key in host.endpoints]


def bracketed(address: str) -> str:
    """Return an address as it stands in a URL: IPv6 in brackets."""
    return f"[{address}]" if ":" in address and not address.startswith("[") else address


def hostport(address: str, port: int) -> str:
    """Return ``address:port`` with IPv6 in brackets."""
    return f"{bracketed(address)}:{port}"


def is_loopback(address: str) -> bool:
    """Tell whether only processes of the same host reach an address."""
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return False


def is_hostport(value: object) -> bool:
    """Tell whether a value is text of the form ``host:port``."""
    if not isinstance(value, str) or value.count(":") < 1:
        return False
    host, _, port = value.rpartition(":")
    return bool(host) and not any(sign in value for sign in "/@ ") and port.isdigit() and 0 < int(port) < 65536
