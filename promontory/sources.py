"""Whether a lab can have Grafana at all: the one program without a package in the distributions, asked before a run."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.promontory.stack.plugins.module_utils import fetch
from ansible_collections.promontory.stack.plugins.plugin_utils import artifact

from promontory import collection  # noqa: F401  makes the import above possible
from promontory.errors import StackError
from promontory.inventory import Inventory
from promontory.project import Project
from promontory.stack import load_stack

COMPONENT = "grafana"
_TIMEOUT_S = 3.0
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_DEFAULTS = ("roles/common/defaults/main/main.yml", "roles/grafana/defaults/main.yml")
_VERSIONS = "roles/common/defaults/main/versions.yml"

Reachable = Callable[[str], str]


@dataclass(frozen=True)
class Missing:
    """A component that a run must do without.

    Attributes:
        component: Its name.
        reason: Why, one sentence without a full stop.
        remedy: The one thing that adds it, one sentence.
    """

    component: str
    reason: str
    remedy: str


def missing_grafana(
    project: Project, inventory: Inventory, extra_vars: Mapping[str, Any], *, reachable: Reachable | None = None
) -> Missing | None:
    """Tell whether a lab's Grafana has no source: not in the cache, and not where it is published.

    Args:
        project: Whose cache, and whose last run: where Grafana was provisioned, no source is needed.
        inventory: What the lab's hosts say.
        extra_vars: Given with -e; they win.
        reachable: Says why a URL is not there, empty when it is; replaced in tests.
    Returns:
        None where it can be had, is not wanted, or where only a run can tell (a variable is a template).
    """
    hosts = inventory.groups.get(COMPONENT, ())
    if not hosts or not inventory.is_lab or COMPONENT in (extra_vars.get("stack_without") or []) or _is_provisioned(project):
        return None
    told = _settings(project.root, {**inventory.variables.get(hosts[0], {}), **extra_vars})
    if any("{{" in text for text in told.values()) or told["install_from"] == "package":
        return None
    described = artifact.describe(
        {"url": told["url"]}, version=told["version"],
        architecture=_ARCHITECTURES.get(platform.machine(), platform.machine()), mirror=told["mirror"],
    )
    cache = Path(told["cache"]).expanduser()
    urls = []
    if told["install_from"] != "repository":
        if artifact.Cache(cache).has(described):
            return None
        urls.append(described.url)
    if told["install_from"] != "archive" and told["repository"]:
        urls.append(told["repository"])
    tried = []
    for url in urls:
        why = (reachable or _unreachable)(url)
        if not why:
            return None
        tried.append(f"{url} {why}")
    other = f"Put {described.name} with its sha256sums.txt into {cache}"
    if told["install_from"] == "repository":
        other = "Name a mirror in grafana_apt_source"
    return Missing(
        component=COMPONENT,
        reason=f"no source of Grafana {told['version']} is reachable: {'; '.join(tried)}",
        remedy=f"{other} and run {project.command('up')}.",
    )


def _unreachable(url: str) -> str:
    return fetch.is_reachable(url, timeout_s=_TIMEOUT_S)


def _is_provisioned(project: Project) -> bool:
    try:
        stack = load_stack(project)
    except StackError:
        return False
    return any(COMPONENT in host.get("components", ()) for host in stack.hosts)


def _settings(root: Path, variables: Mapping[str, Any]) -> dict[str, str]:
    """Return what the role would take, from the variables and else from the roles' own defaults."""
    defaults: dict[str, Any] = {}
    for name in _DEFAULTS:
        defaults |= _yaml(root / name)
    versions = _yaml(root / _VERSIONS)["stack_versions"]
    cache = os.environ.get("PROMONTORY_ARTIFACT_CACHE") or (
        f"{os.environ.get('XDG_CACHE_HOME') or '~/.cache'}/promontory/artifacts"
    )

    def value(name: str, otherwise: Any) -> str:
        return str(variables.get(name, otherwise))

    return {
        "version": value("grafana_version", versions[COMPONENT]["version"]),
        "install_from": value("grafana_install_from", variables.get("stack_install_from", defaults["stack_install_from"])),
        "url": value("grafana_archive_url", defaults["grafana_archive_url"]),
        "repository": _index(variables.get("grafana_apt_source", defaults["grafana_apt_source"])),
        "mirror": value("stack_artifact_mirror", defaults["stack_artifact_mirror"]),
        "cache": value("stack_artifact_cache", cache),
    }


def _index(source: Any) -> str:
    """Return the URL of the signed index of Grafana's own repository; empty where there is none."""
    if not isinstance(source, Mapping):
        return str(source)  # a template, or nothing
    uri = str(source.get("uri") or "").rstrip("/")
    return f"{uri}/dists/{source.get('suite', '')}/InRelease" if uri else ""


class _Loader(yaml.SafeLoader):
    """Takes Ansible's own tags as plain text."""


_Loader.add_multi_constructor("!", lambda loader, suffix, node: loader.construct_scalar(node))


def _yaml(path: Path) -> dict[str, Any]:
    loaded = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506  a safe loader
    return dict(loaded or {})
