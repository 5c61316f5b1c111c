"""Dashboards of the controller as part of Grafana's configuration tree, and what the proof expects of them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.promontory.stack.plugins.plugin_utils.config_files import tree_of

from . import queries
from .data_sources import literal
from .errors import GrafanaError
from .producers import Producers

_UID = re.compile(r"[A-Za-z0-9_-]{1,40}")
# What the component fills in wherever it stands; a legend may well hold {{release}}.
_PLACEHOLDERS = ("release", "config", "data")
_POLL_S = 30
# Grafana counts these up by itself; they say nothing about what a dashboard shows.
_VOLATILE = ("id", "version", "iteration")


@dataclass(frozen=True)
class Dashboards:
    """What becomes of dashboard files.

    Attributes:
        tree: Entries for the ``config`` of a component: the dashboards, their providers and the expectations.
        expected: One entry for each dashboard: ``uid``, ``title``, ``folder`` (uid), ``digest`` and ``panels``, see
            :func:`queries.of_dashboard`.
    """

    tree: dict[str, dict[str, Any]] = field(default_factory=dict)
    expected: list[dict[str, Any]] = field(default_factory=list)


def build(
    groups: Sequence[Mapping[str, Any]],
    folders: Sequence[Mapping[str, Any]],
    types: Mapping[str, str],
    producers: Producers | None = None,
    base: Path | None = None,
) -> Dashboards:
    """Read, judge and place the dashboards.

    Args:
        groups: ``grafana_dashboards``: ``folder`` (uid, empty for none) and ``files`` (names or patterns).
        folders: ``grafana_folders``: ``uid`` and ``title``.
        types: ``{uid: type}`` of the data sources.
        producers: Tells what this stack cannot show; such dashboards are left out, and such panels may be empty.
        base: What relative names start from.
    Raises:
        GrafanaError: A folder, file, uid or data source is wrong; the message names the file.
        ConfigFileError: A pattern matches no file.
    """
    titles = _titles(folders)
    producers = producers or Producers()
    made = Dashboards()
    seen: dict[str, str] = {}
    providers: dict[str, dict[str, Any]] = {}
    for position, group in enumerate(groups):
        folder = str(group.get("folder") or "")
        if folder and folder not in titles:
            raise GrafanaError(
                f"grafana_dashboards[{position}].folder is {folder!r}, which is no uid of grafana_folders. "
                f"Known: {', '.join(sorted(titles)) or 'none'}."
            )
        for entry in tree_of([str(pattern) for pattern in group.get("files") or []], "", base).values():
            source = Path(entry["src"])
            dashboard = _read(source)
            uid = str(dashboard["uid"])
            if uid in seen:
                raise GrafanaError(f"{source} and {seen[uid]} have the same uid {uid!r}; give one of them another.")
            seen[uid] = str(source)
            if producers.lack(queries.of_variables(dashboard)):
                continue
            foreign = queries.foreign_sources(dashboard, types)
            if foreign:
                raise GrafanaError(
                    f"{source} asks the data source {foreign[0]!r}, which nobody provisions. "
                    f"Known: {', '.join(sorted(types)) or 'none'}. Add it to grafana_data_sources, or correct the dashboard."
                )
            place = f"dashboards/{folder or 'general'}"
            text = json.dumps(dashboard, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
            made.tree[f"{place}/{uid}.json"] = {"content": shielded(text)}
            made.expected.append(
                {
                    "uid": uid,
                    "title": str(dashboard["title"]),
                    "folder": folder,
                    "digest": digest(dashboard),
                    "panels": queries.of_dashboard(dashboard, types, producers),
                }
            )
            providers.setdefault(folder, _provider(folder, titles.get(folder, ""), place))
    made.tree["provisioning/dashboards/promontory.yml"] = {
        "yaml": {"apiVersion": 1, "providers": list(providers.values())}
    }
    return made


def _titles(folders: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    titles: dict[str, str] = {}
    for position, folder in enumerate(folders):
        uid, title = str(folder.get("uid") or ""), str(folder.get("title") or "")
        if not _UID.fullmatch(uid) or not title.strip():
            raise GrafanaError(
                f"grafana_folders[{position}] has the uid {uid!r} and the title {title!r}; a uid has 1 to 40 letters, digits, "
                "- or _, and a title is not empty."
            )
        if uid in titles or title in titles.values():
            raise GrafanaError(f"grafana_folders[{position}]: the uid {uid!r} or the title {title!r} is there already.")
        titles[uid] = title
    return titles


def _read(source: Path) -> dict[str, Any]:
    try:
        dashboard = json.loads(source.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise GrafanaError(f"{source} is no JSON that can be read ({error}).") from error
    if not isinstance(dashboard, dict) or not isinstance(dashboard.get("panels", []), list):
        raise GrafanaError(f"{source} is no dashboard: Grafana's JSON is a mapping with a list of panels.")
    uid, title = dashboard.get("uid"), dashboard.get("title")
    if not isinstance(uid, str) or not _UID.fullmatch(uid):
        raise GrafanaError(f"{source} has the uid {uid!r}; a dashboard's uid has 1 to 40 letters, digits, - or _.")
    if not isinstance(title, str) or not title.strip():
        raise GrafanaError(f"{source} ({uid}) has no title.")
    return {key: value for key, value in dashboard.items() if key not in ("id", "version")}


def _provider(folder: str, title: str, place: str) -> dict[str, Any]:
    return {
        "name": f"promontory-{folder or 'general'}",
        "orgId": 1,
        "type": "file",
        **({"folder": literal(title), "folderUid": folder} if folder else {}),
        "disableDeletion": False,
        "allowUiUpdates": False,
        "updateIntervalSeconds": _POLL_S,
        "options": {"path": f"{{config}}/{place}"},
    }


def shielded(text: str) -> str:
    """Write JSON so that no placeholder of the component stands in it; it means the same."""
    for name in _PLACEHOLDERS:
        text = text.replace("{" + name + "}", "\\u007b" + name + "}")
    return text


def digest(dashboard: Mapping[str, Any]) -> str:
    """Return the SHA-256 of what a dashboard shows; Grafana's own counters do not count.

    The proof computes it of what Grafana answers, so it must stay simple: sorted keys, no blanks.
    """
    told = {key: value for key, value in dashboard.items() if key not in _VOLATILE}
    return hashlib.sha256(json.dumps(told, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
