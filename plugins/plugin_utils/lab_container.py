"""One lab host as a container: how it is created, and what makes it itself."""

from __future__ import annotations

import io
import tarfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.promontory.stack.plugins.plugin_utils import lab_names as names
from ansible_collections.promontory.stack.plugins.plugin_utils.lab_names import LABEL

_FORM = 2
"""Raised when hosts must be made anew because the way they are made has changed."""
CAPABILITIES = {
    # Number in linux/capability.h: a capability the caller lacks cannot be handed on.
    "SYS_ADMIN": 21,  # systemd mounts and makes namespaces
    "NET_ADMIN": 12,  # a host has a firewall
    "NET_RAW": 13,
    "MKNOD": 27,  # PrivateDevices=
    "AUDIT_WRITE": 29,  # sshd
    "SYS_PTRACE": 19,
    "SYS_NICE": 23,
    "SYS_RESOURCE": 24,  # LimitNOFILE= above the caller's limit
    "IPC_LOCK": 14,
}


@dataclass(frozen=True)
class Lab:
    """One lab of one clone.

    Args:
        project: Path of the clone.
        name: The lab's name within it.
        hosts: Inventory names of its hosts.
        image: Name of the stored base image.
        authorized_key: Public key that may log in as root.
        host_keys: (private, public) ed25519 key of each host, as text.
        subnet_pool: Network to take a /24 from when the lab has none yet.
        ready_timeout_s: Seconds a host has for starting up to an answering sshd.
    """

    project: str
    name: str
    hosts: Sequence[str] = ()
    image: str = ""
    authorized_key: str = ""
    host_keys: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    subnet_pool: str = "10.231.0.0/16"
    ready_timeout_s: float = 30.0

    @property
    def clone(self) -> str:
        """Six hex digits of the clone's path."""
        return names.clone_id(self.project)

    @property
    def network(self) -> str:
        """Name of the lab's podman network."""
        return names.lab_prefix(self.clone, self.name)


def create_arguments(lab: Lab, host: str, address: str, *, unified: bool, bounding: int) -> list[str]:
    """Return the arguments of `podman` that create a host's container.

    Args:
        address: The host's address on the lab's network.
        unified: Whether the machine has cgroup v2 alone.
        bounding: Bit mask of the capabilities that the caller may hand on.
    """
    capabilities = [name for name, bit in CAPABILITIES.items() if bounding >> bit & 1]
    marks = {
        **names.labels(lab.clone, lab.name),
        f"{LABEL}.project": lab.project,
        f"{LABEL}.host": host,
        f"{LABEL}.address": address,
        f"{LABEL}.form": form(lab, host, address),
    }
    arguments = ["create", "--name", names.container_name(lab.clone, lab.name, host)]
    arguments += ["--hostname", host, "--network", lab.network, "--ip", address]
    arguments += ["--systemd=always", "--stop-signal", "SIGRTMIN+3"]
    if not unified:
        # systemd 256 and later refuse to run on legacy cgroups unless told.
        arguments += ["--env", "SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1"]
    # The host's systemd confines services itself, with mounts, namespaces and filters, as it does
    # on a machine; the machine's /proc/sys stays read-only for it.
    arguments += ["--cap-add", ",".join(capabilities)]
    for option in ("seccomp=unconfined", "apparmor=unconfined", "label=disable"):
        arguments += ["--security-opt", option]
    # A disk of its own, as far as a host can tell: its root is layered, which monitoring of disks leaves out.
    arguments += ["--volume", "/srv"]
    for key, value in marks.items():
        arguments += ["--label", f"{key}={value}"]
    return [*arguments, lab.image, "/sbin/init"]


def identity_archive(lab: Lab, host: str) -> bytes:
    """Return a tar of what makes a host itself: who may log in, and the key it proves itself with."""
    private, public = lab.host_keys[host]
    files = (
        ("root/.ssh/authorized_keys", lab.authorized_key, 0o600),
        ("etc/ssh/ssh_host_ed25519_key", private, 0o600),
        ("etc/ssh/ssh_host_ed25519_key.pub", public, 0o644),
    )
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        directory = tarfile.TarInfo("root/.ssh")
        directory.type, directory.mode = tarfile.DIRTYPE, 0o700
        archive.addfile(directory)
        for name, text, mode in files:
            content = text.rstrip("\n").encode() + b"\n"
            member = tarfile.TarInfo(name)
            member.size, member.mode, member.mtime = len(content), mode, int(time.time())
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def form(lab: Lab, host: str, address: str) -> str:
    """Return the fingerprint that tells whether an existing host is still the wanted one."""
    keys = (lab.authorized_key, lab.host_keys[host][1])
    return names.fingerprint([_FORM, lab.image, lab.network, address, *keys])
