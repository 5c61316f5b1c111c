"""Renders links as parts of prometheus.yml: scrape jobs, probe jobs and Alertmanagers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from .endpoints import Host, Link, Stack

PROBE_JOB = "blackbox"
PROBE_MODULE = "http_2xx"
# Which module a probe wants; a label __param_module of its own would lose to the job's parameter in Prometheus 2.
MODULE_LABEL = "__tmp_module"
# How a mail server is greeted, by what it speaks.
_MAIL_MODULES = {"smtp": "smtp", "smtp+starttls": "smtp_starttls", "smtps": "smtp_tls"}
# A page behind the operators' password is opened with it.
_OPERATORS_MODULE = "http_2xx_operator"


def scrape_configs(stack: Stack, host: Host, links: Iterable[Link]) -> list[dict[str, Any]]:
    """Return the scrape jobs of a Prometheus host.

    A job has the name of its component. Targets that differ in scheme, TLS names or credentials cannot share a job in
    prometheus.yml; they get ``<component>:2`` and so on there, while their label ``job`` stays the component's name.
    """
    links = list(links)
    mine = [link for link in links if link.client == host.name and link.purpose == "scrape"]
    jobs: list[dict[str, Any]] = []
    for component in stack.components.values():
        alike: dict[tuple[Any, ...], list[Link]] = {}
        for link in mine:
            if link.endpoint.component == component.name:
                alike.setdefault((link.endpoint.scheme, link.tls, link.endpoint.auth), []).append(link)
        for number, group in enumerate(alike.values(), start=1):
            job: dict[str, Any] = {
                "job_name": component.name if number == 1 else f"{component.name}:{number}",
                **_http(group[0]),
                "metrics_path": component.metrics_path,
            }
            if component.honor_labels:
                job["honor_labels"] = True
            extra = {} if number == 1 else {"job": component.name}
            job["static_configs"] = [
                {
                    "targets": [link.target],
                    "labels": {"instance": link.endpoint.host, **_environment(stack, link.endpoint.host), **extra},
                }
                for link in group
            ]
            jobs.append(job)
    return jobs + _probe_jobs(stack, mine, [link for link in links if link.purpose == "probe"])


def _probe_jobs(stack: Stack, scrapes: list[Link], probes: list[Link]) -> list[dict[str, Any]]:
    """One job for each blackbox exporter, all with the label ``job: blackbox``; ``prober`` names where it was seen from."""
    jobs: list[dict[str, Any]] = []
    for scrape in scrapes:
        prober = scrape.endpoint.host
        mine = [link for link in probes if link.client == prober]
        own = stack.hosts[prober].settings["blackbox_exporter_probes"]
        if scrape.endpoint.component != "blackbox_exporter" or not (mine or own):
            continue
        probes_of_host = [
            *((link.subject, probe_url(link), _module(stack, link), link.endpoint.host) for link in mine),
            *((probe["name"], probe["target"], probe.get("module", PROBE_MODULE), prober) for probe in own),
        ]
        jobs.append(
            {
                "job_name": PROBE_JOB if not jobs else f"{PROBE_JOB}:{len(jobs) + 1}",
                **_http(scrape),
                "metrics_path": "/probe",
                "params": {"module": [PROBE_MODULE]},
                "static_configs": [
                    {
                        "targets": [target],
                        "labels": {
                            "job": PROBE_JOB,
                            "probe": name,
                            "prober": prober,
                            **_environment(stack, host),
                            **({} if module == PROBE_MODULE else {MODULE_LABEL: module}),
                        },
                    }
                    for name, target, module, host in probes_of_host
                ],
                "relabel_configs": [
                    {"source_labels": [MODULE_LABEL], "regex": "(.+)", "target_label": "__param_module"},
                    {"source_labels": ["__address__"], "target_label": "__param_target"},
                    {"source_labels": ["__param_target"], "target_label": "instance"},
                    {"target_label": "__address__", "replacement": scrape.target},
                ],
            }
        )
    return jobs


def probe_url(link: Link) -> str:
    """Return what a probe asks for; it is the ``instance`` of its series."""
    return link.endpoint.url(link.address, link.path) if _is_http(link) else link.target


def _is_http(link: Link) -> bool:
    return link.endpoint.scheme in ("http", "https")


def _module(stack: Stack, link: Link) -> str:
    if not _is_http(link):
        return _MAIL_MODULES[link.endpoint.scheme]
    subject = stack.components[link.subject]
    return PROBE_MODULE if subject.edge_public or not subject.edge_path else _OPERATORS_MODULE


def alertmanagers(host: Host, links: Iterable[Link]) -> list[dict[str, Any]]:
    """Return ``alerting.alertmanagers`` of a Prometheus host: those of the inventory, then the outside ones."""
    alike: dict[tuple[Any, ...], list[Link]] = {}
    for link in links:
        if link.purpose == "alert" and link.client == host.name:
            alike.setdefault((link.endpoint.scheme, link.tls, link.endpoint.auth), []).append(link)
    inside = [
        {**_http(group[0]), "api_version": "v2", "static_configs": [{"targets": [link.target for link in group]}]}
        for group in alike.values()
    ]
    return inside + [_outside_alertmanager(url) for url in host.settings["prometheus_alertmanagers"]]


def _outside_alertmanager(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    entry: dict[str, Any] = {"scheme": parts.scheme, "api_version": "v2"}
    if parts.path.strip("/"):
        entry["path_prefix"] = parts.path
    entry["static_configs"] = [{"targets": [parts.netloc if parts.port else f"{parts.netloc}:{_port(parts.scheme)}"]}]
    return entry


def _port(scheme: str) -> int:
    return 443 if scheme == "https" else 80


def _environment(stack: Stack, host: str) -> dict[str, str]:
    return {"environment": stack.hosts[host].settings["stack_environment"]}


def _http(link: Link) -> dict[str, Any]:
    """Return the HTTP client settings of a link."""
    settings: dict[str, Any] = {"scheme": link.endpoint.scheme}
    tls = link.tls
    if tls is not None:
        names = {"server_name": tls.server_name, "ca_file": tls.ca_file}
        config = {key: value for key, value in names.items() if value}
        if config:
            settings["tls_config"] = config
    if link.endpoint.auth is not None:
        settings["basic_auth"] = {
            "username": link.endpoint.auth.username,
            "password_file": link.endpoint.auth.password_file,
        }
    return settings
