"""A program from its publisher's own APT repository: signed by the pinned key, on a host whose apt stays as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.host.beacon import PORT, PROGRAM, Beacon, look, serves
from tests.host.target import Target
from tests.support import apt_repository
from tests.support.apt_repository import SigningKey, signing_key

pytestmark = pytest.mark.lab

OLD = Beacon(version="1.0.0", text="old")
NEW = Beacon(version="1.1.0", text="new")
# All that a run could leave behind or touch, apt's own places with times and sizes.
PLACES = "/etc/apt /var/lib/apt /var/cache/apt /var/tmp /run/promontory /opt/beacon /etc/beacon /var/lib/promontory /root/.ansible/tmp"
FILES = "cd /opt/beacon/1.0.0 && find . -type f ! -name '.promontory-*' -printf '%p %m %u ' -exec sha256sum {} ';' | sort"


@dataclass
class Repository:
    """A repository on the lab's network.

    Attributes:
        url: Its address, for the host and the controller.
        site: Its directory.
        key: The pinned one.
        asked: Paths that were asked for.
    """

    url: str
    site: Path
    key: SigningKey
    asked: list[str] = field(default_factory=list)

    def publish(self, key: SigningKey, *, shown: SigningKey | None = None) -> None:
        """Publish both versions, signed by a key; ``shown`` is the one that lies at its key_url."""
        debs = [self._package(version) for version in ("1.0.0", "1.1.0", "1.2.0")]
        apt_repository.publish(self.site, debs, key)
        (self.site / "gpg.key").write_bytes((shown or key).exported())
        self.asked.clear()

    def arguments(self, target: Target, beacon: Beacon, **release: Any) -> dict[str, Any]:
        """The component task's arguments, with its archive out of reach."""
        declared = beacon.arguments(target)
        declared["release"] |= {
            "install_from": "auto",
            "archive": {"url": self.url + "/{version}/nowhere.tar.gz"},
            "packages": ["beacon"],
            "package_files": {"usr/share/beacon/beacon.py": "beacon.py", "usr/share/beacon/ballast": "ballast"},
            "apt_source": {
                "uri": self.url,
                "suite": "stable",
                "components": ["main"],
                "key_url": self.url + "/gpg.key",
                "fingerprint": self.key.fingerprint,
            },
            **release,
        }
        return declared

    def _package(self, version: str) -> Path:
        text = PROGRAM.replace("@VERSION@", version).replace("@PORT@", str(PORT)).replace("@MORE@", "")
        files = {"usr/share/beacon/beacon.py": (text, 0o755), "usr/share/beacon/ballast": ("", 0o755)}
        return apt_repository.package("beacon", version, files, self.site.parent / "debs")


@pytest.fixture(scope="module")
def other() -> Iterator[SigningKey]:
    with signing_key("rsa2048", "Other") as made:
        yield made


@pytest.fixture(scope="module")
def served(lab_host: Target, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repository]:
    """The repository, at the address by which the lab's network reaches this machine."""
    gateway = lab_host.shell("ip -4 route show default").split()[2]
    site = tmp_path_factory.mktemp("apt") / "site"
    asked: list[str] = []

    with signing_key("rsa2048") as key, apt_repository.serving(site, gateway, asked) as url:
        yield Repository(url, site, key, asked)


@pytest.fixture
def repository(served: Repository, target: Target) -> Repository:
    """The repository as its publisher has it, and a clean host with no key in the cache."""
    target.shell("rm -rf /run/promontory/apt; mkdir -p /root/.ansible/tmp")
    for kept in target.cache.glob("apt-key-*"):
        kept.unlink()
    served.publish(served.key)
    return served


def _left(target: Target) -> str:
    # But for the times of directories in which something came and went: scratch, Ansible's own, and staged releases.
    passing = "^(/var/tmp|/root/.ansible/tmp|/opt/beacon|/etc/beacon) "
    found = target.shell(f"find {PLACES} -printf '%p %T@ %s\\n' 2>/dev/null | sort", check=False)
    return "\n".join(line for line in found.splitlines() if not re.match(passing, line))


def _apt(left: str) -> list[str]:
    return [line for line in left.splitlines() if "/apt" in line]


def test_check_mode_judges_the_set_and_leaves_nothing(target: Target, repository: Repository) -> None:
    before = _left(target)

    run = target.declare(repository.arguments(target, OLD), options=["--check", "--diff"])

    assert run.returncode == 0, run.output
    assert run.changed == 1
    assert "1.0.0 (repository, 1.0.0)" in run.output
    assert _left(target) == before


def test_the_pinned_version_lies_as_from_the_archive_and_stays(target: Target, repository: Repository) -> None:
    target.declared(OLD.arguments(target))
    from_archive = target.shell(FILES)
    target.declared({"name": "beacon", "state": "absent", "purge_data": True})
    apt = _apt(_left(target))

    target.declared(repository.arguments(target, OLD))

    assert serves(target, OLD), "1.2.0 is there too, 1.0.0 was asked for"
    assert target.shell(FILES) == from_archive
    assert _apt(_left(target)) == apt
    assert target.shell("ls -d /run/promontory/apt /var/tmp/promontory* 2>/dev/null", check=False) == ""

    repository.asked.clear()
    assert target.declared(repository.arguments(target, OLD)).changed == 0
    assert repository.asked == []

    target.shell("rm /opt/beacon/1.0.0/ballast")
    assert target.declared(repository.arguments(target, OLD)).changed == 1
    assert target.shell(FILES) == from_archive


@pytest.mark.parametrize("install_from", ["auto", "repository"])
def test_a_repository_signed_by_another_key_is_refused(
    target: Target, repository: Repository, other: SigningKey, install_from: str
) -> None:
    target.declared(repository.arguments(target, OLD))
    before = _left(target)
    repository.publish(other, shown=repository.key)

    run = target.declare(repository.arguments(target, NEW, install_from=install_from))

    assert run.returncode == 2
    assert f"beacon: {repository.url} is not signed by the pinned key; nothing is taken from it." in run.output
    assert serves(target, OLD)
    assert _left(target) == before


def test_another_key_at_its_place_is_refused_before_the_host_sees_it(
    target: Target, repository: Repository, other: SigningKey
) -> None:
    repository.publish(other)

    run = target.declare(repository.arguments(target, OLD))

    assert run.returncode == 2
    assert f"gpg.key has the fingerprint {other.fingerprint}, wanted {repository.key.fingerprint}." in run.output
    assert look(target)["disk"] is None
    assert not [path for path in repository.asked if path.startswith("/dists")]


def test_a_key_slipped_in_below_the_pinned_one_signs_nothing(
    target: Target, repository: Repository, other: SigningKey
) -> None:
    """The fingerprint is the primary key's alone; that a subkey belongs to it is for apt's verifier to judge."""
    repository.publish(other)
    (repository.site / "gpg.key").write_bytes(apt_repository.with_foreign_subkey(repository.key, other))

    run = target.declare(repository.arguments(target, OLD))

    assert run.returncode == 2
    assert "is not signed by the pinned key" in run.output
    assert look(target)["disk"] is None


def test_a_version_it_does_not_have_is_told_with_those_it_has(target: Target, repository: Repository) -> None:
    run = target.declare(repository.arguments(target, OLD.but(version="9.0.0"), install_from="repository"))

    assert run.returncode == 2
    assert f"{repository.url} does not offer beacon 9.0.0: it has 1.2.0, 1.1.0, 1.0.0." in run.output
    assert look(target)["disk"] is None
