"""Which release of a program a host gets: its source, its version and its name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.promontory.stack.plugins.module_utils import fetch, versions
from ansible_collections.promontory.stack.plugins.module_utils.apt_repository import Unavailable
from ansible_collections.promontory.stack.plugins.module_utils.errors import ComponentError
from ansible_collections.promontory.stack.plugins.plugin_utils import artifact, python_release
from ansible_collections.promontory.stack.plugins.plugin_utils.apt_source import AptSource

SOURCES = ("auto", "archive", "repository", "package", "python")


@dataclass(frozen=True)
class Wanted:
    """A role's ``release`` mapping, with what the whole stack says about sources.

    Attributes:
        component: For messages.
        program: Directory under ``/opt``.
        version: Upstream version; empty where a package or project brings its own.
        install_from: One of ``SOURCES``.
        archive: ``url``, ``sums_url``, ``sha256``; empty when there is no archive.
        packages: Debian packages; empty when there is none.
        python: ``project``, ``packages``, ``lock``; empty for other kinds.
        apt_source: The publisher's own repository of these packages; None when there is none.
        mirror: Base URL that replaces ``https://github.com``.
        cache: Where archives are kept on the controller.
        fetch_from: ``controller`` or ``target``.
    """

    component: str
    program: str
    version: str
    install_from: str
    archive: Mapping[str, Any] = field(default_factory=dict)
    packages: Sequence[str] = ()
    python: Mapping[str, Any] = field(default_factory=dict)
    mirror: str = ""
    cache: Path = Path()
    fetch_from: str = "controller"
    apt_source: AptSource | None = None

    def request(self) -> str:
        """Digest of what was asked for: while it stays the same, the choice made for it stays too."""
        asked = [self.program, self.version, self.install_from, dict(self.archive), list(self.packages), self.mirror]
        if self.apt_source is not None:
            asked.append(self.apt_source.request())
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Host:
    """What the choice must know of a host.

    Attributes:
        architecture: ``amd64`` or ``arm64``.
        python: Version of its Python.
        installed: What its journal says of this component; empty when it is not installed.
    """

    architecture: str
    python: str
    installed: Mapping[str, Any]


@dataclass(frozen=True)
class Choice:
    """The release to install.

    Attributes:
        source: ``archive``, ``repository``, ``package`` or ``python``.
        version: Upstream version.
        name: Directory under ``/opt/<program>/``.
        package_version: Full version of the first package; empty for other sources.
        archive: Set for the source ``archive``.
        project: Set for the source ``python``.
    """

    source: str
    version: str
    name: str
    package_version: str = ""
    archive: artifact.Archive | None = None
    project: python_release.PythonProject | None = None


def choose(
    wanted: Wanted, host: Host, *, candidate: Callable[[], str], offered: Callable[[], str] = lambda: ""
) -> Choice:
    """Choose a release.

    Args:
        wanted: What was asked for.
        host: Where it goes.
        candidate: Asks the host which version its package source would install; called only when needed.
        offered: Asks the host for the full version that the component's own repository has; called only when needed.
            It raises ``Unavailable`` where that is none.
    Raises:
        ComponentError: Nothing can be had as asked; it names the variable to change.
    """
    if wanted.install_from not in SOURCES:
        raise ComponentError(
            f"{wanted.component}_install_from: {wanted.install_from!r} is unknown.",
            hint=f"Known: {', '.join(SOURCES)}.",
        )
    if wanted.install_from == "python" or (wanted.install_from == "auto" and wanted.python):
        return _python(wanted, host)
    if wanted.install_from == "archive":
        return _archive(wanted, host)
    if wanted.install_from == "repository":
        return _packaged("repository", wanted, host, offered)
    if wanted.install_from == "package":
        return _packaged("package", wanted, host, candidate)
    return _auto(wanted, host, candidate, offered)


def _auto(wanted: Wanted, host: Host, candidate: Callable[[], str], offered: Callable[[], str]) -> Choice:
    if not wanted.archive.get("url"):
        try:
            return _either(wanted, host, candidate, offered)
        except _NoPackage as none:
            if wanted.apt_source is None:
                raise none.cause from None
            raise _no_source(wanted, none.tried, none.cause.hint) from None
    choice = _archive(wanted, host)
    archive = choice.archive
    if archive is None or artifact.Cache(wanted.cache).has(archive) or not wanted.packages:
        return choice
    if host.installed.get("request") == wanted.request():
        # Chosen once for this very request: a source that comes or goes must not change a running host.
        return choice if host.installed.get("source") == "archive" else _either(wanted, host, candidate, offered)
    unreachable = fetch.is_reachable(archive.url)
    if not unreachable:
        return choice
    try:
        return _either(wanted, host, candidate, offered)
    except _NoPackage as none:
        # Not chained: the package's own hint would point another way.
        elsewhere = "stack_artifact_mirror" if "://github.com/" in archive.url else f"{wanted.component}_archive_url"
        raise _no_source(
            wanted,
            [f"Archive: {archive.url} {unreachable}.", *none.tried],
            f"Put {archive.name} and a sha256sums.txt into {wanted.cache}, set {elsewhere} or {wanted.component}_version, "
            f"or do without it for now: -e '{{stack_without: [{wanted.component}]}}'.",
        ) from None


def _no_source(wanted: Wanted, tried: Sequence[str], hint: str) -> ComponentError:
    return ComponentError(
        f"{wanted.component}: no source of {wanted.program} {wanted.version} is reachable.",
        detail="\n".join(tried),
        hint=hint,
    )


def _archive(wanted: Wanted, host: Host) -> Choice:
    if not wanted.archive.get("url"):
        raise ComponentError(
            f"{wanted.component}_install_from: archive, but {wanted.program} has no archive.",
            hint=f"Set {wanted.component}_install_from: package.",
        )
    if not wanted.version:
        raise ComponentError(f"{wanted.component}_version is empty; an archive needs one.")
    if host.architecture not in ("amd64", "arm64"):
        raise ComponentError(
            f"{wanted.component}: no archive is chosen for the architecture {host.architecture}; amd64 and arm64 are known."
        )
    archive = artifact.describe(
        wanted.archive, version=wanted.version, architecture=host.architecture, mirror=wanted.mirror
    )
    return Choice(source="archive", version=wanted.version, name=wanted.version, archive=archive)


def _either(wanted: Wanted, host: Host, candidate: Callable[[], str], offered: Callable[[], str]) -> Choice:
    """The component's own repository, else the host's sources; a repository that must not be trusted ends it."""
    tried = []
    installed = host.installed
    settled = installed.get("source") == "package" and installed.get("request") == wanted.request()
    if wanted.apt_source is not None and not settled:
        try:
            return _packaged("repository", wanted, host, offered)
        except Unavailable as error:
            tried.append(" ".join(["Repository:", error.message, *error.detail.splitlines()[-1:]]))
    try:
        return _packaged("package", wanted, host, candidate)
    except ComponentError as error:
        raise _NoPackage(error, [*tried, f"Package: {error.message}"]) from None


class _NoPackage(Exception):
    """Neither the component's own repository nor the host's sources have it."""

    def __init__(self, cause: ComponentError, tried: list[str]) -> None:
        super().__init__(str(cause))
        self.cause = cause
        self.tried = tried


def _packaged(source: str, wanted: Wanted, host: Host, ask: Callable[[], str]) -> Choice:
    if source == "repository" and wanted.apt_source is None:
        raise ComponentError(
            f"{wanted.component}_install_from: repository, but no APT repository of {wanted.program} is known.",
            hint=f"Set {wanted.component}_install_from: archive or package.",
        )
    if not wanted.packages:
        raise ComponentError(
            f"{wanted.component}_install_from: package, but no distribution package of {wanted.program} is known.",
            hint=f"Set {wanted.component}_install_from: archive.",
        )
    installed = host.installed
    kept = installed.get("source") == source and installed.get("request") == wanted.request()
    full = str(installed["release"]) if kept else ask()
    # A colon (Debian's epoch) is awkward in paths, and a per cent sign in units; no Debian version has an underscore.
    return Choice(
        source=source,
        version=versions.of_package(full.replace("_", ":")),
        name=full.replace(":", "_"),
        package_version=full.replace("_", ":"),
    )


def _python(wanted: Wanted, host: Host) -> Choice:
    if not {"project", "packages", "lock"} <= set(wanted.python):
        raise ComponentError(
            f"{wanted.component}_install_from: python, but {wanted.program} is no Python project of ours.",
            hint=f"Set {wanted.component}_install_from: archive or package.",
        )
    project = python_release.PythonProject(
        directory=Path(str(wanted.python["project"])),
        packages=[str(package) for package in wanted.python["packages"]],
        lock=Path(str(wanted.python["lock"])),
    )
    described = python_release.describe(project, python=host.python, architecture=host.architecture)
    return Choice(source="python", version=described.version, name=described.name, project=project)
