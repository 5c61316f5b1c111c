"""Unfit hosts are refused with what they are and what would do."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.promontory.stack.plugins.plugin_utils.host_check import judge_host


def facts(**changes: Any) -> dict[str, Any]:
    return {
        "os": {"id": "debian", "version": "13", "codename": "trixie", "family": "debian"},
        "architecture": "amd64",
        "python": "3.13.5",
        "systemd": 257,
        "free_mb": {"/opt": 5000, "/etc": 5000, "/var/lib": 5000},
        **changes,
    }


def system(identity: str, version: str, codename: str = "") -> dict[str, Any]:
    return facts(os={"id": identity, "version": version, "codename": codename, "family": identity})


@pytest.mark.parametrize(
    "host",
    [
        facts(),
        system("debian", "12"),
        system("ubuntu", "22.04"),
        system("ubuntu", "24.04"),
        system("ubuntu", "26.04"),
        {**system("amzn", "2023"), "python": "3.9.16", "systemd": 252, "architecture": "arm64"},
        facts(systemd=247, free_mb={"/opt": 1024}),
    ],
    ids=["debian 13", "debian 12", "jammy", "noble", "26.04", "amazon linux on arm", "just enough"],
)
def test_a_fit_host_passes(host: dict[str, Any]) -> None:
    assert judge_host(host, min_free_mb=1024) == []


UNFIT: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "old debian": (system("debian", "11", "bullseye"), ("Debian 11", "Debian 12, 13")),
    "debian testing": (system("debian", "", "forky"), ("Debian forky", "not supported")),
    "between the releases": (system("ubuntu", "23.10"), ("Ubuntu 23.10", "24.04")),
    "other system": (system("fedora", "43"), ("fedora 43", "Amazon Linux 2023")),
    "no version": (system("arch", ""), ("operating system is arch,",)),
    "old python": (facts(python="3.8.10"), ("Python is 3.8.10", "3.9", "ansible_python_interpreter")),
    "very old python": (facts(python="2.7.18"), ("2.7.18",)),
    "architecture": (facts(architecture="armv7l"), ("armv7l", "amd64 and arm64")),
    "no systemd": (facts(systemd=0), ("systemd does not run",)),
    "old systemd": (facts(systemd=245), ("systemd is 245", "247")),
    "full disk": (
        facts(free_mb={"/opt": 100, "/etc": 5000, "/var/lib": 1023}),
        ("100 MB below /opt, 1023 MB below /var/lib; 1024 MB are wanted", "stack_min_free_mb"),
    ),
}


@pytest.mark.parametrize(("host", "words"), UNFIT.values(), ids=UNFIT.keys())
def test_an_unfit_host_is_told_why(host: dict[str, Any], words: tuple[str, ...]) -> None:
    said = judge_host(host, min_free_mb=1024)

    assert len(said) == 1, said
    assert all(word in said[0] for word in words), said


def test_everything_wrong_is_said_at_once() -> None:
    host = facts(os={"id": "arch", "version": ""}, architecture="mips", python="3.6", systemd=0, free_mb={"/opt": 1})

    assert len(judge_host(host, min_free_mb=1024)) == 5
