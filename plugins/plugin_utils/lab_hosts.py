"""A lab's network and hosts: found, reused, repaired, made or removed."""

from __future__ import annotations

import ipaddress
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.promontory.stack.plugins.module_utils import commands
from ansible_collections.promontory.stack.plugins.plugin_utils import lab_names as names
from ansible_collections.promontory.stack.plugins.plugin_utils.lab_container import (
    CAPABILITIES,
    Lab,
    create_arguments,
    form,
    identity_archive,
)
from ansible_collections.promontory.stack.plugins.plugin_utils.lab_names import LABEL, LabError
from ansible_collections.promontory.stack.plugins.plugin_utils.lab_podman import (
    Container,
    Podman,
    caller_capabilities,
    cgroups_unified,
    free_mb,
)

_UNBORN = ("configured", "created", "initialized")
"""States of a container that never ran: whoever made it was stopped before it had its keys."""
_PARALLEL = 4
_REMOVALS = 5
_ROOM_MB = 512


@dataclass
class Outcome:
    """What a run found and did.

    Args:
        hosts: Per host: container (name), id, address, action (kept, made, started, made anew).
        actions: What was changed, one sentence each, in order.
        orphans: Containers of clones that no longer exist on this machine.
    """

    hosts: dict[str, dict[str, str]] = field(default_factory=dict)
    actions: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    subnet: str = ""


def ensure(podman: Podman, lab: Lab, *, check: bool = False) -> Outcome:
    """Have exactly the lab's hosts, each running and answering SSH.

    Args:
        check: Find and decide only, and change nothing.
    Raises:
        LabError: A host or the network cannot be made, or a host does not come up in time.
    """
    outcome = Outcome()
    found = _by_host(podman, lab, outcome)
    for host in sorted(set(found) - set(lab.hosts)):
        outcome.actions.append(f"removed {found[host].name}, which the inventory no longer names")
        if not check:
            _remove(podman, found[host].name, found[host])
    outcome.subnet = _network(podman, lab, outcome, check=check)
    kept = {host: one.labels[f"{LABEL}.address"] for host, one in found.items() if f"{LABEL}.address" in one.labels}
    placed = names.addresses(outcome.subnet, lab.hosts, kept)
    todo = {host: _decide(lab, found.get(host), host, placed[host]) for host in lab.hosts}
    if any("made" in action for action in todo.values()) and not check:
        _require_room_and_rights()

    def settle(host: str) -> None:
        if todo[host] != "kept":
            todo[host] = _settle(podman, lab, host, placed[host], todo[host], found.get(host))
        _await_up(podman, lab, host, placed[host])

    if not check:
        with ThreadPoolExecutor(_PARALLEL) as pool:
            list(pool.map(settle, sorted(lab.hosts)))
    if not check and any(action != "kept" for action in todo.values()):
        found = _by_host(podman, lab, outcome)
    for host in sorted(lab.hosts):
        name = names.container_name(lab.clone, lab.name, host)
        if todo[host] != "kept":
            outcome.actions.append(f"{todo[host]} {name}")
        outcome.hosts[host] = {
            "container": name,
            "id": found[host].identity if host in found else "",
            "address": placed[host],
            "action": todo[host],
        }
    return outcome


def remove(podman: Podman, lab: Lab, *, check: bool = False) -> Outcome:
    """Remove every container and the network of a lab, whatever state they are in.

    Raises:
        LabError: podman cannot remove one of them.
    """
    outcome = Outcome()
    for one in podman.containers(names.labels(lab.clone, lab.name)):
        outcome.actions.append(f"removed {one.name}")
        if not check:
            _remove(podman, one.name, one)
    if lab.network in podman.networks():
        outcome.actions.append(f"removed the network {lab.network}")
        if not check:
            podman.call("network", "rm", "--force", lab.network)
    return outcome


def _by_host(podman: Podman, lab: Lab, outcome: Outcome) -> dict[str, Container]:
    """Find the lab's containers, and note those whose clone has gone from this machine."""
    everyone = podman.containers([f"{LABEL}.clone"])
    outcome.orphans = sorted(one.name for one in everyone if _is_gone(one.labels.get(f"{LABEL}.project", "/")))
    wanted = names.labels(lab.clone, lab.name).items()
    return {one.host: one for one in everyone if wanted <= dict(one.labels).items()}


def _is_gone(path: str) -> bool:
    """Tell whether a path is surely not there; one that this user may not look at may well be."""
    try:
        Path(path).stat()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return False


def _network(podman: Podman, lab: Lab, outcome: Outcome, *, check: bool) -> str:
    """Return the subnet of the lab's network, made when missing."""
    networks = podman.networks()
    for subnet in networks.get(lab.network, []):
        if ipaddress.ip_network(subnet).version == 4:
            return subnet
    routes = names.routed_networks(Path("/proc/net/route").read_text(encoding="ascii"))
    taken = {one for subnets in networks.values() for one in subnets if ":" not in one} | {*routes}
    outcome.actions.append(f"made the network {lab.network}")
    while True:
        subnet = names.free_subnet(lab.subnet_pool, taken, lab.network)
        if check:
            return subnet
        marks = [f"{k}={v}" for k, v in names.labels(lab.clone, lab.name).items()]
        options = [part for mark in marks for part in ("--label", mark)]
        result = podman.attempt("network", "create", "--disable-dns", "--subnet", subnet, *options, lab.network)
        if result.returncode == 0:
            return subnet
        if "already used" not in result.stderr:
            raise LabError(f"podman network create failed: {commands.output(result, lines=4)}")
        taken.add(subnet)  # another clone was faster


def _decide(lab: Lab, container: Container | None, host: str, address: str) -> str:
    """Say what a host needs: kept, made, made anew or started."""
    if container is None:
        return "made"
    if container.labels.get(f"{LABEL}.form") != form(lab, host, address):
        return "made anew"
    if container.state in _UNBORN:
        return "made anew"
    return "kept" if container.state == "running" else "started"


def _settle(podman: Podman, lab: Lab, host: str, address: str, action: str, container: Container | None) -> str:
    """Bring one host into being and return what was done in the end."""
    name = names.container_name(lab.clone, lab.name, host)
    if action == "started" and container is not None:
        if _start_again(podman, container):
            return action
        action = "made anew"
    # Also when podman lists no such container: a run killed in the middle of creating one leaves
    # its name taken in the store.
    _remove(podman, name, container)
    arguments = create_arguments(lab, host, address, unified=cgroups_unified(), bounding=caller_capabilities())
    podman.call(*arguments)
    podman.feed(identity_archive(lab, host), "cp", "-", f"{name}:/")
    podman.call("start", name)
    return action


def _start_again(podman: Podman, container: Container) -> bool:
    """Start a stopped container; tell whether it runs then."""
    if container.state == "dead":
        podman.note_end(container)
    verb = "unpause" if container.state == "paused" else "start"
    if podman.attempt(verb, container.name).returncode != 0:
        return False
    return any(
        one.name == container.name and one.state == "running" for one in podman.containers(dict(container.labels))
    )


def _remove(podman: Podman, name: str, container: Container | None = None) -> None:
    """Remove a container in any state."""
    if container is not None and container.state == "dead":
        podman.note_end(container)
    for _ in range(_REMOVALS):
        result = podman.attempt("rm", "--force", "--ignore", "--time", "0", "--volumes", name)
        if result.returncode == 0:
            return
        time.sleep(0.2)  # it ended while podman was about to kill it, which podman takes for an error
    raise LabError(
        f"The container {name} cannot be removed: {commands.output(result, lines=3)}",
        f"Remove it by hand: podman rm --force {name}",
    )


def _require_room_and_rights() -> None:
    """Refuse to begin with hosts that cannot come up.

    Raises:
        LabError: Too little free disk, or no right to mount.
    """
    if free_mb() < _ROOM_MB:
        raise LabError(
            f"{free_mb()} MiB are free for containers (/var/lib/containers); a lab needs {_ROOM_MB}.",
            "Free some disk, for example: podman image prune",
        )
    if not caller_capabilities() >> CAPABILITIES["SYS_ADMIN"] & 1:
        raise LabError(
            "This process may not hand on CAP_SYS_ADMIN, which systemd in a lab host needs.",
            "Run it outside of the container or service that holds the capability back.",
        )


def _await_up(podman: Podman, lab: Lab, host: str, address: str) -> None:
    """Wait until a host has booted and its sshd answers from the machine itself.

    Raises:
        LabError: It does not within the time, with what its systemd says.
    """
    name = names.container_name(lab.clone, lab.name, host)
    end = time.monotonic() + lab.ready_timeout_s
    said = ""
    while time.monotonic() < end:
        try:
            with socket.create_connection((address, 22), timeout=1.0) as link:
                if link.recv(4) == b"SSH-":
                    return
                said = "something else than SSH answers on port 22"
        except OSError as error:
            said = f"{address}:22: {error.strerror or error}"
        time.sleep(0.1)
    boot = podman.attempt("exec", name, "systemctl", "--failed", "--no-legend", "--plain")
    raise LabError(
        f"The lab host {host} did not answer SSH within {lab.ready_timeout_s:.0f} s ({said}).",
        f"Failed units: {commands.output(boot) or 'none'}. Look: podman exec {name} journalctl -b; or make it anew: "
        f"podman rm --force {name}, and run this again.",
    )
