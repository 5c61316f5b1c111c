"""Reads hosts, groups and their variables into hosts with endpoints, and says what is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from .endpoints import Auth, Component, Endpoint, Host, Tls, is_loopback

# Stack-wide and role variables that links depend on, with the value that counts as "not set".
# They repeat roles/common/defaults and the roles' own; a unit test compares them.
SETTINGS: dict[str, Any] = {
    "stack_environment": "production",
    "stack_external_url": "",
    "stack_external_labels": {},
    "prometheus_alertmanagers": [],
    "alertmanager_smtp_smarthost": "",
    "alertmanager_smtp_require_tls": True,
    "alertmanager_receivers": [],
    "stack_edge_auth": None,
    "grafana_database": {"type": "sqlite3"},
    "postgres_exporter_address": "",
    "blackbox_exporter_probes": [],
}
# What is not set is as another setting says.
_FALLBACKS = {
    "heartbeat_smtp_smarthost": "alertmanager_smtp_smarthost",
    "heartbeat_smtp_require_tls": "alertmanager_smtp_require_tls",
}
_HOST_VARIABLES = ("stack_address", "stack_tls", "stack_tls_ca_file", "stack_tls_server_name")
_ENDPOINT_VARIABLES = ("port", "listen_address", "tls", "auth")
# Endpoints that speak HTTP take tls and auth of their component; the others (SMTP, gossip) have their own switches.
_HTTP_ENDPOINTS = ("", "metrics")
_ADDRESS = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|\[?[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*\]?")


def wanted_variables(components: Sequence[Component]) -> list[str]:
    """Return the variables of a host that the model reads, given the host's components."""
    names = [*SETTINGS, *_FALLBACKS, *_HOST_VARIABLES]
    for component in components:
        for endpoint in component.ports:
            prefix = f"{component.name}_{endpoint}" if endpoint else component.name
            names.extend(f"{prefix}_{variable}" for variable in _ENDPOINT_VARIABLES)
    return names


def members(groups: Mapping[str, Sequence[str]], components: Mapping[str, Component]) -> dict[str, list[Component]]:
    """Return the components of each host that has any, hosts by name, components in the order of a run.

    A component runs on the hosts of its group, and on those of the component that it stands beside.
    """
    of_host: dict[str, list[Component]] = {}
    for component in components.values():
        beside = groups.get(component.beside, ()) if component.beside else ()
        for host in dict.fromkeys([*groups.get(component.name, ()), *beside]):
            of_host.setdefault(str(host), []).append(component)
    return {host: of_host[host] for host in sorted(of_host)}


def read_host(name: str, variables: Mapping[str, Any], components: Sequence[Component]) -> tuple[Host, list[str]]:
    """Read one host.

    Args:
        name: Its inventory name.
        variables: Values of ``wanted_variables``, templated; missing ones have their default.
        components: What runs there, in the order of a run.
    Returns:
        The host and its problems as complete sentences. What is wrong is replaced by its default, so that the rest
        can still be judged.
    """
    problems: list[str] = []
    address = variables.get("stack_address") or variables.get("ansible_host") or name
    if not isinstance(address, str) or not _ADDRESS.fullmatch(address):
        problems.append(
            f"stack_address is {address!r}, which is no host name and no IP address. "
            "Set stack_address (or ansible_host) to where other hosts reach this one."
        )
        address = name
    endpoints: dict[str, Endpoint] = {}
    for component in components:
        reader = _EndpointReader(name, address, component, variables, problems)
        for endpoint in reader.endpoints():
            endpoints[endpoint.key] = endpoint
    settings = {key: _setting(variables, key, default) for key, default in SETTINGS.items()}
    settings |= {key: _setting(variables, key, settings[other]) for key, other in _FALLBACKS.items()}
    return Host(name, address, tuple(item.name for item in components), endpoints, settings), problems


def _setting(variables: Mapping[str, Any], key: str, default: Any) -> Any:
    value = variables.get(key)
    return default if value is None else value


class _EndpointReader:
    """Reads the endpoints of one component on one host, collecting problems."""

    def __init__(
        self, host: str, address: str, component: Component, variables: Mapping[str, Any], problems: list[str]
    ) -> None:
        self._host = host
        self._address = address
        self._component = component
        self._variables = variables
        self._problems = problems

    def endpoints(self) -> list[Endpoint]:
        """Return the endpoints that the component opens on this host."""
        speaks_http = not self._component.scheme
        encrypted = self._flag("", "tls", speaks_http and bool(self._variables.get("stack_tls", False)))
        found = []
        for name, port in self._component.ports.items():
            if name == "tls":  # the main endpoint's other port, see below
                continue
            own_tls = encrypted if name == "" else self._flag(name, "tls", encrypted and name in _HTTP_ENDPOINTS)
            auth = self._auth(name) or (self._auth("") if name in _HTTP_ENDPOINTS else None)
            number = self._port(name, port)
            if name == "" and own_tls and "tls" in self._component.ports:
                # With TLS the main endpoint moves to its TLS port; the plain one stays for redirects.
                found.append(self._endpoint("plain", number, tls=False, auth=None))
                number = self._port("tls", self._component.ports["tls"])
            found.append(self._endpoint(name, number, tls=own_tls, auth=auth))
        return found

    def _endpoint(self, name: str, port: int, *, tls: bool, auth: Auth | None) -> Endpoint:
        server_name = self._variables.get("stack_tls_server_name") or self._address
        return Endpoint(
            component=self._component.name,
            name=name,
            host=self._host,
            address=self._address,
            port=port,
            bind=self._listen_address("" if name == "plain" else name),
            scheme=self._scheme(name, tls),
            tls=Tls(server_name, self._variables.get("stack_tls_ca_file") or "") if tls else None,
            auth=auth,
        )

    def _scheme(self, name: str, tls: bool) -> str:
        if name == "" and self._component.scheme:
            return self._component.scheme
        return ("https" if tls else "http") if name in (*_HTTP_ENDPOINTS, "plain") else name

    def _variable(self, name: str, suffix: str) -> tuple[str, Any]:
        prefix = f"{self._component.name}_{name}" if name else self._component.name
        key = f"{prefix}_{suffix}"
        return key, self._variables.get(key)

    def _port(self, name: str, default: int) -> int:
        key, value = self._variable(name, "port")
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 65535:
            self._problems.append(f"{key} is {value!r}, but must be a whole number between 1 and 65535.")
            return default
        return int(value)

    def _flag(self, name: str, suffix: str, default: bool) -> bool:
        key, value = self._variable(name, suffix)
        if value is None:
            return default
        if not isinstance(value, bool):
            self._problems.append(f"{key} is {value!r}, but must be true or false (without quotes).")
            return default
        return value

    def _listen_address(self, name: str) -> str:
        key, value = self._variable(name, "listen_address")
        if value in (None, ""):
            return ""
        if not isinstance(value, str) or not _ADDRESS.fullmatch(value):
            self._problems.append(
                f"{key} is {value!r}, which is no address to listen on. Give an IP address of the host, or leave it out: "
                "then it is 127.0.0.1 where all clients are on the same host, and 0.0.0.0 elsewhere."
            )
            return ""
        return str(value).strip("[]")

    def _auth(self, name: str) -> Auth | None:
        key, value = self._variable(name, "auth")
        if not value:
            return None
        if isinstance(value, Mapping) and set(value) == {"username", "password_file"} and all(value.values()):
            return Auth(str(value["username"]), str(value["password_file"]))
        self._problems.append(f"{key} must be {{username: …, password_file: …}}, both filled and nothing else.")
        return None


def unreachable_listeners(host: Host, clients: Mapping[str, set[str]]) -> list[str]:
    """Return a sentence for each endpoint bound to loopback by the user though other hosts need it.

    Args:
        host: A host as it was read.
        clients: Names of the hosts that use an endpoint of this host, by endpoint key.
    """
    problems = []
    for key, endpoint in host.endpoints.items():
        remote = sorted(clients.get(key, set()) - {host.name})
        if endpoint.bind and is_loopback(endpoint.bind) and remote:
            variable = key.replace(":", "_") + "_listen_address"
            problems.append(
                f"{variable} is {endpoint.bind}, but {', '.join(remote)} must reach {key} on this host. "
                "Leave the variable out, or give an address that they can reach."
            )
    return problems
