"""The checks of Grafana: its database, its data sources, its dashboards, and that their panels have something to show."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.promontory.stack.plugins.module_utils.grafana.api import Api, Missing, Refused, quoted
from ansible_collections.promontory.stack.plugins.module_utils.proof.checks import Asked
from ansible_collections.promontory.stack.plugins.module_utils.proof.finding import Finding
from ansible_collections.promontory.stack.plugins.module_utils.readback import Readback

_LOOK = "journalctl -u grafana -n 50 --no-pager"
_SHOWN = 3
# Data sources without a backend of their own cannot check themselves; Grafana passes a question on to them.
_PROXIED = {"alertmanager": "api/v2/status"}
# Grafana counts these up by itself; see plugin_utils/grafana/dashboards.py, which makes the digest of the file.
_VOLATILE = ("id", "version", "iteration")


def of_grafana(asked: Mapping[str, Any]) -> list[Asked]:
    """Return the checks of one Grafana.

    Args:
        asked: ``url``, ``http`` (``ca_file``, ``server_name``, ``username``, ``password_file``), ``expectations`` (the file
            that was deployed with it on this host) and ``range_s`` (how far back panels are asked, seconds).
    """
    api = Api(str(asked["url"]), Readback(**{key: str(value or "") for key, value in asked["http"].items()}))
    expectations = Path(str(asked["expectations"]))

    def expected() -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads(expectations.read_text(encoding="utf-8"))
        except ValueError as error:
            raise OSError(f"{expectations} is no JSON ({error})") from error
        return found

    def asking(question: Any) -> Any:
        def ask() -> Finding:
            try:
                finding: Finding = question(api, expected())
            except Refused as refusal:
                raise OSError(str(refusal)) from refusal
            return finding

        return ask

    range_s = int(asked.get("range_s") or 3600)
    return [
        Asked("grafana", _LOOK, asking(_health)),
        Asked("data sources", _LOOK, asking(_data_sources)),
        Asked("dashboards", _LOOK, asking(_dashboards)),
        Asked("panels", _LOOK, asking(Panels(range_s).find)),
    ]


def _health(api: Api, told: Mapping[str, Any]) -> Finding:
    health = api.get("health")
    if health.get("database") != "ok":
        return Finding("grafana", ok=False, detail=f"its database is {health.get('database')!r}", look=_LOOK)
    wanted = told.get("version")
    if wanted and health.get("version") != wanted:
        return Finding(
            "grafana", ok=False, detail=f"version {health.get('version')} answers, expected {wanted}", look=_LOOK
        )
    return Finding("grafana", ok=True, detail=f"{health.get('version')}, database ok")


def _data_sources(api: Api, told: Mapping[str, Any]) -> Finding:
    misses = []
    for uid, kind in told["data_sources"].items():
        try:
            if kind in _PROXIED:
                api.get(f"datasources/proxy/uid/{quoted(uid)}/{_PROXIED[kind]}")
                continue
            said = api.get(f"datasources/uid/{quoted(uid)}/health")
            if str(said.get("status", "OK")).upper() != "OK":
                misses.append(f"{uid} is not well ({said.get('message')})")
        except Missing:
            misses.append(f"{uid} is not there, or its plugin is missing")
        except Refused as refusal:
            misses.append(f"{uid} is not well ({_words(refusal)})")
    number = len(told["data_sources"])
    return _judged("data sources", misses, f"{number} of {number} answer through Grafana")


def _dashboards(api: Api, told: Mapping[str, Any]) -> Finding:
    misses = []
    for dashboard in told["dashboards"]:
        uid, title = dashboard["uid"], dashboard["title"]
        try:
            found = api.get(f"dashboards/uid/{quoted(uid)}")
        except Missing:
            misses.append(f"{title} ({uid}) is not there")
            continue
        if not found["meta"].get("provisioned"):
            misses.append(f"{title} ({uid}) was not made from its file")
        elif (found["meta"].get("folderUid") or "") != dashboard["folder"]:
            misses.append(f"{title} ({uid}) lies in the folder {found['meta'].get('folderUid')!r}")
        elif _digest(found["dashboard"]) != dashboard["digest"]:
            misses.append(f"{title} ({uid}) is not the one that was deployed")
    number = len(told["dashboards"])
    return _judged("dashboards", misses, f"{number} of {number} as deployed")


@dataclass
class Panels:
    """Every panel's queries, run through Grafana; those that are well are not asked again while others are waited for.

    Attributes:
        range_s: How far back they are asked, seconds.
    """

    range_s: int
    _empty: dict[tuple[str, Any], bool] = field(default_factory=dict)

    def find(self, api: Api, told: Mapping[str, Any]) -> Finding:
        """Look once at those that are not well yet."""
        misses, number = [], 0
        for dashboard in told["dashboards"]:
            for panel in dashboard["panels"]:
                number += 1
                key = (str(dashboard["uid"]), panel["panel_id"])
                if key in self._empty:
                    continue
                miss, empty = self._look(api, panel)
                if miss:
                    misses.append(f"{dashboard['title']}: {panel['panel']} {miss}")
                else:
                    self._empty[key] = empty
        empty = sum(self._empty.values())
        quiet = f", {empty} of them empty as they may be" if empty else ""
        return _judged("panels", misses, f"{number} of {number} panels answer{quiet}")

    def _look(self, api: Api, panel: Mapping[str, Any]) -> tuple[str, bool]:
        """Return what is wrong with a panel, empty when nothing is, and whether it shows nothing."""
        body = {"queries": panel["queries"], "from": f"now-{self.range_s}s", "to": "now"}
        try:
            results = api.post("ds/query", body)["results"]
        except Refused as refusal:
            return f"is refused ({_words(refusal)})", False
        errors = [str(result["error"]) for result in results.values() if result.get("error")]
        if errors:
            return f"fails ({errors[0]})", False
        empty = not any(_has_data(result) for result in results.values())
        return ("shows nothing" if empty and not panel["may_be_empty"] else ""), empty


def _has_data(result: Mapping[str, Any]) -> bool:
    return any(
        any(value is not None for value in column)
        for frame in result.get("frames") or []
        for column in (frame.get("data") or {}).get("values") or []
    )


def _judged(name: str, misses: Sequence[str], well: str) -> Finding:
    if not misses:
        return Finding(name, ok=True, detail=well)
    more = f" and {len(misses) - _SHOWN} more" if len(misses) > _SHOWN else ""
    return Finding(name, ok=False, detail="; ".join(misses[:_SHOWN]) + more, look=_LOOK)


def _digest(dashboard: Mapping[str, Any]) -> str:
    told = {key: value for key, value in dashboard.items() if key not in _VOLATILE}
    return hashlib.sha256(json.dumps(told, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _words(refusal: Refused) -> str:
    """Return Grafana's own message out of its answer."""
    text = refusal.detail.partition(": ")[2] or refusal.message
    try:
        told = json.loads(text)
        return str(told.get("message") or text) if isinstance(told, Mapping) else text
    except ValueError:
        return text[:200]
