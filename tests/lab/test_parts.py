"""Names, addresses, keys, arguments and settings files of a lab, as plain values."""

from __future__ import annotations

import configparser
import io
import re
import shlex
import tarfile
from pathlib import Path

import pytest
import yaml
from ansible_collections.promontory.stack.plugins.plugin_utils import lab_container, lab_inventory, lab_keys, lab_names
from ansible_collections.promontory.stack.plugins.plugin_utils.lab_podman import Podman, _true_state

from tests.lab.clones import PROJECT

ALL_CAPABILITIES = (1 << 41) - 1
LAB = lab_container.Lab(
    project="/home/me/clone",
    name="lab",
    hosts=("one",),
    image="localhost/promontory-lab:trixie-0",
    authorized_key="ssh-ed25519 AAAA me",
    host_keys={"one": ("PRIVATE", "ssh-ed25519 BBBB one")},
)


def test_clones_have_names_of_their_own_and_links_to_them_have_not(tmp_path: Path) -> None:
    """The path tells clones apart, however it is written."""
    (tmp_path / "link").symlink_to(tmp_path / "a")

    assert lab_names.clone_id(str(tmp_path / "a")) != lab_names.clone_id(str(tmp_path / "b"))
    assert lab_names.clone_id(str(tmp_path / "link")) == lab_names.clone_id(str(tmp_path / "a"))
    assert lab_names.container_name("0a1b2c", "lab", "one") == "promontory-0a1b2c-lab-one"


def test_a_subnet_overlaps_nothing_in_use() -> None:
    """Neither a route of the machine nor a network of podman, be it larger or smaller."""
    taken = ["10.9.0.0/25", "10.9.2.0/23", "192.168.0.0/16"]

    assert lab_names.free_subnet("10.9.0.0/22", taken, "seed") == "10.9.1.0/24"


def test_a_pool_that_is_all_in_use_is_refused() -> None:
    """The message names the variable."""
    with pytest.raises(lab_names.LabError, match="lab_subnet_pool"):
        lab_names.free_subnet("10.9.0.0/23", ["10.9.0.0/16"], "seed")


def test_a_host_keeps_its_address_when_others_come() -> None:
    """A new host with an earlier name must not move the others; a foreign address is given up."""
    kept = {"m": "10.9.1.10", "z": "10.8.1.11"}

    assert lab_names.addresses("10.9.1.0/24", ["z", "m", "a"], kept) == {
        "a": "10.9.1.11",
        "m": "10.9.1.10",
        "z": "10.9.1.12",
    }


def test_routes_of_the_machine_are_read() -> None:
    """The default route covers everything and says nothing."""
    text = (
        "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
        "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
        "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
    )

    assert lab_names.routed_networks(text) == ["192.0.2.0/24"]


@pytest.mark.parametrize("unified", [True, False], ids=["v2", "hybrid"])
def test_systemd_is_told_to_run_on_legacy_cgroups_only_there(unified: bool) -> None:
    """On a unified hierarchy the setting would be a warning at best."""
    arguments = lab_container.create_arguments(LAB, "one", "10.9.1.10", unified=unified, bounding=ALL_CAPABILITIES)

    assert ("SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1" in arguments) is not unified
    assert arguments[-2:] == [LAB.image, "/sbin/init"]


def test_only_capabilities_that_the_caller_has_are_handed_on() -> None:
    """podman refuses to make a container with any other."""
    without = ALL_CAPABILITIES & ~(1 << 24)

    arguments = lab_container.create_arguments(LAB, "one", "10.9.1.10", unified=True, bounding=without)

    handed = arguments[arguments.index("--cap-add") + 1].split(",")
    assert "SYS_RESOURCE" not in handed
    assert "SYS_ADMIN" in handed


def test_a_host_is_another_when_image_address_or_key_changes() -> None:
    """That is when an existing container cannot be kept."""
    forms = {
        lab_container.form(LAB, "one", "10.9.1.10"),
        lab_container.form(LAB, "one", "10.9.1.11"),
        lab_container.form(_lab(image="other"), "one", "10.9.1.10"),
        lab_container.form(_lab(authorized_key="other"), "one", "10.9.1.10"),
        lab_container.form(_lab(host_keys={"one": ("P", "other")}), "one", "10.9.1.10"),
    }

    assert len(forms) == 5
    assert lab_container.form(_lab(), "one", "10.9.1.10") in forms


def test_a_host_gets_its_keys_with_the_modes_sshd_asks_for() -> None:
    """sshd ignores keys that others could have written."""
    with tarfile.open(fileobj=io.BytesIO(lab_container.identity_archive(LAB, "one"))) as archive:
        modes = {member.name: member.mode for member in archive}
        key = archive.extractfile("etc/ssh/ssh_host_ed25519_key")
        assert key is not None
        assert key.read() == b"PRIVATE\n"

    assert modes["root/.ssh"] == 0o700
    assert modes["root/.ssh/authorized_keys"] == modes["etc/ssh/ssh_host_ed25519_key"] == 0o600


def test_the_inventory_survives_spaces_in_the_clones_path() -> None:
    """Ansible splits the arguments once, ssh its options once more."""
    made = {"one": {"container": "promontory-0-lab-one", "id": "0123456789abcdef", "address": "10.9.1.10"}}

    tree = yaml.safe_load(lab_inventory.inventory_text(made, Path("/home/me/my clone/.lab/lab")))

    said = tree["all"]["children"]["lab_hosts"]["hosts"]["one"]
    options = shlex.split(said["ansible_ssh_common_args"])
    assert 'UserKnownHostsFile="/home/me/my clone/.lab/lab/ssh/known_hosts"' in options
    assert "StrictHostKeyChecking=yes" in options
    assert said["ansible_control_path"] % {"directory": "/x"} == "/x/lab-0123456789-%r"


def test_keys_are_made_once_and_mended(tmp_path: Path) -> None:
    """A run killed inside ssh-keygen leaves one half; a copy from elsewhere leaves two that do not fit."""
    first = lab_keys.ensure(tmp_path / "ssh", ["a", "b"])
    again = lab_keys.ensure(tmp_path / "ssh", ["a", "b"])
    (tmp_path / "ssh" / "hosts" / "a.pub").unlink()
    (tmp_path / "ssh" / "id_ed25519.pub").write_text(first.hosts["b"][1], encoding="ascii")
    mended = lab_keys.ensure(tmp_path / "ssh", ["a", "b"])

    assert again.written == []
    assert mended.hosts["b"] == first.hosts["b"]
    assert mended.hosts["a"] != first.hosts["a"]
    assert mended.authorized not in (first.authorized, first.hosts["b"][1])
    pinned = (tmp_path / "ssh" / "known_hosts").read_text(encoding="ascii").splitlines()
    assert pinned == [f"{host} {' '.join(mended.hosts[host][1].split()[:2])}" for host in ("a", "b")]


def test_keys_of_hosts_that_are_gone_are_removed(tmp_path: Path) -> None:
    """What is not needed is not kept."""
    lab_keys.ensure(tmp_path / "ssh", ["a", "b"])

    lab_keys.ensure(tmp_path / "ssh", ["b"])

    assert sorted(path.name for path in (tmp_path / "ssh" / "hosts").iterdir()) == ["b", "b.pub"]


@pytest.mark.parametrize(
    ("state", "pid", "wanted"),
    [("exited", 0, "exited"), ("running", 1 << 22, "dead"), ("stopping", 1 << 22, "dead"), ("running", 1, "dead")],
    ids=["stopped", "no process", "half stopped", "another's process"],
)
def test_a_container_is_running_only_when_its_process_is_there(state: str, pid: int, wanted: str) -> None:
    """podman believes what it last heard; process ids are used again."""
    assert _true_state(state, "f" * 64, pid) == wanted


def test_both_settings_files_of_ansible_say_the_same() -> None:
    """Runs from the clone and from inside playbooks/ behave alike; only relative paths differ."""
    top, inside = configparser.ConfigParser(interpolation=None), configparser.ConfigParser(interpolation=None)
    top.read(PROJECT / "ansible.cfg")
    inside.read(PROJECT / "playbooks" / "ansible.cfg")

    paths = {"inventory", "collections_path"}
    assert top.sections() == inside.sections()
    for section in top.sections():
        assert {k: v for k, v in top[section].items() if k not in paths} == {
            k: v for k, v in inside[section].items() if k not in paths
        }
    for name in paths:
        assert (PROJECT / top["defaults"][name]).resolve() == (
            PROJECT / "playbooks" / inside["defaults"][name]
        ).resolve()


@pytest.mark.parametrize(
    ("inventory", "left_out"),
    [
        ("inventories/lab", set()),
        ("molecule/default/inventory", {"grafana"}),   # it is in no registry, so CI has none
        ("molecule/cluster/inventory", {"grafana", "postgresql"}),
    ],
)
def test_labs_have_all_programs_and_names_of_their_own(inventory: str, left_out: set[str]) -> None:
    """A group forgotten in one inventory is a program no test runs."""
    tree = yaml.safe_load((PROJECT / inventory / "hosts.yml").read_text(encoding="utf-8"))
    groups = tree["all"]["children"]
    settings = yaml.safe_load((PROJECT / inventory / "group_vars" / "all.yml").read_text(encoding="utf-8"))

    registry = yaml.safe_load((PROJECT / "roles/common/defaults/main/components.yml").read_text(encoding="utf-8"))
    # What runs beside another program needs no group of its own.
    named = {name for name, line in registry["stack_components"].items() if "beside" not in line}
    assert set(groups) == {"lab_hosts", *named} - left_out
    assert {host for group in groups.values() for host in group["hosts"]} == set(groups["lab_hosts"]["hosts"])
    lab_names.check_names(settings["lab_name"], list(groups["lab_hosts"]["hosts"]))


def test_the_example_to_copy_names_only_groups_and_variables_that_exist() -> None:
    """Preflight refuses a name that no role knows; the example must not be where people get it from."""
    registry = yaml.safe_load((PROJECT / "roles/common/defaults/main/components.yml").read_text(encoding="utf-8"))
    tree = yaml.safe_load((PROJECT / "inventories/static/hosts.yml").read_text(encoding="utf-8"))
    text = (PROJECT / "inventories/static/group_vars/all.yml").read_text(encoding="utf-8")
    known: set[str] = set()
    for specs in PROJECT.glob("roles/*/meta/argument_specs.yml"):
        for entry in yaml.safe_load(specs.read_text(encoding="utf-8"))["argument_specs"].values():
            known |= set(entry.get("options", {}))

    offered = set(re.findall(r"^(?:# )?([a-z_]+): ", text, re.MULTILINE))

    assert offered
    assert offered <= known
    assert set(tree["all"]["children"]) <= set(registry["stack_components"])


@pytest.mark.lab
def test_podmans_settings_are_written_into_the_labs_directory(tmp_path: Path) -> None:
    """The machine's own settings stay untouched, and what the lab used can be looked up."""
    podman = Podman(tmp_path)

    assert podman.conf == tmp_path / "containers.conf"
    assert "default_ulimits" in podman.conf.read_text(encoding="utf-8")


def _lab(**other: object) -> lab_container.Lab:
    """Return the lab of these tests with some fields replaced."""
    return lab_container.Lab(**{**vars(LAB), **other})  # type: ignore[arg-type]
