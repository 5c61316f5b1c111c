"""Real programs for the tests: taken from Debian packages, laid out as the upstream archives are.

    python -m tests.support.debs fetch prometheus --suite sid         prints the directory of the release
    python -m tests.support.debs archive prometheus --suite sid --into DIR
                                                                      prints the path of the .tar.gz it wrote
    python -m tests.support.debs versions                             prints what each suite has

Releases are kept in ~/.cache/promontory/test-debs (PROMONTORY_TEST_DEBS wins) and made once per version.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import gzip
import hashlib
import io
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.debian_mirror import MirrorError, Suite

SUITES = ("bookworm", "trixie", "sid")
_MULTIARCH = {"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}

# program -> packages that make it (those a suite lacks are left out), path in the package -> name in the release;
# {multiarch} is the name of the directory of an architecture's libraries
PROGRAMS: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "prometheus": (
        ("prometheus", "promtool"),     # promtool became a package of its own after bookworm
        {"usr/bin/prometheus": "prometheus", "usr/bin/promtool": "promtool"},
    ),
    "alertmanager": (
        ("prometheus-alertmanager",),
        {
            "usr/bin/prometheus-alertmanager": "alertmanager",
            "usr/bin/amtool": "amtool",
            # Debian's build reads its own templates from disk, upstream's has them inside.
            "usr/share/prometheus/alertmanager": "share",
        },
    ),
    "node_exporter": (("prometheus-node-exporter",), {"usr/bin/prometheus-node-exporter": "node_exporter"}),
    "blackbox_exporter": (("prometheus-blackbox-exporter",), {"usr/bin/prometheus-blackbox-exporter": "blackbox_exporter"}),
    "pushgateway": (("prometheus-pushgateway",), {"usr/bin/prometheus-pushgateway": "pushgateway"}),
    # With the libraries that a bare system lacks, and laid out so that the server finds what it shares with its tools.
    "postgresql": (
        ("postgresql-15", "libpq5", "libxml2", "libsasl2-2", "libldap-2.5-0", "libicu72"),
        {
            "usr/lib/postgresql/15": "lib/postgresql/15",
            "usr/share/postgresql/15": "share/postgresql/15",
            "usr/lib/{multiarch}": "shared",
        },
    ),
    "nginx": (("nginx",), {"usr/sbin/nginx": "nginx"}),
    "kubectl": (("kubectl",), {"usr/bin/kubectl": "kubectl"}),
    "postgres_exporter": (("prometheus-postgres-exporter",), {"usr/bin/prometheus-postgres-exporter": "postgres_exporter"}),
}


@dataclass(frozen=True)
class Release:
    """One program in one version, unpacked."""

    program: str
    version: str          # upstream's, such as 3.5.3
    architecture: str     # amd64 | arm64
    directory: Path       # holds the executables under upstream's names

    @property
    def archive_name(self) -> str:
        """Upstream's name for the archive of this release, without `.tar.gz`."""
        return f"{self.program}-{self.version}.linux-{self.architecture}"


def cache_dir() -> Path:
    """Tell where packages and releases are kept between runs."""
    if chosen := os.environ.get("PROMONTORY_TEST_DEBS"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "promontory" / "test-debs"


def machine_architecture() -> str:
    """Name this machine's architecture as Debian and the upstream archives do."""
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


def release(program: str, suite: str, architecture: str | None = None) -> Release:
    """Fetch a program from a Debian suite.

    Args:
        program: A key of PROGRAMS.
        suite: A Debian suite, such as `trixie`.
        architecture: amd64 or arm64; default this machine's. One that cannot run here still has its right files.
    Raises:
        MirrorError: The suite lacks it or sent wrong bytes.
        KeyError: `program` is not one of PROGRAMS.
    """
    architecture = architecture or machine_architecture()
    packages, paths = PROGRAMS[program]
    files = {path.format(multiarch=_MULTIARCH.get(architecture, architecture)): name for path, name in paths.items()}
    cache = cache_dir()
    with _locked(cache):
        source = Suite(suite, architecture, cache)
        fetched = [source.fetch(name) for name in packages if name == packages[0] or source.has(name)]
        made = Release(program, fetched[0][0].upstream_version, architecture, Path())
        arrangement = hashlib.sha256(repr((fetched[0][0].sha256, sorted(files.items()))).encode()).hexdigest()
        directory = cache / "releases" / suite / f"{made.archive_name}-{arrangement[:8]}"
        if not directory.is_dir():
            _unpack([file for _, file in fetched], files, directory)
    return Release(program, made.version, architecture, directory)


def archive(program: str, suite: str, into: Path, architecture: str | None = None) -> Path:
    """Repack a program as upstream packs it: `<into>/prometheus-3.5.3.linux-amd64.tar.gz`.

    The bytes depend on the package alone, so its sum can be compared between runs. The sum is also written as a
    line of `<into>/sha256sums.txt`, in the form of the publisher's file.

    Returns:
        The path of the archive.
    """
    made = release(program, suite, architecture)
    into.mkdir(parents=True, exist_ok=True)
    target = into / f"{made.archive_name}.tar.gz"
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=1, mtime=0) as zipped, tarfile.open(
        fileobj=zipped, mode="w", format=tarfile.GNU_FORMAT
    ) as tar:
        for file in sorted(path for path in made.directory.rglob("*") if path.is_file()):
            entry = tarfile.TarInfo(f"{made.archive_name}/{file.relative_to(made.directory)}")
            entry.size, entry.mode = file.stat().st_size, file.stat().st_mode & 0o777
            with file.open("rb") as content:
                tar.addfile(entry, content)
    target.write_bytes(packed.getvalue())
    sums = into / "sha256sums.txt"
    lines = sums.read_text(encoding="utf-8").splitlines() if sums.is_file() else []
    others = [line for line in lines if not line.endswith(f"  {target.name}")]
    digest = hashlib.sha256(packed.getvalue()).hexdigest()
    sums.write_text("\n".join(sorted([*others, f"{digest}  {target.name}"])) + "\n", encoding="utf-8")
    return target


def _unpack(packages: list[Path], files: dict[str, str], directory: Path) -> None:
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory.parent) as scratch:
        whole, chosen = Path(scratch, "deb"), Path(scratch, "release")
        chosen.mkdir()
        for package in packages:
            subprocess.run(["dpkg-deb", "--extract", str(package), str(whole)], check=True)
        for inside, name in files.items():
            (chosen / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.move(whole / inside, chosen / name)
        chosen.rename(directory)


@contextlib.contextmanager
def _locked(cache: Path) -> Iterator[None]:
    """Keep test parts that run side by side from fetching the same file twice."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main(argv: list[str] | None = None) -> int:
    """Run as a command; see the top of this file."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.debs", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("fetch", "archive"):
        command = commands.add_parser(name)
        command.add_argument("program", choices=sorted(PROGRAMS))
        command.add_argument("--suite", default="trixie")
        command.add_argument("--architecture", choices=("amd64", "arm64"))
        if name == "archive":
            command.add_argument("--into", type=Path, required=True)
    commands.add_parser("versions")
    args = parser.parse_args(argv)
    try:
        if args.command == "fetch":
            print(release(args.program, args.suite, args.architecture).directory)
        elif args.command == "archive":
            print(archive(args.program, args.suite, args.into, args.architecture))
        else:
            for suite in SUITES:
                index = Suite(suite, machine_architecture(), cache_dir())
                for program, (packages, _) in PROGRAMS.items():
                    if index.has(packages[0]):
                        print(suite, program, index.find(packages[0]).upstream_version)
    except (MirrorError, OSError) as error:
        print(f"debs: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
