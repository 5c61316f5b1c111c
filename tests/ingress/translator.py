"""A translator of ours from Ingress objects to an nginx configuration.

No ingress controller is run here. This takes the little that the objects of sample_app/k8s say (host, TLS, Exact and Prefix
paths, backend, list of sources) to nginx as a careful controller would: unknown hosts and paths are 404, forwarded headers are
set anew and never believed, the path goes on as it came. What it does not know it refuses, so that nothing the objects say is
silently left out. Of the lists of sources, nginx' is taken; those for other controllers must say the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_ALLOW = "nginx.ingress.kubernetes.io/whitelist-source-range"
_FOR_OTHERS = ("haproxy.org/allow-list",)
_TO_BACKEND = (
    "proxy_http_version 1.1;",
    "proxy_set_header Connection '';",
    "proxy_set_header Host $host;",
    "proxy_set_header X-Forwarded-For $remote_addr;",
    "proxy_set_header X-Forwarded-Proto https;",
    "proxy_set_header X-Forwarded-Host $host;",
)


@dataclass(frozen=True)
class Place:
    """Where nginx lives.

    Attributes:
        folder: For its logs and temporary files.
        listen: Address and port, with TLS.
        certificate: PEM file.
        key: PEM file.
        user: Whom its worker runs as; None for whoever starts it.
    """

    folder: Path
    listen: str
    certificate: Path
    key: Path
    user: str | None = None


def configuration(
    ingresses: Sequence[Mapping[str, Any]], backends: Mapping[tuple[str, str], Sequence[str]], place: Place
) -> str:
    """Translate the objects.

    Args:
        ingresses: Objects of kind Ingress.
        backends: (Service, name of its port) -> addresses of its pods.
        place: Where nginx lives.
    Raises:
        ValueError: An object says something that is not translated.
    """
    http = [
        'log_format upstream escape=json \'{"host": "$host", "status": "$status", "upstream": "$upstream_addr"}\';',
        f"access_log {place.folder}/access.log upstream;",
        *(f"{kind}_temp_path {place.folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")),
        f"ssl_certificate {place.certificate};",
        f"ssl_certificate_key {place.key};",
        *(_upstream(f"{service}-{port}", addresses) for (service, port), addresses in backends.items()),
        _block("server", [f"listen {place.listen} ssl default_server;", "return 404;"]),
        *(_server(ingress, rule, place.listen) for ingress in ingresses for rule in ingress["spec"]["rules"]),
    ]
    main = [
        "daemon off;",
        *([f"user {place.user};"] if place.user else []),
        f"pid {place.folder}/nginx.pid;",
        f"error_log {place.folder}/error.log;",
        _block("events", ["worker_connections 256;"]),
        _block("http", http),
    ]
    return "\n".join(main) + "\n"


def _block(head: str, lines: Sequence[str]) -> str:
    return "\n".join([f"{head} {{", *lines, "}"])


def _upstream(name: str, addresses: Sequence[str]) -> str:
    # max_fails=0: a pod that is being replaced is asked again at once, as by a controller that follows the endpoints.
    return _block(f"upstream {name}", [f"server {address} max_fails=0;" for address in addresses])


def _server(ingress: Mapping[str, Any], rule: Mapping[str, Any], listen: str) -> str:
    spec = ingress["spec"]
    unknown = [*(set(spec) - {"ingressClassName", "tls", "rules"}), *(set(rule) - {"host", "http"})]
    if unknown:
        raise ValueError(f"{unknown[0]} is not translated")
    if not any(rule["host"] in entry["hosts"] for entry in spec.get("tls", [])):
        raise ValueError(f"{rule['host']} has no TLS")
    sources = _sources(ingress["metadata"].get("annotations", {}))
    paths = {match: _backend(path) for path in rule["http"]["paths"] for match in _matches(path)}
    locations = [
        _block(f"location {match}", [*sources, *_TO_BACKEND, f"proxy_pass http://{backend};"])
        for match, backend in paths.items()
    ]
    rest = [] if "/" in paths else [_block("location /", ["return 404;"])]
    return _block("server", [f"listen {listen} ssl;", f"server_name {rule['host']};", *locations, *rest])


def _sources(annotations: Mapping[str, str]) -> list[str]:
    unknown = sorted(set(annotations) - {_ALLOW, *_FOR_OTHERS})
    if unknown:
        raise ValueError(f"{unknown[0]} is not translated")
    allowed = annotations.get(_ALLOW)
    different = [other for other in _FOR_OTHERS if annotations.get(other) != allowed]
    if different:
        raise ValueError(f"{different[0]} is {annotations.get(different[0])!r}, and {_ALLOW} is {allowed!r}")
    return [*(f"allow {source.strip()};" for source in allowed.split(",")), "deny all;"] if allowed else []


def _matches(path: Mapping[str, Any]) -> list[str]:
    """Return nginx' matches of a path; Prefix goes by whole elements: /a is no prefix of /ab."""
    kind, text = path["pathType"], path["path"]
    if kind == "Exact":
        return [f"= {text}"]
    if kind != "Prefix":
        raise ValueError(f"pathType {kind} is not translated")
    return ["/"] if text == "/" else [f"= {text.rstrip('/')}", f"{text.rstrip('/')}/"]


def _backend(path: Mapping[str, Any]) -> str:
    service = path["backend"]["service"]
    return f"{service['name']}-{service['port']['name']}"
