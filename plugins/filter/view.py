"""Filter ``promontory.stack.view``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: view
short_description: Show what of the topology concerns one host
version_added: "0.1.0"
author: [Promontory contributors]
description:
  - Takes the model of M(promontory.stack.topology) or P(promontory.stack.model#filter) and returns what one host must know.
  - In roles it is there as C(stack_topology).
positional: host
options:
  _input:
    description: The model, as mapping or as the text of the fact C(stack_model).
    type: raw
    required: true
  host:
    description: Inventory name of the host.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show where the programs of this host listen
  ansible.builtin.debug:
    msg: "{{ (model | promontory.stack.view('mon1')).listen }}"
  vars:
    model: "{{ {'mon1': {}} | promontory.stack.model({'prometheus': ['mon1']}, {'prometheus': {'port': 9090}}) }}"
"""

RETURN = r"""
_value:
  description: >-
    What concerns the host. Endpoints have keys such as V(prometheus), V(sample_app:metrics), V(alertmanager:cluster) and V(mailbox:smtp).
  type: dict
  contains:
    host:
      description: The host's inventory name.
      type: str
    address:
      description: Where other hosts reach it.
      type: str
    environment:
      description: Its C(stack_environment).
      type: str
    components:
      description: What it runs, in the order of a run.
      type: list
      elements: str
    roles:
      description: Role by component.
      type: dict
    listen:
      description: Address and port by endpoint, such as V(127.0.0.1:9090).
      type: dict
    listen_address:
      description: Address alone, by endpoint.
      type: dict
    port:
      description: Port alone, by endpoint.
      type: dict
    local_url:
      description: URL without trailing slash by which the host itself reaches an endpoint.
      type: dict
    external_url:
      description: URL of the edge without trailing slash; null in a stack without edge.
      type: str
    external_urls:
      description: URL for people by component of the whole stack, with trailing slash.
      type: dict
    external_labels:
      description: Prometheus' external labels, with C(replica) where there are several Prometheus hosts.
      type: dict
    alert_relabel_configs:
      description: What takes C(replica) off alerts again.
      type: list
      elements: dict
    scrape_configs:
      description: The scrape jobs of a Prometheus host as in prometheus.yml.
      type: list
      elements: dict
    alertmanagers:
      description: The Alertmanagers of a Prometheus host as in C(alerting.alertmanagers).
      type: list
      elements: dict
    cluster_peers:
      description: C(address:port) of the other Alertmanagers.
      type: list
      elements: str
    cluster_listen:
      description: Where this Alertmanager gossips; empty for the only one.
      type: str
    cluster_advertise:
      description: Where the others find it; empty for the only one.
      type: str
    smarthost:
      description: Mail server of this Alertmanager, C(host), C(port), C(require_tls) and C(component) (null for one outside), or null.
      type: dict
    heartbeat_smarthost:
      description: Mail server of the heartbeat of this host, as C(smarthost), or null.
      type: dict
    heartbeats:
      description: Where this Alertmanager posts the Watchdog, each with C(url) and C(ca_file) (on the host; empty for the system's).
      type: list
      elements: dict
    databases:
      description: PostgreSQL server by component of this host that asks one, each with C(host), C(address) and C(port).
      type: dict
    database_clients:
      description: Addresses that the PostgreSQL of this host is asked from, by component.
      type: dict
    edge_sites:
      description: What the edge of this host serves, each with C(path), C(component), C(upstreams), C(public), C(tls) and C(auth).
      type: list
      elements: dict
    edge_auth:
      description: C(username) and C(password_file) (on the controller) that people need at the edge, or null.
      type: dict
    firewall:
      description: Ports that the host opens, each with C(port), C(proto), C(from) and C(component).
      type: list
      elements: dict
    expectations:
      description: What must be found running, C(targets) (C(job) and C(instance)), C(alertmanagers) and C(alertmanager_cluster_size).
      type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.promontory.stack.plugins.module_utils import topology
from ansible_collections.promontory.stack.plugins.plugin_utils import plain


def view(model: Any, host: str) -> dict[str, Any]:
    """Translate errors; the work is done in module_utils/topology/view.py."""
    try:
        return topology.view(model if isinstance(model, str) else plain.of(model), str(host))
    except ValueError as error:
        raise AnsibleFilterError(f"promontory.stack.view: {error}") from error


class FilterModule:
    """The collection's loader looks here."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters of this file."""
        return {"view": view}
