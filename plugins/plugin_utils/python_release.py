"""A Python project of ours as a release: its packages with their locked dependencies in one archive.

Built on the controller for the host's Python, so that a host needs neither pip nor a package index.
"""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.promontory.stack.plugins.module_utils.errors import ComponentError

# manylinux tags that pip may take for an architecture; the glibc of every supported system is newer.
_PLATFORMS = {"amd64": "x86_64", "arm64": "aarch64"}
_PIP_TIMEOUT_S = 600


@dataclass(frozen=True)
class PythonProject:
    """What to pack.

    Attributes:
        directory: Holds ``pyproject.toml`` and the packages.
        packages: Package directories, relative.
        lock: Requirements with hashes.
    """

    directory: Path
    packages: Sequence[str]
    lock: Path


@dataclass(frozen=True)
class PythonRelease:
    """A project's release for one Python and architecture.

    Attributes:
        version: The project's version.
        name: Version with a digest of sources, lock and target: equal names are equal content.
    """

    version: str
    name: str


def describe(project: PythonProject, *, python: str, architecture: str) -> PythonRelease:
    """Name the release that the project's files make.

    Args:
        project: What to pack.
        python: The host's Python, such as ``3.13.5``.
        architecture: ``amd64`` or ``arm64``.
    Raises:
        ComponentError: The project lacks a file or a version.
    """
    try:
        metadata = tomllib.loads((project.directory / "pyproject.toml").read_text(encoding="utf-8"))
        version = str(metadata["project"]["version"])
        lock = project.lock.read_bytes()
    except (OSError, KeyError, tomllib.TOMLDecodeError) as error:
        raise ComponentError(f"{project.directory}: this project cannot be packed ({error}).") from error
    digest = hashlib.sha256(f"{_minor(python)} {architecture}\n".encode() + lock)
    for path in _sources(project):
        digest.update(f"{path.relative_to(project.directory)}\n".encode() + path.read_bytes())
    return PythonRelease(version=version, name=f"{version}+{digest.hexdigest()[:8]}")


def build(project: PythonProject, release: PythonRelease, *, python: str, architecture: str, into: Path) -> Path:
    """Pack the project where the cache does not have it yet and return the archive.

    Args:
        project: What to pack.
        release: Its name from :func:`describe`.
        python: The host's Python.
        architecture: The host's architecture.
        into: The artifact cache.
    Raises:
        ComponentError: pip cannot get a dependency as locked.
    """
    archive = into / f"{project.directory.name}-{release.name}.tar.gz"
    if archive.is_file():
        return archive
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".packing-", dir=into) as scratch:
        library = Path(scratch) / "lib"
        _install_locked(project, library, python=python, architecture=architecture)
        packed = Path(scratch) / archive.name
        with tarfile.open(packed, "w:gz", compresslevel=6) as tar:
            for path in sorted(library.rglob("*")):
                _add(tar, path, f"lib/{path.relative_to(library)}")
            for path in _sources(project):
                _add(tar, path, f"lib/{path.relative_to(project.directory)}")
        os.replace(packed, archive)
    return archive


def _install_locked(project: PythonProject, library: Path, *, python: str, architecture: str) -> None:
    machine = _PLATFORMS.get(architecture, architecture)
    argv = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    argv += ["--target", str(library), "--require-hashes", "--only-binary=:all:", "--implementation", "cp"]
    argv += ["--python-version", _minor(python), "--requirement", str(project.lock)]
    for tag in ("manylinux_2_28", "manylinux_2_17", "manylinux2014"):
        argv += ["--platform", f"{tag}_{machine}"]
    result = subprocess.run(argv, capture_output=True, text=True, timeout=_PIP_TIMEOUT_S, check=False)
    if result.returncode != 0:
        raise ComponentError(
            f"{project.lock}: the locked packages cannot be had for Python {_minor(python)} on {architecture}.",
            detail="\n".join(result.stderr.splitlines()[-8:]),
            hint="Check this machine's access to its Python package index, then run again.",
        )


def _add(tar: tarfile.TarFile, path: Path, name: str) -> None:
    if path.is_dir() or path.is_symlink():
        return
    content = path.read_bytes()
    member = tarfile.TarInfo(name)  # no owner and no times: the same content is the same archive
    member.size, member.mode = len(content), 0o644
    tar.addfile(member, io.BytesIO(content))


def _sources(project: PythonProject) -> list[Path]:
    found = [
        path
        for package in project.packages
        for path in sorted((project.directory / package).rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    ]
    if not found:
        raise ComponentError(f"{project.directory}: there are no files in {', '.join(project.packages)}.")
    return found


def _minor(python: str) -> str:
    return ".".join(python.split(".")[:2])
