"""Filter ``promontory.stack.grafana_data_sources``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: grafana_data_sources
short_description: Turn links of the topology and data of the user into Grafana's data sources
version_added: "0.2.0"
author: [Promontory contributors]
description:
  - Gives the provisioning file of the data sources, their passwords as files that it names, and their uids.
  - The first Prometheus and Alertmanager have the uids V(prometheus) and V(alertmanager); further ones end with their host's name.
options:
  _input:
    description: C(datasources) of the topology's view.
    type: list
    elements: dict
    required: true
  own:
    description: The variable C(grafana_data_sources).
    type: list
    elements: dict
    default: []
  scrape_interval:
    description: How often Prometheus scrapes, in its notation.
    type: str
    default: 15s
  exemplar_destinations:
    description: Where a trace of an exemplar can be looked at, as in Grafana's C(exemplarTraceIdDestinations).
    type: list
    elements: dict
    default: []
  prune:
    description: Whether Grafana removes data sources that are no longer named.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Show the data sources
  ansible.builtin.debug:
    msg: "{{ (stack_topology.datasources | promontory.stack.grafana_data_sources(own=grafana_data_sources)).file }}"
"""

RETURN = r"""
_value:
  description: C(file) is the provisioning file, C(secrets) maps file names to contents, C(uids) maps uids to types.
  type: dict
  sample: {"file": {"apiVersion": 1, "datasources": [], "prune": true}, "secrets": {}, "uids": {}}
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.promontory.stack.plugins.plugin_utils.grafana import data_sources
from ansible_collections.promontory.stack.plugins.plugin_utils.grafana.errors import GrafanaError
from ansible_collections.promontory.stack.plugins.plugin_utils.rendering import plain


def grafana_data_sources(
    links: Sequence[Mapping[str, Any]],
    own: Sequence[Mapping[str, Any]] = (),
    scrape_interval: str = "15s",
    exemplar_destinations: Sequence[Mapping[str, Any]] = (),
    prune: bool = True,
) -> dict[str, Any]:
    """Translate between Ansible and :mod:`data_sources`."""
    settings = {"scrape_interval": scrape_interval, "exemplar_destinations": exemplar_destinations, "prune": prune}
    try:
        made = data_sources.build(plain(links), plain(own), plain(settings))
    except GrafanaError as error:
        raise AnsibleFilterError(str(error)) from error
    return {"file": made.file, "secrets": made.secrets, "uids": made.uids}


class FilterModule:
    """Makes the filter known to Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {"grafana_data_sources": grafana_data_sources}
