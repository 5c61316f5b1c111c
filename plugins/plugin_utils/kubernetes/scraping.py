"""Clusters as scrape jobs of prometheus.yml, with their credentials as files.

Both ways give the pods' samples the same labels: ``job`` (what the rules look for), ``instance`` and ``pod`` (the pod's name),
``cluster`` and ``environment``. No label of that name that a pod sends itself comes through.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .cluster import INGRESS, Cluster, read
from .errors import ClusterError

HUB_JOB = "metrics_hub"
_DEFAULT_JOB = "sample_app"
_DEFAULT_NAMESPACES = ["fintech"]
_DEFAULT_PORT_NAME = "http-metrics"
_DEFAULT_SELECTOR = "app.kubernetes.io/name=fintech"


@dataclass(frozen=True)
class Scraping:
    """What the clusters add to Prometheus.

    Attributes:
        jobs: Entries of ``scrape_configs``.
        files: ``{path in the configuration tree: {content: text}}`` of certificates, which are no secrets.
        secrets: ``{file name below secrets/: text}``.
        targets: ``job`` and ``instance`` of each target that is not discovered.
        clusters: Names of all clusters.
        components: What runs in them, by the names that rule files go by (``rules/files.yml``).
    """

    jobs: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, dict[str, str]] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    targets: list[dict[str, str]] = field(default_factory=list)
    clusters: list[str] = field(default_factory=list)
    components: list[str] = field(default_factory=list)


def render(entries: Sequence[Mapping[str, Any]], *, environment: str, scrape_interval: str) -> Scraping:
    """Turn the variable into scrape jobs, files and secrets.

    Args:
        entries: ``prometheus_kubernetes_clusters``.
        environment: ``stack_environment``, a label of every sample.
        scrape_interval: Prometheus' own, in its notation.
    Raises:
        ClusterError: An entry makes no sense, or a name is there twice.
    """
    made = Scraping()
    for position, entry in enumerate(entries):
        where = f"prometheus_kubernetes_clusters[{position}] ({entry.get('name') or 'without name'})"
        cluster = read(entry, where, scrape_interval)
        if cluster.name in made.clusters:
            raise ClusterError(f"{where}: the name is taken by another entry; each cluster has its own.")
        made.clusters.append(cluster.name)
        client = _client(cluster, made)
        via_ingress = cluster.via == INGRESS
        made.jobs.append(
            _through_ingress(cluster, client, environment) if via_ingress else _through_api(cluster, client, environment)
        )
        if via_ingress:
            made.targets.append({"job": HUB_JOB, "instance": cluster.name})
        running = {*made.components, _job(cluster), *([HUB_JOB] if via_ingress else [])}
        made.components[:] = sorted(running)
    return made


def _client(cluster: Cluster, made: Scraping) -> dict[str, Any]:
    """Return the HTTP client settings; what they need as files goes into ``made``."""
    told = cluster.settings

    def file(key: str, ending: str, *, secret: bool) -> str | None:
        if not told.get(key):
            return told.get(f"{key}_file")
        text = f"{str(told[key]).strip()}\n"  # the same file whether the variable is a block or one line
        if secret:
            name = f"kubernetes_{cluster.name}_{ending}"
            made.secrets[name] = text
            return f"{{config}}/secrets/{name}"
        path = f"kubernetes/{cluster.name}_{ending}"
        made.files[path] = {"content": text}
        return f"{{config}}/{path}"

    token = file("token", "token", secret=True)
    tls = {
        "ca_file": file("ca", "ca.pem", secret=False),
        "cert_file": file("client_cert", "client.pem", secret=False),
        "key_file": file("client_key", "client_key.pem", secret=True),
        "server_name": told.get("server_name"),
    }
    tls = {key: value for key, value in tls.items() if value}
    return {
        **({"authorization": {"credentials_file": token}} if token else {}),
        **({"tls_config": tls} if tls else {}),
        # A redirect would carry the token to wherever it points.
        "follow_redirects": False,
    }


def _scrape(cluster: Cluster) -> dict[str, Any]:
    keys = ("scrape_interval", "scrape_timeout", "sample_limit", "label_limit", "body_size_limit")
    chosen = {key: cluster.settings[key] for key in keys if key in cluster.settings}
    return {"job_name": f"kubernetes/{cluster.name}", "scheme": cluster.address.scheme, **chosen}


def _fixed(label: str, value: str) -> dict[str, Any]:
    # A dollar sign would stand for a group of the expression.
    return {"target_label": label, "replacement": value.replace("$", "$$")}


def _through_ingress(cluster: Cluster, client: Mapping[str, Any], environment: str) -> dict[str, Any]:
    """Return the job that asks the hub: its own samples are those of ``metrics_hub``, all others those of the pods."""
    labels = {"job": HUB_JOB, "instance": cluster.name, "cluster": cluster.name, "environment": environment}
    return {
        **_scrape(cluster),
        "metrics_path": cluster.address.path or "/metrics",
        **client,
        # The hub has put pod and instance on every sample of a pod; the target's own must not win.
        "honor_labels": True,
        "honor_timestamps": False,
        "static_configs": [{"targets": [_host_and_port(cluster)], "labels": labels}],
        "metric_relabel_configs": [
            {"source_labels": ["pod"], "regex": ".+", **_fixed("job", _job(cluster))},
            {"source_labels": ["__name__"], "regex": f"{HUB_JOB}_.*", **_fixed("job", HUB_JOB)},
            _fixed("cluster", cluster.name),
            _fixed("environment", environment),
        ],
    }


def _through_api(cluster: Cluster, client: Mapping[str, Any], environment: str) -> dict[str, Any]:
    """Return the job that finds pods in the Kubernetes API and asks each through the API server's proxy."""
    told = cluster.settings
    selector = told.get("pod_selector", _DEFAULT_SELECTOR)
    prefix = cluster.address.path.rstrip("/")
    return {
        **_scrape(cluster),
        **client,
        "honor_timestamps": False,
        "kubernetes_sd_configs": [
            {
                "role": "pod",
                "api_server": cluster.address.geturl(),
                **client,
                "namespaces": {"names": list(told.get("namespaces", _DEFAULT_NAMESPACES))},
                "selectors": [{"role": "pod", "label": selector}],
            }
        ],
        "relabel_configs": [
            {
                "source_labels": ["__meta_kubernetes_pod_container_port_name"],
                "regex": told.get("port_name", _DEFAULT_PORT_NAME),
                "action": "keep",
            },
            {"source_labels": ["__meta_kubernetes_pod_phase"], "regex": "Succeeded|Failed", "action": "drop"},
            {
                "source_labels": [
                    "__meta_kubernetes_namespace",
                    "__meta_kubernetes_pod_name",
                    "__meta_kubernetes_pod_container_port_number",
                ],
                "regex": "(.+);(.+);(.+)",
                "target_label": "__metrics_path__",
                "replacement": f"{prefix}/api/v1/namespaces/$1/pods/$2:$3/proxy/metrics",
            },
            _fixed("__address__", _host_and_port(cluster)),
            {"source_labels": ["__meta_kubernetes_pod_name"], "target_label": "pod"},
            {"source_labels": ["__meta_kubernetes_pod_name"], "target_label": "instance"},
            _fixed("job", _job(cluster)),
            _fixed("cluster", cluster.name),
            _fixed("environment", environment),
        ],
        # What a pod says of these itself was set aside under other names.
        "metric_relabel_configs": [
            {"regex": "exported_(pod|instance|job|cluster|environment)", "action": "labeldrop"}
        ],
    }


def _job(cluster: Cluster) -> str:
    return str(cluster.settings.get("job", _DEFAULT_JOB))


def _host_and_port(cluster: Cluster) -> str:
    address = cluster.address
    host = f"[{address.hostname}]" if ":" in str(address.hostname) else address.hostname
    return f"{host}:{address.port or (443 if address.scheme == 'https' else 80)}"
