"""Names, addresses and fingerprints of a lab: plain values in, plain values out."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

LABEL = "promontory"
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
_FIRST_HOST = 10
"""The first addresses of a subnet stay free: .1 is the machine itself."""
_HOSTS_MAX = 200


class LabError(Exception):
    """A lab that cannot be made, kept or removed.

    Args:
        message: One sentence naming the variable, host, path or program at fault and its value.
        hint: The way out, one sentence.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return "\n".join(part for part in (self.message, self.hint) if part)


def clone_id(project: str) -> str:
    """Return the six hex digits that tell this clone's labs from those of another clone.

    Args:
        project: Path of the clone; symbolic links are followed, so one clone has one id.
    """
    return hashlib.sha256(os.path.realpath(project).encode()).hexdigest()[:6]


def check_names(lab: str, hosts: Sequence[str]) -> None:
    """Refuse lab and host names that cannot be part of a container's name and a host's name.

    Raises:
        LabError: A name has other characters or lengths than the two may have, or there are no hosts.
    """
    if not _NAME.fullmatch(lab):
        raise LabError(
            f"lab_name is {lab!r}: it names directories, containers and a network.",
            "Use 1 to 32 lower-case letters, digits and inner hyphens, for example: lab_name: lab",
        )
    if not hosts:
        raise LabError(
            "The inventory has no host in the group lab_hosts.",
            "Name a lab's inventory directory, for example: -i inventories/lab",
        )
    for host in hosts:
        if not _NAME.fullmatch(host):
            raise LabError(
                f"The lab host {host!r} of the inventory cannot be the name of a machine.",
                "Use 1 to 32 lower-case letters, digits and inner hyphens, for example: lab1",
            )
    if len(hosts) > _HOSTS_MAX:
        raise LabError(
            f"The group lab_hosts has {len(hosts)} hosts; a lab's network holds {_HOSTS_MAX}.",
            "Split the inventory into labs of their own (lab_name).",
        )


def lab_prefix(clone: str, lab: str) -> str:
    """Return the name of a lab's network, which its containers' names begin with."""
    return f"promontory-{clone}-{lab}"


def container_name(clone: str, lab: str, host: str) -> str:
    """Return the name of a lab host's container."""
    return f"{lab_prefix(clone, lab)}-{host}"


def state_directory(project: Path, lab: str) -> Path:
    """Return the directory of a lab's keys, secrets and settings within a clone."""
    return project / ".lab" / lab


def labels(clone: str, lab: str) -> dict[str, str]:
    """Return the labels by which a lab's containers and network are found again."""
    return {f"{LABEL}.clone": clone, f"{LABEL}.lab": lab}


def fingerprint(value: object) -> str:
    """Return twelve hex digits that change when the JSON form of a value changes."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def free_subnet(pool: str, taken: Iterable[str], seed: str) -> str:
    """Choose a /24 of the pool that overlaps nothing this machine already reaches.

    Args:
        pool: Network of /24 or larger, for example "10.231.0.0/16".
        taken: Networks in use: routes of the machine and networks of podman.
        seed: Where to begin looking, so that two clones seldom try the same subnet at once.
    Raises:
        LabError: The pool is no IPv4 network of /24 or larger, or every subnet of it is in use.
    """
    try:
        network = ipaddress.IPv4Network(pool)
        subnets = list(network.subnets(new_prefix=24))
    except ValueError as error:
        raise LabError(
            f"lab_subnet_pool is {pool!r}: {error}.",
            "Give an IPv4 network of /24 or larger, for example: lab_subnet_pool: 10.231.0.0/16",
        ) from error
    used = [ipaddress.IPv4Network(one) for one in taken]
    start = int(fingerprint(seed), 16) % len(subnets)
    for subnet in subnets[start:] + subnets[:start]:
        if not any(subnet.overlaps(one) for one in used):
            return str(subnet)
    raise LabError(
        f"Every /24 of lab_subnet_pool {pool} is in use on this machine.",
        "Give another pool, or remove old labs: podman network ls",
    )


def addresses(subnet: str, hosts: Sequence[str], kept: Mapping[str, str]) -> dict[str, str]:
    """Give every host an address: the one it has, else the lowest free one.

    Args:
        subnet: The lab network's subnet.
        hosts: Names of all hosts.
        kept: Addresses of the hosts that exist; those outside the subnet are given up.
    """
    network = ipaddress.IPv4Network(subnet)
    given = {host: kept[host] for host in hosts if host in kept and ipaddress.IPv4Address(kept[host]) in network}
    free = (str(network[n]) for n in range(_FIRST_HOST, network.num_addresses - 1))
    spare = (address for address in free if address not in set(given.values()))
    return {host: given.get(host) or next(spare) for host in sorted(hosts)}


def routed_networks(proc_net_route: str) -> list[str]:
    """Read the networks this machine reaches from the text of /proc/net/route, default route apart."""
    networks = []
    for line in proc_net_route.splitlines()[1:]:
        fields = line.split()
        if len(fields) < 8:
            continue
        address, mask = (int.from_bytes(bytes.fromhex(fields[n]), "little") for n in (1, 7))
        if mask:
            networks.append(str(ipaddress.IPv4Network((address & mask, mask.bit_count()))))
    return networks
