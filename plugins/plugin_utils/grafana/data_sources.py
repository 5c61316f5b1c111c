"""Data sources: those of the topology and the user's, as one provisioning file; their passwords as files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .errors import GrafanaError

_UID = re.compile(r"[A-Za-z0-9_-]{1,40}")
_KEYS = {"uid", "name", "type", "url", "default", "basic_auth", "json_data", "secure_json_data", "database", "user"}
_NAMES = {"prometheus": "Prometheus", "alertmanager": "Alertmanager"}


@dataclass(frozen=True)
class DataSources:
    """The provisioning file and the secrets it names.

    Attributes:
        file: Content of ``provisioning/datasources/promontory.yml``.
        secrets: ``{file name below secrets/: content}``.
        uids: ``{uid: type}`` of every data source.
    """

    file: dict[str, Any]
    secrets: dict[str, str] = field(default_factory=dict)
    uids: dict[str, str] = field(default_factory=dict)


def build(
    links: Sequence[Mapping[str, Any]], own: Sequence[Mapping[str, Any]], settings: Mapping[str, Any]
) -> DataSources:
    """Build the provisioning file.

    Args:
        links: ``datasources`` of the topology's view: ``component``, ``host``, ``url``, ``tls`` and ``auth``.
        own: ``grafana_data_sources``; an entry with the uid of a derived one is merged over it.
        settings: ``scrape_interval`` (Prometheus' notation), ``exemplar_destinations`` (list as in ``jsonData``) and
            ``prune`` (remove what is no longer named).
    Raises:
        GrafanaError: An entry is incomplete, or a uid or name is there twice.
    """
    derived = [_derived(link, number, links, settings) for number, link in enumerate(links)]
    entries = {entry["uid"]: entry for entry in derived}
    secrets: dict[str, str] = {}
    for position, told in enumerate(own):
        entry = _told(position, told, entries, secrets)
        entries[entry["uid"]] = entry
    _refuse_twins(own, list(entries.values()))
    marked = [entry for entry in entries.values() if entry.get("isDefault")]
    if len(marked) > 1:  # the user's choice replaces the derived one
        for entry in marked[:-1]:
            entry["isDefault"] = False
    file = {"apiVersion": 1, "prune": bool(settings.get("prune", True)), "datasources": list(entries.values())}
    return DataSources(file, secrets, {str(entry["uid"]): str(entry["type"]) for entry in entries.values()})


def _derived(
    link: Mapping[str, Any], number: int, links: Sequence[Mapping[str, Any]], settings: Mapping[str, Any]
) -> dict[str, Any]:
    kind = str(link["component"])
    first = next(index for index, other in enumerate(links) if other["component"] == kind) == number
    entry: dict[str, Any] = {
        "name": _NAMES[kind] if first else f"{_NAMES[kind]} {link['host']}",
        "uid": kind if first else _uid_of(kind, str(link["host"])),
        "type": kind,
        "access": "proxy",
        "orgId": 1,
        "url": literal(str(link["url"])),
        "isDefault": kind == "prometheus" and first,
        "editable": False,
    }
    data: dict[str, Any] = {}
    secure: dict[str, str] = {}
    if kind == "prometheus":
        data = {
            "httpMethod": "POST",
            "timeInterval": str(settings["scrape_interval"]),
            "prometheusType": "Prometheus",
            "manageAlerts": True,
            "exemplarTraceIdDestinations": [
                {key: literal(value) if isinstance(value, str) else value for key, value in destination.items()}
                for destination in settings.get("exemplar_destinations") or []
            ],
        }
        if any(other["component"] == "alertmanager" for other in links):
            data["alertmanagerUid"] = "alertmanager"
    else:
        data = {"implementation": "prometheus", "handleGrafanaManagedAlerts": False}
    tls, auth = link.get("tls"), link.get("auth")
    if tls:
        if tls.get("server_name"):
            data["serverName"] = literal(str(tls["server_name"]))
        if tls.get("ca_file"):
            data["tlsAuthWithCACert"] = True
            secure["tlsCACert"] = f"$__file{{{tls['ca_file']}}}"
    if auth:
        entry |= {"basicAuth": True, "basicAuthUser": literal(str(auth["username"]))}
        secure["basicAuthPassword"] = f"$__file{{{auth['password_file']}}}"
    return entry | {"jsonData": data} | ({"secureJsonData": secure} if secure else {})


def _uid_of(kind: str, host: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "-", f"{kind}-{host}")[:40]


def _told(
    position: int, told: Mapping[str, Any], entries: Mapping[str, Mapping[str, Any]], secrets: dict[str, str]
) -> dict[str, Any]:
    where = f"grafana_data_sources[{position}]"
    unknown = sorted(set(told) - _KEYS)
    if unknown:
        raise GrafanaError(f"{where}.{unknown[0]} is unknown. Known: {', '.join(sorted(_KEYS))}.")
    uid = str(told.get("uid") or "")
    if not _UID.fullmatch(uid):
        raise GrafanaError(
            f"{where}.uid is {uid!r}, but must be 1 to 40 letters, digits, - or _: dashboards name the data source by it."
        )
    base: dict[str, Any] = dict(entries.get(uid) or {"access": "proxy", "orgId": 1, "editable": False})
    for key in ("name", "type"):
        if not told.get(key) and not base.get(key):
            raise GrafanaError(f"{where} ({uid}) has no {key}.")
    base |= {
        "uid": uid,
        **{key: literal(str(told[key])) for key in ("name", "type", "url", "database", "user") if told.get(key)},
    }
    if told.get("default") is not None:
        base["isDefault"] = bool(told["default"])
    secure = {str(key): str(value) for key, value in (told.get("secure_json_data") or {}).items()}
    signing = told.get("basic_auth") or {}
    if signing:
        if set(signing) != {"username", "password"}:
            raise GrafanaError(f"{where} ({uid}): basic_auth needs username and password, and nothing else.")
        base |= {"basicAuth": True, "basicAuthUser": literal(str(signing["username"]))}
        secure["basicAuthPassword"] = str(signing["password"])
    named = dict(base.get("secureJsonData") or {})
    for key, value in secure.items():
        if not re.fullmatch(r"[A-Za-z0-9_.-]+", key):
            raise GrafanaError(
                f"{where} ({uid}): secure_json_data has the key {key!r}; write letters, digits, ., - or _."
            )
        name = f"data_source_{uid}_{key}"
        secrets[name] = value
        named[key] = f"$__file{{{{config}}/secrets/{name}}}"
    data = {**(base.get("jsonData") or {}), **_literals(told.get("json_data") or {})}
    return base | {"jsonData": data} | ({"secureJsonData": named} if named else {})


def _refuse_twins(own: Sequence[Mapping[str, Any]], entries: Sequence[Mapping[str, Any]]) -> None:
    uids = [str(told.get("uid")) for told in own]
    twice = sorted({uid for uid in uids if uids.count(uid) > 1})
    if twice:
        raise GrafanaError(f"grafana_data_sources names the uid {twice[0]} twice; keep one.")
    names = [str(entry["name"]) for entry in entries]
    same = sorted({name for name in names if names.count(name) > 1})
    if same:
        raise GrafanaError(
            f"grafana_data_sources: two data sources have the name {same[0]!r}; Grafana wants each once."
        )


def _literals(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _literals(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_literals(item) for item in value]
    return literal(value) if isinstance(value, str) else value


def literal(text: str) -> str:
    """Write a text so that Grafana takes it as it is: in provisioning files a dollar sign begins a variable."""
    return text.replace("$", "$$")
