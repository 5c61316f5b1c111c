"""A small APT repository for tests: one package, its index, and a Release file signed by a key made for it."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ansible_collections.promontory.stack.plugins.plugin_utils import openpgp


@dataclass(frozen=True)
class SigningKey:
    """An OpenPGP key of gpg's making.

    Attributes:
        home: gpg's directory.
        fingerprint: As gpg tells it.
    """

    home: Path
    fingerprint: str

    def exported(self, *, armored: bool = True) -> bytes:
        """Return the public key."""
        return _gpg(self.home, "--export", *(["--armor"] if armored else []), self.fingerprint)

    def clearsigned(self, text: str) -> bytes:
        """Return a text with its signature."""
        return _gpg(self.home, "--digest-algo", "SHA256", "--clearsign", text=text)


@contextmanager
def signing_key(kind: str = "ed25519", name: str = "Test") -> Iterator[SigningKey]:
    """Make a key with a signing subkey; it is gone with the block."""
    home = Path(tempfile.mkdtemp(prefix="pgp-"))  # short: gpg's agent has a socket in it
    try:
        _gpg(home, "--quick-gen-key", f"{name} <{name.lower()}@pgp.example>", kind, "sign", "never")
        listed = _gpg(home, "--with-colons", "--fingerprint").decode()
        fingerprint = next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr:"))
        _gpg(home, "--quick-add-key", fingerprint, kind, "sign", "never")
        yield SigningKey(home, fingerprint)
    finally:
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], capture_output=True, check=False)
        shutil.rmtree(home, ignore_errors=True)


def package(name: str, version: str, files: Mapping[str, tuple[str, int]], into: Path, architecture: str = "all") -> Path:
    """Build a Debian package.

    Args:
        name: Its name.
        version: Its full version.
        files: ``{path: (text, mode)}``.
        into: Directory of its file.
    """
    with tempfile.TemporaryDirectory() as scratch:
        tree = Path(scratch)
        for path, (text, mode) in files.items():
            target = tree / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
            target.chmod(mode)
        return package_of(tree, name, version, into, architecture)


def package_of(tree: Path, name: str, version: str, into: Path, architecture: str = "all") -> Path:
    """Build a Debian package of the files below a directory."""
    tree.chmod(0o755)
    (tree / "DEBIAN").mkdir()
    (tree / "DEBIAN/control").write_text(
        f"Package: {name}\nVersion: {version}\nArchitecture: {architecture}\nMaintainer: T <t@pgp.example>\nDescription: d\n"
    )
    into.mkdir(parents=True, exist_ok=True)
    file = into / f"{name}_{version}_{architecture}.deb"
    argv = ["dpkg-deb", "-Znone", "--root-owner-group", "--build", str(tree), str(file)]
    subprocess.run(argv, check=True, capture_output=True)
    return file


def with_foreign_subkey(key: SigningKey, foreign: SigningKey) -> bytes:
    """Return a key's binary with another's key slipped in as a subkey: the fingerprint stays, and nobody has signed that."""
    body = next(body for tag, body, _ in openpgp.packets(foreign.exported(armored=False)) if tag == openpgp.PUBLIC_KEY)
    return key.exported(armored=False) + bytes([0xC0 | 14, 0xFF]) + len(body).to_bytes(4, "big") + body


def publish(site: Path, packages: list[Path], key: SigningKey, *, architectures: tuple[str, ...] = ("amd64", "arm64")) -> None:
    """Write or replace a repository: suite ``stable``, component ``main``.

    Args:
        site: Its directory, to be served as it is.
        packages: Files of packages.
        key: Signs it.
    """
    shutil.rmtree(site, ignore_errors=True)
    (site / "pool").mkdir(parents=True)
    entries = []
    for file in packages:
        shutil.copy(file, site / "pool")
        control = subprocess.run(["dpkg-deb", "-f", str(file)], check=True, capture_output=True, text=True).stdout
        data = file.read_bytes()
        entries.append(f"{control}Filename: pool/{file.name}\nSize: {len(data)}\nSHA256: {hashlib.sha256(data).hexdigest()}\n")
    index = "\n".join(entries).encode()
    sums = []
    for architecture in architectures:
        for name, data in (("Packages", index), ("Packages.gz", gzip.compress(index, mtime=0))):
            relative = f"main/binary-{architecture}/{name}"
            target = site / "dists/stable" / relative
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
            sums.append(f" {hashlib.sha256(data).hexdigest()} {len(data)} {relative}")
    release = (
        f"Origin: Test\nSuite: stable\nCodename: stable\nArchitectures: {' '.join(architectures)}\nComponents: main\n"
        "Date: Sat, 01 Jan 2022 00:00:00 UTC\nSHA256:\n" + "\n".join(sums) + "\n"
    )
    (site / "dists/stable/InRelease").write_bytes(key.clearsigned(release))


@contextmanager
def serving(site: Path, address: str, asked: list[str]) -> Iterator[str]:
    """Serve a directory at an address of this machine until the block ends; yield its URL.

    Args:
        site: The directory, which may be replaced meanwhile.
        address: Where to listen.
        asked: Gets the path of each request.
    """

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            asked.append(self.path)

    with http.server.ThreadingHTTPServer((address, 0), partial(Handler, directory=str(site))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://{address}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def _gpg(home: Path, *arguments: str, text: str = "") -> bytes:
    done = subprocess.run(
        ["gpg", "--homedir", str(home), "--batch", "--quiet", "--passphrase", "", "--pinentry-mode", "loopback", *arguments],
        input=text.encode(), capture_output=True, check=False, env={**os.environ, "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout
