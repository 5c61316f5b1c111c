"""The base image of lab hosts: its recipe, and how it is made from a registry or from packages."""

from __future__ import annotations

import glob
import re
import tempfile
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.promontory.stack.plugins.module_utils import commands
from ansible_collections.promontory.stack.plugins.plugin_utils.lab_names import LABEL, LabError, fingerprint
from ansible_collections.promontory.stack.plugins.plugin_utils.lab_podman import (
    STORE,
    Podman,
    alone,
    as_root,
    free_mb,
    has_program,
)

REPOSITORY = "localhost/promontory-lab"
_DEBIAN = "http://deb.debian.org/debian"
_DEBIAN_SECURITY = "http://deb.debian.org/debian-security"
_KEYRINGS = ("/usr/share/keyrings/debian-archive-keyring.pgp", "/usr/share/keyrings/debian-archive-keyring.gpg")
_KEYRING_INSIDE = "/usr/share/keyrings/debian-archive-keyring.gpg"
_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
_USUAL_AUTHORITIES = "/usr/share/ca-certificates/**/*.crt"
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
_APT_SETTING = re.compile(r"Acquire::(?:https?::.*Proxy.*|Check-Valid-Until|Check-Date)", re.IGNORECASE)
_LOCK = Path("/run/lock/promontory-lab-image.lock")
_SCRATCH = Path("/var/tmp")  # noqa: S108  what is made there lies in a directory of its own (tempfile)
_PROBE_TIMEOUT_S = 3.0
_BUILD_TIMEOUT_S = 600.0


@dataclass(frozen=True)
class Recipe:
    """Everything an image depends on; two equal recipes share one image.

    Args:
        suite: Debian release, for example trixie.
        packages: Debian packages beyond the essential ones.
        script: Text of the script that makes a bare tree a lab host.
        mirror: URL of the Debian archive.
        security_mirror: URL of the Debian security archive.
        apt_settings: Settings of the machine's apt that the image shares.
        authorities: PEM certificates the machine trusts beyond Debian's.
    """

    suite: str
    packages: Sequence[str]
    script: str
    mirror: str
    security_mirror: str
    apt_settings: Mapping[str, str]
    authorities: Sequence[str]

    @property
    def name(self) -> str:
        """Name under which the image is stored."""
        parts = [self.suite, *self.packages, self.script, self.mirror, self.security_mirror]
        mark = fingerprint([parts, dict(self.apt_settings), sorted(self.authorities)])
        return f"{REPOSITORY}:{self.suite}-{mark}"

    @property
    def sources(self) -> str:
        """apt's sources of the image, in deb822 form."""
        return "\n".join(
            f"Types: deb\nURIs: {uri}\nSuites: {suites}\nComponents: main\nSigned-By: {_KEYRING_INSIDE}\n"
            for uri, suites in (
                (self.mirror, f"{self.suite} {self.suite}-updates"),
                (self.security_mirror, f"{self.suite}-security"),
            )
        )

    def write(self, directory: Path) -> None:
        """Write what the script expects beside itself."""
        # Inside a lab host the machine's loopback is not the machine.
        settings = {k: v for k, v in self.apt_settings.items() if not re.search(r"//(127\.|localhost)", v)}
        conf = "".join(f'{key} "{value}";\n' for key, value in settings.items())
        (directory / "certificates").mkdir()
        for number, certificate in enumerate(self.authorities):
            (directory / "certificates" / f"machine-{number}.crt").write_text(certificate + "\n", encoding="ascii")
        if _BUNDLE.exists():
            (directory / "bundle").write_text(_read(_BUNDLE), encoding="ascii", errors="replace")
        (directory / "sources").write_text(self.sources, encoding="utf-8")
        (directory / "apt.conf").write_text(conf, encoding="utf-8")
        (directory / "packages").write_text(" ".join(self.packages) + "\n", encoding="utf-8")
        (directory / "image.sh").write_text(self.script, encoding="utf-8")


def machine_mirrors(sources: Sequence[str]) -> tuple[str, str]:
    """Choose the Debian archive and security archive from the texts of apt's source files.

    apt itself is not asked: it reads all its package lists before it answers.

    Args:
        sources: Files in one-line or deb822 form; a machine that is no Debian names no archive that
            fits, and gets Debian's own.
    """
    active = [line for text in sources for line in text.splitlines() if not line.lstrip().startswith("#")]
    uris = [word.rstrip("/") for line in active for word in line.split() if "://" in word]
    main = [uri for uri in uris if uri.endswith("/debian")]
    security = [uri for uri in uris if uri.endswith("/debian-security")]
    return (main or [_DEBIAN])[0], (security or [_DEBIAN_SECURITY])[0]


def machine_apt_settings(dump: str) -> dict[str, str]:
    """Choose, from what `apt-config dump` prints, the settings without which apt fails here."""
    pairs = (line.partition(" ") for line in dump.splitlines())
    return {key: value for key, _, value in pairs if value and _APT_SETTING.fullmatch(key)}


def additional_authorities(bundle: str, usual: Sequence[str]) -> list[str]:
    """Return the certificates of a PEM bundle that none of the usual PEM texts holds."""

    def bare(pem: str) -> str:
        return "".join(pem.split())

    known = {bare(one) for text in usual for one in _CERTIFICATE.findall(text)}
    return [one for one in _CERTIFICATE.findall(bundle) if bare(one) not in known]


def machine_recipe(suite: str, packages: Sequence[str], script: Path, mirror: str = "") -> Recipe:
    """Make the recipe of this machine's base image.

    Args:
        mirror: Debian archive to use in place of the machine's own; "" keeps the machine's.
    """
    sources = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*.*"))]
    dump = commands.run(["apt-config", "dump", "--no-empty", "--format", "%f %v%n", "Acquire"])
    main, security = machine_mirrors([_read(path) for path in sources])
    usual = [_read(Path(name)) for name in glob.glob(_USUAL_AUTHORITIES, recursive=True)]
    return Recipe(
        suite=suite,
        packages=tuple(packages),
        script=script.read_text(encoding="utf-8"),
        mirror=mirror.rstrip("/") or main,
        security_mirror=security,
        apt_settings=machine_apt_settings(dump.stdout if dump.returncode == 0 else ""),
        authorities=additional_authorities(_read(_BUNDLE), usual) if usual and _BUNDLE.exists() else [],
    )


def registry_answers(reference: str) -> bool:
    """Tell whether the registry of an image reference speaks to this machine, within seconds.

    A reference with a transport (oci-archive:/path) is taken at its word.
    """
    if not reference:
        return False
    if re.match(r"(oci|oci-archive|docker-archive|dir|containers-storage):", reference):
        return True
    host = reference.removeprefix("docker://").split("/")[0]
    url = f"https://{'registry-1.docker.io' if host == 'docker.io' else host}/v2/"
    try:
        with urllib.request.urlopen(url, timeout=_PROBE_TIMEOUT_S) as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError as error:
        return error.code == 401  # the registry's way of saying yes
    except OSError:
        return False


def require_means(registry: bool, min_free_mb: int) -> None:
    """Refuse to begin a build that cannot end well.

    Raises:
        LabError: No builder, no keyring or too little disk.
    """
    for place in (STORE, _SCRATCH):
        if free_mb(place) < min_free_mb:
            raise LabError(
                f"{place} has {free_mb(place)} MiB free; making the lab's base image needs {min_free_mb}.",
                "Free some disk, or lower lab_min_free_mb if you know better.",
            )
    if registry:
        return
    if not (has_program("mmdebstrap") or has_program("debootstrap")):
        raise LabError(
            "The lab's base image cannot be made: no container registry gives one, and neither mmdebstrap nor "
            "debootstrap is installed.",
            "Install one: apt-get install mmdebstrap",
        )
    if not any(Path(one).exists() for one in _KEYRINGS):
        raise LabError(
            "The lab's base image cannot be made: the keys of the Debian archive are missing.",
            "Install them: apt-get install debian-archive-keyring",
        )


def build(podman: Podman, recipe: Recipe, registry: str, min_free_mb: int) -> tuple[str, str]:
    """Make and store the image of a recipe.

    Returns:
        Where it came from, and what the registry's way failed with, if that was tried in vain.

    Raises:
        LabError: Neither way worked; the message ends with the builder's last words.
    """
    with alone(_LOCK):
        if podman.has_image(recipe.name):
            return "another run on this machine", ""
        reachable = registry_answers(registry)
        require_means(reachable, min_free_mb)
        with tempfile.TemporaryDirectory(prefix="promontory-lab-", dir=_SCRATCH) as scratch:
            context = Path(scratch) / "context"
            context.mkdir()
            recipe.write(context)
            failure = ""
            if reachable:
                failure = _from_registry(podman, recipe, registry, context)
                if not failure:
                    return registry, ""
                require_means(False, min_free_mb)
            _from_packages(podman, recipe, Path(scratch))
    return recipe.mirror, failure


def stored(podman: Podman) -> list[str]:
    """Return the names of all base images of labs on this machine."""
    listed = podman.call("images", "--filter", f"label={LABEL}.image", "--format", "{{.Repository}}:{{.Tag}}")
    return sorted(name for name in listed.split() if name.startswith(f"{REPOSITORY}:"))


def _from_registry(podman: Podman, recipe: Recipe, reference: str, context: Path) -> str:
    """Build on an image of a registry; return what podman failed with, or nothing."""
    pulled = podman.attempt("pull", "--quiet", reference, timeout_s=_BUILD_TIMEOUT_S)
    if pulled.returncode != 0:
        return commands.output(pulled, lines=3)
    base = pulled.stdout.split()[-1]
    (context / "Containerfile").write_text(
        f"FROM {base}\nCOPY . /lab-image/\nRUN sh /lab-image/image.sh && rm -rf /lab-image\n"
        f'LABEL {LABEL}.image="{recipe.suite}"\nCMD ["/sbin/init"]\n',
        encoding="utf-8",
    )
    options = ["--quiet", "--network", "host", "--layers=false", "--force-rm", "--tag", recipe.name]
    built = podman.attempt("build", *options, str(context), timeout_s=_BUILD_TIMEOUT_S)
    return "" if built.returncode == 0 else commands.output(built, lines=3)


def _from_packages(podman: Podman, recipe: Recipe, scratch: Path) -> None:
    """Bootstrap Debian from its packages and import the tree."""
    hook = scratch / "hook.sh"
    hook.write_text(
        f'set -eu\ncp -r "{scratch}/context" "$1/lab-image"\n'
        'chroot "$1" sh /lab-image/image.sh\nrm -rf "$1/lab-image"\n',
        encoding="utf-8",
    )
    if has_program("mmdebstrap"):
        tree = scratch / "tree.tar"
        _must(["env", f"TMPDIR={scratch}", *_mmdebstrap(recipe, hook, tree)])
    else:
        root, tree = scratch / "root", scratch / "tree.tar"
        try:
            _must(_debootstrap(recipe, root))
            _must(["sh", str(hook), str(root)])
            _must(["tar", "--numeric-owner", "--xattrs", "--one-file-system", "-C", str(root), "-cf", str(tree), "."])
        finally:
            _must(["rm", "-rf", "--one-file-system", str(root)])
    changes = ('CMD ["/sbin/init"]', f"LABEL {LABEL}.image={recipe.suite}")
    options = [part for change in changes for part in ("--change", change)]
    podman.call("import", "--quiet", *options, str(tree), recipe.name, timeout_s=_BUILD_TIMEOUT_S)


def _mmdebstrap(recipe: Recipe, hook: Path, tree: Path) -> list[str]:
    """Return the mmdebstrap command of a recipe."""
    keyring = next(one for one in _KEYRINGS if Path(one).exists())
    settings = [f'--aptopt={key} "{value}"' for key, value in recipe.apt_settings.items()]
    excluded = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("doc", "man", "locale")]
    return [
        "mmdebstrap",
        "--mode=root",
        "--variant=apt",
        "--format=tar",
        f"--keyring={keyring}",
        f"--include={','.join(recipe.packages)}",
        f'--customize-hook=sh "{hook}" "$1"',
        *settings,
        *excluded,
        recipe.suite,
        str(tree),
        f"deb {recipe.mirror} {recipe.suite} main",
        f"deb {recipe.mirror} {recipe.suite}-updates main",
        f"deb {recipe.security_mirror} {recipe.suite}-security main",
    ]


def _debootstrap(recipe: Recipe, root: Path) -> list[str]:
    """Return the debootstrap command of a recipe; the script installs what it leaves out."""
    keyring = next(one for one in _KEYRINGS if Path(one).exists())
    options = ["--variant=minbase", "--include=ca-certificates", f"--keyring={keyring}"]
    return ["debootstrap", *options, recipe.suite, str(root), recipe.mirror]


def _must(argv: Sequence[str]) -> None:
    """Run a program that has to succeed, as root."""
    result = commands.run(as_root(argv), timeout_s=_BUILD_TIMEOUT_S)
    if result.returncode != 0:
        program = next(word for word in argv if word != "env" and "=" not in word)
        raise LabError(
            f"{program} could not make the lab's base image: {commands.output(result, lines=12)}",
            "Check that this machine reaches the Debian archive it names (lab_image_mirror).",
        )


def _read(path: Path) -> str:
    return path.read_text(encoding="ascii", errors="replace") if path.is_file() else ""
