"""Filter ``promontory.stack.kubernetes_clusters``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kubernetes_clusters
short_description: Turn clusters into scrape jobs, with their credentials as files
version_added: "0.2.0"
author: [Promontory contributors]
description:
  - Gives the scrape jobs of pods in Kubernetes, reached through an ingress or through the API server.
  - Tokens and keys become secrets and certificates files that the jobs name, so that diffs can be shown.
options:
  _input:
    description: The variable C(prometheus_kubernetes_clusters).
    type: list
    elements: dict
    required: true
  environment:
    description: C(stack_environment), a label of every sample.
    type: str
    required: true
  scrape_interval:
    description: Prometheus' own interval, in its notation.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show the scrape jobs
  ansible.builtin.debug:
    msg: "{{ (clusters | promontory.stack.kubernetes_clusters(environment='production', scrape_interval='15s')).jobs }}"
  vars:
    clusters: [{name: shop, scrape_via: ingress, url: "https://metrics.example.net/metrics", token_file: /etc/shop/token}]
"""

RETURN = r"""
_value:
  description: >-
    C(jobs) for C(scrape_configs), C(files) and C(secrets) by name, C(targets) (C(job) and C(instance) of those that are not
    discovered), C(clusters) (their names) and C(components) (what runs in them, by the names that rule files go by).
  type: dict
  sample: {"jobs": [], "files": {}, "secrets": {}, "targets": [], "clusters": [], "components": []}
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.promontory.stack.plugins.plugin_utils.kubernetes.errors import ClusterError
from ansible_collections.promontory.stack.plugins.plugin_utils.kubernetes.scraping import render
from ansible_collections.promontory.stack.plugins.plugin_utils.rendering import plain


def kubernetes_clusters(
    entries: Sequence[Mapping[str, Any]], environment: str, scrape_interval: str
) -> dict[str, Any]:
    """Translate between Ansible and :func:`render`."""
    try:
        made = render(plain(entries), environment=str(environment), scrape_interval=str(scrape_interval))
    except ClusterError as error:
        raise AnsibleFilterError(str(error)) from error
    return asdict(made)


class FilterModule:
    """Makes the filter known to Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {"kubernetes_clusters": kubernetes_clusters}
