"""Pinned plugins: their archives on the controller, and the name of the set they make."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.promontory.stack.plugins.plugin_utils.artifact import Archive

from .errors import GrafanaError

# Grafana's own catalogue; {id}, {version} and {arch} are filled in.
CATALOGUE = "https://grafana.com/api/plugins/{id}/versions/{version}/download?os=linux&arch={arch}"
_ID = re.compile(r"[a-z0-9][a-z0-9-]*")
_VERSION = re.compile(r"\d+\.\d+\.\d+[\w.+-]*")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_KEYS = {"id", "version", "sha256", "url"}


@dataclass(frozen=True)
class PluginArchive(Archive):
    """A plugin's zip file; its URL does not tell a name, so it has one of its own in the cache."""

    file_name: str = ""

    @property
    def name(self) -> str:
        """File name in the cache."""
        return self.file_name


def set_name(plugins: Sequence[Mapping[str, Any]]) -> str:
    """Return the name of the directory that holds just these plugins; another one for each other set.

    Raises:
        GrafanaError: An entry is wrong.
    """
    judged = [judge(position, plugin) for position, plugin in enumerate(plugins)]
    ids = [plugin["id"] for plugin in judged]
    twice = sorted({name for name in ids if ids.count(name) > 1})
    if twice:
        raise GrafanaError(f"grafana_plugins names {twice[0]} twice; keep one version.")
    document = json.dumps(sorted(judged, key=lambda plugin: str(plugin["id"])), sort_keys=True)
    return hashlib.sha256(document.encode()).hexdigest()[:16]


def judge(position: int, plugin: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry of ``grafana_plugins`` as plain data.

    Raises:
        GrafanaError: It is not pinned by version and sum, or has another key.
    """
    where = f"grafana_plugins[{position}]"
    unknown = sorted(set(plugin) - _KEYS)
    if unknown:
        raise GrafanaError(f"{where}.{unknown[0]} is unknown. Known: {', '.join(sorted(_KEYS))}.")
    name, version, sums = str(plugin.get("id") or ""), str(plugin.get("version") or ""), plugin.get("sha256")
    if not _ID.fullmatch(name):
        raise GrafanaError(f"{where}.id is {name!r}, but a plugin's id is like grafana-clock-panel.")
    if not _VERSION.fullmatch(version):
        raise GrafanaError(f"{where}.version ({name}) is {version!r}, but must be an exact version such as 2.1.8.")
    by_architecture = sums if isinstance(sums, Mapping) else {"any": sums}
    for architecture, value in by_architecture.items():
        if not _SHA256.fullmatch(str(value or "")):
            raise GrafanaError(
                f"{where}.sha256 ({name}, {architecture}) is {value!r}, but must be the SHA-256 of its zip file, 64 hexadecimal "
                "digits, or one for each of amd64 and arm64."
            )
    return {"id": name, "version": version, "sha256": sums, "url": str(plugin.get("url") or "")}


def describe(position: int, plugin: Mapping[str, Any], *, architecture: str) -> PluginArchive:
    """Describe the archive of an entry for one architecture.

    Raises:
        GrafanaError: It has no sum for that architecture.
    """
    judged = judge(position, plugin)
    sums = judged["sha256"]
    pinned = sums.get(architecture) if isinstance(sums, Mapping) else sums
    if not pinned:
        raise GrafanaError(f"grafana_plugins[{position}] ({judged['id']}) has no sha256 for {architecture}.")
    url = judged["url"] or CATALOGUE
    for key, value in {"id": judged["id"], "version": judged["version"], "arch": architecture}.items():
        url = url.replace("{" + key + "}", str(value))
    file_name = f"{judged['id']}-{judged['version']}.linux-{architecture}.zip"
    return PluginArchive(url=url, sums_url="", sha256=str(pinned), file_name=file_name)
