"""A program's release on the host: staged beside the others, verified, and recognised again.

A release is ``/opt/<program>/<name>/`` with a manifest of its files. It appears by one rename when it
is whole, is never changed afterwards, and several versions lie side by side.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import struct
import sys
import tarfile
import tempfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.promontory.stack.plugins.module_utils import apt_repository, commands, debian, versions
from ansible_collections.promontory.stack.plugins.module_utils.atomic import remove_tree, sync_directory
from ansible_collections.promontory.stack.plugins.module_utils.checksum import sha256_of
from ansible_collections.promontory.stack.plugins.module_utils.errors import ComponentError
from ansible_collections.promontory.stack.plugins.module_utils.machine import architecture

MANIFEST = ".promontory-release.json"

# e_machine of the ELF header (System V ABI, gABI chapter 4) for the architectures we install on.
_ELF_MACHINES = {62: "amd64", 183: "arm64"}
_UNPACKED_PER_PACKED = 4  # measured on the Prometheus archive: 3.3


class NeedArtifact(Exception):
    """The host lacks the release and the controller is the one to bring its artifact, or the key of its repository."""


@dataclass(frozen=True)
class Release:
    """What to install and where it comes from.

    Attributes:
        program: Directory under ``/opt``.
        name: Directory under that: the version, with the distribution's revision for a package.
        version: Upstream version, as the program reports it.
        source: ``archive``, ``repository``, ``package`` or ``python``.
        artifact: Archive on this host (brought by the controller), else None.
        url: Where the host fetches the archive itself, else empty.
        sha256: The archive's checksum, hexadecimal; empty for packages, which apt verifies.
        packages: Debian packages to unpack, the first one gives the version.
        optional_packages: Further ones, unpacked where the distribution has them.
        package_version: Full version of the first package.
        package_files: ``{path in the packages: path in the release}``; all files when empty. A path that ends
            with a slash is a directory that not every distribution's packages have.
        version_command: Program and arguments that print the version; ``{release}`` stands for the directory.
        apt_source: Repository to take the packages from, with its key (brought by the controller); else the host's own.
    """

    program: str
    name: str
    version: str
    source: str
    artifact: Path | None = None
    url: str = ""
    sha256: str = ""
    packages: tuple[str, ...] = ()
    optional_packages: tuple[str, ...] = ()
    package_version: str = ""
    package_files: Mapping[str, str] = field(default_factory=dict)
    version_command: tuple[str, ...] = ()
    apt_source: Mapping[str, Any] = field(default_factory=dict)

    def lacks_source(self) -> bool:
        """Tell whether the controller has yet to bring what the release is made of."""
        if self.source == "repository":
            return not self.apt_source
        return self.source != "package" and self.artifact is None and not self.url

    def layout(self) -> str:
        """Digest of how the release's files are arranged: the same version can be unpacked in another way."""
        arrangement = [self.source, list(self.packages), list(self.optional_packages), dict(self.package_files)]
        return hashlib.sha256(json.dumps(arrangement, sort_keys=True).encode()).hexdigest()[:16]


def is_intact(directory: Path, release: Release) -> bool:
    """Tell whether a release is installed as declared and still has every file it was verified with.

    Sizes and modification times are compared first, as git does for its index; only a file whose
    times differ is read again.
    """
    try:
        manifest = json.loads((directory / MANIFEST).read_text(encoding="utf-8"))
        files = manifest["files"]
    except (OSError, ValueError, KeyError):
        return False
    if manifest.get("layout") != release.layout():
        return False
    if release.sha256 and manifest.get("sha256") != release.sha256:
        return False  # unpacked from an archive that has been replaced since
    for relative, (size, mtime_ns, digest) in files.items():
        try:
            status = (directory / relative).lstat()
        except OSError:
            return False
        if status.st_size != size:
            return False
        if status.st_mtime_ns != mtime_ns and _digest_of(directory / relative) != digest:
            return False
    return True


def stage(release: Release, destination: Path, *, apt: debian.Apt) -> None:
    """Fetch, unpack and verify a release, then let it appear at ``destination``.

    Args:
        release: What to stage.
        destination: ``/opt/<program>/<name>``, or a scratch directory in check mode.
        apt: The host's package source.
    Raises:
        NeedArtifact: An archive or a key is needed that only the controller can bring.
        ComponentError: The source, checksum, architecture or version is not as asked; nothing stays behind.
        OSError: The disk is full; nothing stays behind.
    """
    if release.lacks_source():
        raise NeedArtifact
    destination.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    staging = Path(tempfile.mkdtemp(prefix=".staging-", dir=destination.parent))
    try:
        content = staging / "release"
        content.mkdir(mode=0o755)
        if release.source == "repository":
            own = apt_repository.RepositoryApt(scratch=staging / "apt", source=release.apt_source)
            own.update()
            _unpack_packages(release, staging, content, own)
        elif release.source == "package":
            _unpack_packages(release, staging, content, apt)
        else:
            _unpack_archive(release, staging, content)
        _refuse_foreign_architecture(release, content)
        if release.source == "python":
            _compile_python(release, content)
        _verify_version(release, content)
        _write_manifest(release, content)
        damaged = staging / "replaced"
        if destination.exists():
            os.replace(destination, damaged)
        os.replace(content, destination)
        sync_directory(destination.parent)
    finally:
        remove_tree(staging)


def _unpack_archive(release: Release, staging: Path, content: Path) -> None:
    archive = release.artifact
    if archive is None:
        archive = staging / "artifact"
        # Loaded here because it is slow to load and most runs fetch nothing.
        from ansible_collections.promontory.stack.plugins.module_utils.fetch import download

        download(release.url, archive)
    found = sha256_of(archive)
    if found != release.sha256:
        raise ComponentError(
            f"{release.program} {release.version}: the archive {release.url or archive.name} has the SHA-256 {found}, "
            f"expected {release.sha256}.",
            hint="Remove the file from the artifact cache or correct the pinned checksum; do not skip the check.",
        )
    _require_space(archive.stat().st_size * _UNPACKED_PER_PACKED, content)
    unpacked = staging / "unpacked"
    unpacked.mkdir()
    try:
        with tarfile.open(archive) as tar:
            # The filter refuses links and names that lead out of the directory; older Pythons lack it.
            if hasattr(tarfile, "data_filter"):
                tar.extractall(unpacked, filter="data")
            else:
                tar.extractall(unpacked, members=_safe_members(tar, unpacked))  # noqa: S202 - judged there
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise ComponentError(
            f"{release.program} {release.version}: {archive.name} is no tar archive that can be unpacked ({error})."
        ) from error
    top = list(unpacked.iterdir())
    root = top[0] if len(top) == 1 and top[0].is_dir() and release.source == "archive" else unpacked
    for entry in root.iterdir():
        shutil.move(str(entry), content / entry.name)


def _safe_members(tar: tarfile.TarFile, directory: Path) -> Iterator[tarfile.TarInfo]:
    for member in tar.getmembers():
        target = (directory / member.name).resolve()
        if directory.resolve() not in (target, *target.parents) or not (member.isfile() or member.isdir()):
            raise tarfile.TarError(f"unexpected member {member.name}")
        yield member


def _unpack_packages(release: Release, staging: Path, content: Path, apt: debian.Apt) -> None:
    unpacked = staging / "unpacked"
    unpacked.mkdir()
    packages = [*release.packages, *apt.offered(release.optional_packages)]
    for package in apt.download(packages, release.package_version, staging):
        debian.unpack(package, unpacked)
    if not release.package_files:
        for entry in unpacked.iterdir():
            shutil.move(str(entry), content / entry.name)
        return
    for inside, relative in release.package_files.items():
        source = unpacked / inside.rstrip("/")
        if not os.path.lexists(source):
            if inside.endswith("/"):
                continue
            raise ComponentError(
                f"{release.program}: the package {' '.join(release.packages)} {release.package_version} has no file /{inside}.",
                hint="Correct package_files of the release.",
            )
        target = content / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(str(source), target)


def _require_space(needed_bytes: int, where: Path) -> None:
    free = shutil.disk_usage(where).free
    if free < needed_bytes:
        raise ComponentError(
            f"{where.parent.parent}: {free // 2**20} MiB free, about {needed_bytes // 2**20 + 1} MiB needed.",
            hint="Free some space on this host and run again; nothing was changed.",
        )


def _refuse_foreign_architecture(release: Release, content: Path) -> None:
    host = architecture()
    for path in sorted(content.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        machine = elf_machine(path)
        if machine and machine != host:
            raise ComponentError(
                f"{release.program} {release.version}: {path.relative_to(content)} is built for {machine}, this host is {host}.",
                hint="Correct the archive URL or the file in the artifact cache; nothing was changed.",
            )


def elf_machine(path: Path) -> str:
    """Return the architecture an ELF file was built for; empty when it is no ELF file."""
    with path.open("rb") as handle:
        header = handle.read(20)
    if len(header) < 20 or header[:4] != b"\x7fELF":
        return ""
    order = "<" if header[5] == 1 else ">"
    number = struct.unpack(order + "H", header[18:20])[0]
    return _ELF_MACHINES.get(number, f"ELF machine {number}")


def _compile_python(release: Release, content: Path) -> None:
    # Hash-based byte code: the manifest's times then say nothing about the sources' age.
    result = commands.run(
        [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", str(content / "lib")]
    )
    if result.returncode != 0:
        raise ComponentError(
            f"{release.program} {release.version} does not compile with this host's Python {platform.python_version()}.",
            detail=commands.output(result),
        )


def expand(argv: Sequence[str], places: Mapping[str, str]) -> list[str]:
    """Fill ``{release}``, ``{config}`` and ``{data}`` into a command's words; other braces stay."""
    return [fill(word, places) for word in argv]


def fill(text: str, places: Mapping[str, str]) -> str:
    """Fill the known placeholders into a text."""
    for name, value in places.items():
        text = text.replace("{" + name + "}", value)
    return text


def _verify_version(release: Release, content: Path) -> None:
    if not release.version_command:
        return
    result = commands.run(expand(release.version_command, {"release": str(content)}), timeout_s=30)
    said = commands.output(result)
    if result.returncode != 0:
        hint = "A shared library it needs is missing on this host: install it or use install_from: archive."
        raise ComponentError(
            f"{release.program} {release.version} from its {release.source} does not start on this host.",
            detail=said,
            hint=hint if "shared librar" in said else "",
        )
    if versions.key(versions.find(said)) != versions.key(release.version):
        raise ComponentError(
            f"{release.program}: the {release.source} for {release.version} contains version {versions.find(said) or said!r}.",
            hint="Correct the version, the URL or the file in the artifact cache; nothing was changed.",
        )


def _write_manifest(release: Release, content: Path) -> None:
    files = {}
    for path in sorted(content.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            continue
        status = path.lstat()
        files[str(path.relative_to(content))] = (status.st_size, status.st_mtime_ns, _digest_of(path))
    manifest = {
        "program": release.program,
        "version": release.version,
        "source": release.source,
        "layout": release.layout(),
        "sha256": release.sha256,
        "files": files,
    }
    (content / MANIFEST).write_text(json.dumps(manifest, sort_keys=True) + "\n", encoding="utf-8")


def _digest_of(path: Path) -> str:
    # A link counts as itself: it may dangle, and what it points at may be another file of the release.
    return hashlib.sha256(os.readlink(path).encode()).hexdigest() if path.is_symlink() else sha256_of(path)
