#!/usr/bin/python
"""Ask the running programs of a host whether the stack works."""

from __future__ import annotations

DOCUMENTATION = r"""
module: verify
short_description: Ask the running stack whether it works
version_added: "0.1.0"
author: Promontory contributors
description:
  - Asks the programs themselves, in one remote call for a host, and waits for what needs a moment, such as a first scrape.
  - Never fails because of a miss; M(promontory.stack.report) gathers the findings of all hosts and does.
  - Leaves nothing behind; the metric of the synthetic alert is taken back.
options:
  prometheus:
    description: >-
      C(url), C(http) (C(ca_file) and others), C(targets) (list of C(job) and C(instance)), C(own_jobs) (names of
      scrape jobs beyond the topology's), C(clusters) (names of Kubernetes clusters), C(alertmanagers) (number), C(rules)
      (whether rule files are configured) and C(rare_metrics) (metrics of rules that need not be there).
    type: dict
  alertmanager:
    description: C(url), C(http) and C(cluster_size).
    type: dict
  mail:
    description: >-
      Mail server that this host hands alerts to, C(host), C(port), C(sender), C(require_tls), C(implicit_tls), C(tls)
      (as tls_config in alertmanager.yml), C(username) and C(password_file). Nothing is sent.
    type: dict
  edge:
    description: C(url), C(sites) (list of C(path) and C(public)), C(username) and C(ca_file).
    type: dict
  edge_password:
    description: Password of the operator C(username).
    type: str
    default: ""
  grafana:
    description: >-
      C(url), C(http) (C(username), C(password_file) and others), C(expectations) (file on the host that was deployed with it)
      and C(range_s) (how far back panels are asked, seconds).
    type: dict
  synthetic:
    description: >-
      C(textfile_directory) of the host's node_exporter, C(prometheus) (URL), C(http), C(alertmanagers) (as in
      prometheus.yml) and C(mailbox) (its scrape job, or null).
    type: dict
  timeout_s:
    description: Seconds to wait for what is not well yet.
    type: int
    default: 120
attributes:
  check_mode:
    description: Without the synthetic alert.
    support: partial
"""

EXAMPLES = r"""
- name: Ask Alertmanager
  promontory.stack.verify:
    alertmanager:
      url: http://127.0.0.1:9093
      cluster_size: 1
    timeout_s: 30
  register: verify_result
"""

RETURN = r"""
checks:
  description: C(name), C(ok), C(detail), C(look) (command for a closer look) and C(on) (host to run it on, empty for this one).
  returned: always
  type: list
  elements: dict
  sample: [{name: targets, ok: true, detail: 9 of 9 up, look: "", "on": ""}]
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.promontory.stack.plugins.module_utils.proof import checks as proofs
from ansible_collections.promontory.stack.plugins.module_utils.proof import synthetic
from ansible_collections.promontory.stack.plugins.module_utils.proof.finding import Check, prove
from ansible_collections.promontory.stack.plugins.module_utils.proof.grafana import of_grafana
from ansible_collections.promontory.stack.plugins.module_utils.proof.mail_server import of_mail


def alert_of(asked: dict[str, Any]) -> synthetic.SyntheticAlert:
    """Build the synthetic alert from the module's argument."""
    token = synthetic.new_token()
    file = Path(str(asked["textfile_directory"])) / synthetic.FILE
    return synthetic.SyntheticAlert(file=file, token=token, way=synthetic.way_through(asked, token))


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "prometheus": {"type": "dict"},
            "alertmanager": {"type": "dict"},
            "mail": {"type": "dict"},
            "edge": {"type": "dict"},
            "edge_password": {"type": "str", "default": "", "no_log": True},
            "grafana": {"type": "dict"},
            "synthetic": {"type": "dict"},
            "timeout_s": {"type": "int", "default": 120},
        },
        supports_check_mode=True,
    )
    params = module.params
    checks: list[Check] = []
    if params["prometheus"]:
        checks += proofs.of_prometheus(params["prometheus"])
    if params["alertmanager"]:
        checks += proofs.of_alertmanager(params["alertmanager"])
    if params["mail"]:
        checks += of_mail(params["mail"])
    if params["edge"]:
        checks += proofs.of_edge(params["edge"], params["edge_password"])
    if params["grafana"]:
        checks += of_grafana(params["grafana"])
    alert = alert_of(params["synthetic"]) if params["synthetic"] and not module.check_mode else None
    if alert is not None:
        checks.append(alert)
    try:
        findings = prove(checks, timeout_s=params["timeout_s"])
    finally:
        if alert is not None:
            alert.take_back()
    module.exit_json(changed=False, checks=[finding.as_dict() for finding in findings])


if __name__ == "__main__":
    main()
