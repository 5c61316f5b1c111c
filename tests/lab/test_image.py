"""The base image: built on what a registry gives, or from packages; named by its recipe."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.promontory.stack.plugins.plugin_utils import lab_image
from ansible_collections.promontory.stack.plugins.plugin_utils.lab_names import LabError
from ansible_collections.promontory.stack.plugins.plugin_utils.lab_podman import Podman

from tests.lab.clones import PROJECT, Clone

SCRIPT = PROJECT / "roles" / "lab" / "files" / "image.sh"
RECIPE = lab_image.Recipe(
    suite="trixie",
    packages=("python3", "openssh-server"),
    script="true\n",
    mirror="http://deb.example/debian",
    security_mirror="http://deb.example/debian-security",
    apt_settings={"Acquire::http::Proxy": "http://127.0.0.1:3142", "Acquire::Check-Date": "false"},
    authorities=("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",),
)


@pytest.mark.parametrize(
    "other",
    [
        {"suite": "forky"},
        {"packages": ("python3",)},
        {"script": "false\n"},
        {"mirror": "http://elsewhere.example/debian"},
        {"security_mirror": "http://elsewhere.example/debian-security"},
        {"apt_settings": {}},
        {"authorities": ()},
    ],
    ids=lambda other: next(iter(other)),
)
def test_whatever_changes_in_a_recipe_changes_the_image_name(other: dict[str, object]) -> None:
    """Otherwise an old image would be taken for the new one."""
    assert replace(RECIPE, **other).name != RECIPE.name  # type: ignore[arg-type]


def test_equal_recipes_share_an_image() -> None:
    """One build serves all clones of a machine."""
    assert replace(RECIPE).name == RECIPE.name
    assert RECIPE.name.startswith("localhost/promontory-lab:trixie-")


def test_the_image_gets_the_machines_mirror_and_apt_settings_but_not_its_loopback_proxy(tmp_path: Path) -> None:
    """Inside a host 127.0.0.1 is the host: a proxy there would answer nobody."""
    RECIPE.write(tmp_path)

    assert "URIs: http://deb.example/debian\nSuites: trixie trixie-updates\n" in (tmp_path / "sources").read_text()
    assert (tmp_path / "apt.conf").read_text() == 'Acquire::Check-Date "false";\n'
    assert (tmp_path / "packages").read_text() == "python3 openssh-server\n"
    assert (tmp_path / "certificates" / "machine-0.crt").read_text() == f"{RECIPE.authorities[0]}\n"


@pytest.mark.parametrize(
    ("sources", "wanted"),
    [
        (
            ["deb http://m.example/debian trixie main\n"],
            ("http://m.example/debian", "http://deb.debian.org/debian-security"),
        ),
        (
            ["Types: deb\nURIs: https://a.example/debian/\n", "URIs: https://a.example/debian-security\n"],
            ("https://a.example/debian", "https://a.example/debian-security"),
        ),
        (
            ["# deb http://old.example/debian x main\n"],
            ("http://deb.debian.org/debian", "http://deb.debian.org/debian-security"),
        ),
        (
            ["deb [signed-by=/x] http://archive.ubuntu.com/ubuntu noble main\n"],
            ("http://deb.debian.org/debian", "http://deb.debian.org/debian-security"),
        ),
        ([], ("http://deb.debian.org/debian", "http://deb.debian.org/debian-security")),
    ],
    ids=["one-line", "deb822", "commented out", "ubuntu", "none"],
)
def test_the_mirrors_are_those_of_the_machine(sources: list[str], wanted: tuple[str, str]) -> None:
    """A machine behind a mirror makes its hosts behind the same one."""
    assert lab_image.machine_mirrors(sources) == wanted


def test_only_apt_settings_without_which_downloads_fail_are_shared() -> None:
    """The rest of the machine's apt is its own affair."""
    dump = "Acquire::http::Proxy http://p:1\nAcquire::https::p.example::Proxy DIRECT\nAcquire::Languages none\nAcquire::Check-Date false\n"

    assert lab_image.machine_apt_settings(dump) == {
        "Acquire::http::Proxy": "http://p:1",
        "Acquire::https::p.example::Proxy": "DIRECT",
        "Acquire::Check-Date": "false",
    }


def test_only_authorities_beyond_the_usual_ones_are_copied() -> None:
    """Line breaks differ between files that hold the same certificate."""
    usual, own = (f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----" for body in ("AA\nBB", "CCDD"))

    found = lab_image.additional_authorities(
        f"{usual}\n# note\n{own}\n", [usual.replace("AA\nBB", "AABB"), "no certificate"]
    )

    assert found == [own]


@pytest.mark.parametrize(
    ("missing", "said"),
    [("builders", "neither mmdebstrap nor debootstrap"), ("keyring", "debian-archive-keyring"), ("disk", "MiB free")],
)
def test_a_build_that_cannot_end_well_is_not_begun(monkeypatch: pytest.MonkeyPatch, missing: str, said: str) -> None:
    """The message names what is missing and how to get it."""
    if missing == "builders":
        monkeypatch.setattr(lab_image, "has_program", lambda name: False)
    if missing == "keyring":
        monkeypatch.setattr(lab_image, "has_program", lambda name: True)
        monkeypatch.setattr(lab_image, "_KEYRINGS", ("/nonexistent",))

    with pytest.raises(LabError, match=said):
        lab_image.require_means(registry=False, min_free_mb=1 << 40 if missing == "disk" else 0)


@pytest.mark.parametrize("reference", ["", "registry.invalid/library/debian:trixie-slim", "127.0.0.1:1/debian"])
def test_a_registry_that_does_not_answer_is_no_registry(reference: str) -> None:
    """It must not cost minutes to find that out."""
    assert not lab_image.registry_answers(reference)


@pytest.mark.lab
def test_an_image_that_a_lab_uses_is_not_purged(lab: Clone) -> None:
    """Check mode, for other labs of this machine may want the other images."""
    image = str(lab.containers()["one"]["Image"])

    run = lab.remove("-e", "lab_purge_image=true", "--check", "-v")

    assert run.returncode == 0, run.output
    assert image in re.search(r'"kept": \[(.*?)\]', run.output)[1]


@pytest.mark.lab
@pytest.mark.slow
def test_an_image_is_built_on_one_that_is_pulled(lab: Clone, tmp_path: Path) -> None:
    """Where a registry answers, Debian is not bootstrapped; an archive stands for the registry here."""
    podman = Podman(tmp_path)
    base = str(lab.containers()["one"]["Image"])
    archive = tmp_path / "base.tar"
    subprocess.run(["podman", "save", "--quiet", "--format", "oci-archive", "--output", archive, base], check=True)
    packages = ("systemd", "systemd-sysv", "openssh-server", "python3", "ca-certificates")
    recipe = lab_image.machine_recipe("trixie", packages, SCRIPT)

    try:
        source, failure = lab_image.build(podman, recipe, f"oci-archive:{archive}", min_free_mb=0)

        assert (source, failure) == (f"oci-archive:{archive}", "")
        argv = ["run", "--rm", "--network", "none", recipe.name]
        assert "PasswordAuthentication no" in podman.call(*argv, "cat", "/etc/ssh/sshd_config.d/lab.conf")
        assert podman.call(*argv, "sh", "-c", "ls / /etc/ssh").count("lab-image") == 0
        assert recipe.name in lab_image.stored(podman)
    finally:
        podman.attempt("rmi", "--force", recipe.name)
