"""One entry of ``prometheus_kubernetes_clusters``: read, judged, and with its defaults."""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

from ansible_collections.promontory.stack.plugins.plugin_utils.rules.units import seconds_of

from .errors import ClusterError

INGRESS, APISERVER = "ingress", "apiserver"
_ADDRESS = {INGRESS: "url", APISERVER: "api_server"}
_FOR_BOTH = {
    "name", "scrape_via", "token", "token_file", "ca", "ca_file", "client_cert", "client_cert_file", "client_key",
    "client_key_file", "server_name", "job", "scrape_interval", "scrape_timeout", "sample_limit", "label_limit",
    "body_size_limit",
}  # fmt: skip
_KEYS = {
    INGRESS: _FOR_BOTH | {"url"},
    APISERVER: _FOR_BOTH | {"api_server", "namespaces", "pod_selector", "port_name"},
}
_EITHER = ("token", "ca", "client_cert", "client_key")
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_SIZE = re.compile(r"[1-9][0-9]*(B|KB|KiB|MB|MiB|GB|GiB)")
_KEY = re.compile(r"-----BEGIN (?:EC |RSA )?PRIVATE KEY-----.+-----END (?:EC |RSA )?PRIVATE KEY-----", re.DOTALL)
# Of the whole answer of a hub (its own limit of 16 MiB, labels added), and of one pod's.
_LIMITS = {
    INGRESS: {"sample_limit": 200_000, "label_limit": 40, "body_size_limit": "32MB"},
    APISERVER: {"sample_limit": 20_000, "label_limit": 40, "body_size_limit": "4MB"},
}


@dataclass(frozen=True)
class Cluster:
    """A cluster that makes sense.

    Attributes:
        via: :data:`INGRESS` or :data:`APISERVER`.
        address: Of the metrics host or of the API server.
        settings: The entry, with limits and without what was empty.
    """

    name: str
    via: str
    address: SplitResult
    settings: Mapping[str, Any]


def read(entry: Mapping[str, Any], where: str, scrape_interval: str) -> Cluster:
    """Judge an entry.

    Args:
        entry: As in the variable; keys that are null or empty count as left out.
        where: The entry, for messages.
        scrape_interval: Prometheus' own, for entries without one.
    Raises:
        ClusterError: It makes no sense.
    """
    told = {key: value for key, value in entry.items() if value not in (None, "", [])}
    via = told.get("scrape_via")
    if via not in _KEYS:
        raise ClusterError(f"{where}: scrape_via is {via!r}, but must be {INGRESS} or {APISERVER}.")
    unknown = sorted(told.keys() - _KEYS[via])
    if unknown:
        raise ClusterError(f"{where}: {unknown[0]} means nothing with scrape_via {via}; known are {_listed(_KEYS[via])}.")
    name = str(told.get("name", ""))
    if not _NAME.fullmatch(name):
        raise ClusterError(
            f"{where}: name is {name!r}, but must be up to 63 small letters, digits and hyphens; it becomes the label cluster."
        )
    _judge_credentials(told, where)
    address = _address(told, _ADDRESS[via], where)
    _judge_times(told, where, scrape_interval)
    _judge_limits(told, where)
    if via == APISERVER and not (told.get("token") or told.get("token_file") or told.get("client_cert")):
        raise ClusterError(f"{where}: the API server lets nobody in without token, token_file or client_cert; set one.")
    return Cluster(name, via, address, _LIMITS[via] | told)


def _address(told: Mapping[str, Any], key: str, where: str) -> SplitResult:
    text = str(told.get(key, ""))
    try:
        address = urlsplit(text)
        usable = address.scheme in ("http", "https") and bool(address.hostname) and address.port != 0
    except ValueError:  # a port that is none, or brackets around what is no address
        usable = False
    if not usable:
        raise ClusterError(f"{where}: {key} is {text!r}, but must begin with https:// and name a host.")
    if address.username is not None or address.query or address.fragment:
        raise ClusterError(f"{where}: {key} must hold no name, password, query or fragment; a token goes into token.")
    secrets = [name for name in ("token", "token_file", "client_key", "client_key_file", "ca", "ca_file") if told.get(name)]
    if address.scheme == "http" and secrets:
        raise ClusterError(f"{where}: {key} is {text!r}, and {secrets[0]} needs https://; nothing is sent in the clear.")
    return address


def _judge_credentials(told: Mapping[str, Any], where: str) -> None:
    for key in _EITHER:
        path = told.get(f"{key}_file")
        if path and told.get(key):
            raise ClusterError(f"{where}: {key} and {key}_file exclude each other; keep one.")
        if path and not str(path).startswith("/"):
            raise ClusterError(f"{where}: {key}_file is {path!r}, but must be an absolute path on the Prometheus host.")
    has = {key: bool(told.get(key) or told.get(f"{key}_file")) for key in _EITHER}
    if has["client_cert"] != has["client_key"]:
        missing = "client_key" if has["client_cert"] else "client_cert"
        raise ClusterError(f"{where}: {missing} is missing, but its other half is there; set both or neither.")
    token = str(told.get("token", ""))
    if token and not (token.isascii() and token.isprintable() and " " not in token):
        raise ClusterError(f"{where}: token holds a blank, a line end or another character that no token has.")
    for key in ("ca", "client_cert"):
        if told.get(key):
            _judge_certificates(str(told[key]), f"{where}: {key}")
    if told.get("client_key") and not _KEY.search(str(told["client_key"])):
        raise ClusterError(f"{where}: client_key is no unencrypted PEM key (-----BEGIN PRIVATE KEY-----).")


def _judge_certificates(pem: str, where: str) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=pem)
    except (ssl.SSLError, ValueError) as error:
        raise ClusterError(
            f"{where} is no PEM certificate (-----BEGIN CERTIFICATE-----); give its text, as with lookup('file', ...)."
        ) from error


def _judge_times(told: Mapping[str, Any], where: str, scrape_interval: str) -> None:
    for key in ("scrape_interval", "scrape_timeout"):
        if key in told and not seconds_of(str(told[key])):
            raise ClusterError(f"{where}: {key} is {told[key]!r}, but must be a time such as 15s or 1m.")
    interval, timeout = told.get("scrape_interval", scrape_interval), told.get("scrape_timeout")
    if timeout and (seconds_of(str(timeout)) or 0) > (seconds_of(str(interval)) or 0):
        raise ClusterError(
            f"{where}: scrape_timeout is {timeout}, longer than the scrape_interval of {interval}; make one of them fit."
        )


def _judge_limits(told: Mapping[str, Any], where: str) -> None:
    for key in ("sample_limit", "label_limit"):
        if key in told and (isinstance(told[key], bool) or not str(told[key]).isdigit() or int(told[key]) < 1):
            raise ClusterError(f"{where}: {key} is {told[key]!r}, but must be a whole number from 1 on.")
    if "body_size_limit" in told and not _SIZE.fullmatch(str(told["body_size_limit"])):
        raise ClusterError(f"{where}: body_size_limit is {told['body_size_limit']!r}, but must be a size such as 32MB.")


def _listed(keys: set[str]) -> str:
    return ", ".join(sorted(keys))
