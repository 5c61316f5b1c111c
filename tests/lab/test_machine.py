"""Machines that cannot hold a lab, and input no lab can be made of: one message, nothing made."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.promontory.stack.plugins.plugin_utils import lab_names, lab_podman

from tests.lab.clones import Clone


def nothing_made(clone: Clone) -> bool:
    """Tell whether the clone is as it was."""
    return not (clone.path / ".lab").exists() and not (clone.inventory / "hosts.generated.yml").exists()


@pytest.fixture
def path_without(tmp_path: Path) -> Callable[..., str]:
    """Give a PATH on which some programs are missing and all others are where they were."""

    def make(*missing: str) -> str:
        directory = tmp_path / "bin"
        directory.mkdir()
        for folder in os.environ["PATH"].split(os.pathsep):
            for program in Path(folder).glob("*"):
                if program.name not in missing and not (directory / program.name).exists():
                    (directory / program.name).symlink_to(program)
        return str(directory)

    return make


@pytest.mark.parametrize(("program", "package"), [("podman", "podman"), ("ssh-keygen", "openssh-client")])
def test_a_missing_program_is_named_with_its_package(
    clone: Clone, path_without: Callable[..., str], program: str, package: str
) -> None:
    """The newcomer sees what to type."""
    run = clone.make(path=path_without(program))

    assert run.returncode != 0
    assert f"{program} is not installed: apt-get install {package}" in run.output
    assert nothing_made(clone)


def test_without_podman_there_is_nothing_to_remove(clone: Clone, path_without: Callable[..., str]) -> None:
    """Removing must work after the programs have gone."""
    (clone.path / ".lab" / "test").mkdir(parents=True)

    run = clone.make("-e", "lab_state=absent", path=path_without("podman"))

    assert run.returncode == 0, run.output
    assert nothing_made(clone)


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ("lab_name=../../etc", "lab_name is '../../etc'"),
        ("lab_name=Lab", "lab_name is 'Lab'"),
        ("lab_state=gone", "value of lab_state must be one of: present, absent, got: gone"),
        ("lab_min_free_mb=much", "lab_min_free_mb"),
    ],
)
def test_wrong_variables_are_refused(clone: Clone, extra: str, said: str) -> None:
    """The message names the variable and its value."""
    run = clone.make("-e", extra)

    assert run.returncode != 0
    assert said in run.output
    assert nothing_made(clone)


@pytest.mark.lab
def test_a_pool_without_a_free_subnet_is_refused(clone: Clone) -> None:
    """Both a typing error and a pool that is all in use."""
    run = clone.make("-e", "lab_subnet_pool=10.231.0.0/33")

    assert run.returncode != 0
    assert "lab_subnet_pool is '10.231.0.0/33'" in run.output
    assert clone.containers() == {}


def test_an_inventory_without_lab_hosts_is_refused(clone: Clone) -> None:
    """Somebody's production inventory is no lab."""
    (clone.inventory / "hosts.yml").write_text("all: {hosts: {web1: {}}}\n", encoding="utf-8")

    run = clone.make()

    assert run.returncode != 0
    assert "no host in the group lab_hosts" in run.output
    assert nothing_made(clone)


def test_an_inventory_file_in_place_of_its_directory_is_refused(clone: Clone) -> None:
    """The addresses written beside the file would never be read."""
    argv = clone.argv()
    argv[argv.index("-i") + 1] = str(clone.inventory / "hosts.yml")

    run = clone.run(argv)

    assert run.returncode != 0
    assert f"Name the directory: -i {clone.inventory}" in run.output
    assert nothing_made(clone)


@pytest.mark.parametrize("host", ["web_1", "Web", "a" * 33, "-x"])
def test_names_no_machine_can_have_are_refused(host: str) -> None:
    """The host's name becomes a hostname and part of a container's name."""
    with pytest.raises(lab_names.LabError, match=r"lab host .* cannot be the name of a machine"):
        lab_names.check_names("lab", [host])


def test_runc_alone_serves_hybrid_control_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """There, crun cannot give systemd what it needs."""
    monkeypatch.setattr(lab_podman, "has_program", lambda name: True)

    assert lab_podman.runtime_name(unified=False) == "runc"
    assert lab_podman.runtime_name(unified=True) == "crun"


def test_a_missing_runtime_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """crun is installed and does not help."""
    monkeypatch.setattr(lab_podman, "has_program", lambda name: name == "crun")

    with pytest.raises(lab_names.LabError, match="legacy or hybrid cgroups") as raised:
        lab_podman.runtime_name(unified=False)

    assert "apt-get install runc" in str(raised.value)


@pytest.mark.parametrize(
    ("limits", "wanted"),
    [
        ({"nofile": 20000, "nproc": 96365}, '["nofile=20000:20000", "nproc=32768:32768"]'),
        ({"nofile": -1, "nproc": 100}, '["nofile=1048576:1048576", "nproc=100:100"]'),
    ],
    ids=["bounded", "unlimited"],
)
def test_limits_stay_at_or_below_the_callers(limits: dict[str, int], wanted: str) -> None:
    """A process without CAP_SYS_RESOURCE may not raise them, and podman's own defaults do."""
    text = lab_podman.settings("runc", limits)

    assert f"default_ulimits = {wanted}" in text
    assert 'cgroup_manager = "cgroupfs"' in text
    assert 'events_logger = "file"' in text


@pytest.mark.parametrize(
    ("text", "version"),
    [("podman version 4.3.1", (4, 3)), ("podman version 5.4.0-dev", (5, 4)), ("", (0,))],
)
def test_podmans_version_is_read(text: str, version: tuple[int, ...]) -> None:
    """An old one is refused by name."""
    assert lab_podman.podman_version(text) == version


def test_others_than_root_go_through_sudo(monkeypatch: pytest.MonkeyPatch) -> None:
    """A question for a password would hang a run that nobody watches."""
    monkeypatch.setattr(lab_podman.os, "geteuid", lambda: 1000)

    assert lab_podman.as_root(["podman", "ps"]) == ["sudo", "-n", "podman", "ps"]
