"""The SSH keys of a lab: one pair to log in with, one for each host, and the file that pins them.

Hosts are pinned by a name of their own (ssh's HostKeyAlias) before the first connection, so that an
address which another lab used before is no obstacle and nobody is trusted on first sight.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.promontory.stack.plugins.module_utils import commands
from ansible_collections.promontory.stack.plugins.plugin_utils.lab_inventory import write_if_other
from ansible_collections.promontory.stack.plugins.plugin_utils.lab_names import LabError


@dataclass(frozen=True)
class Keys:
    """The keys of a lab.

    Args:
        authorized: Public key that may log in.
        hosts: (private, public) key of each host, as text.
        written: Paths that were written or removed.
    """

    authorized: str
    hosts: Mapping[str, tuple[str, str]]
    written: Sequence[str]


def is_pair(private: Path) -> bool:
    """Tell whether a private key and its public half are there and belong together."""
    public = private.with_name(f"{private.name}.pub")
    if not (private.is_file() and public.is_file()):
        return False
    derived = commands.run(["ssh-keygen", "-y", "-P", "", "-f", str(private)])
    return derived.returncode == 0 and derived.stdout.split()[:2] == _words(public)[:2]


def make_pair(private: Path, comment: str) -> None:
    """Make a key pair in place of whatever is there.

    Raises:
        LabError: ssh-keygen failed; the message has what it said.
    """
    for half in (private, private.with_name(f"{private.name}.pub")):
        half.unlink(missing_ok=True)
    argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(private)]
    made = commands.run(argv)
    if made.returncode != 0:
        raise LabError(f"ssh-keygen cannot make {private}: {commands.output(made)}")


def ensure(directory: Path, hosts: list[str], *, check: bool = False) -> Keys:
    """Have all keys and the known_hosts file, and return the keys.

    A pair of which one half is missing or does not fit the other is made anew; keys of hosts that
    are no longer named are removed.

    Args:
        directory: Where they are kept: id_ed25519, hosts/<host>, known_hosts. Only its owner may
            enter it.
        hosts: Names by which ssh looks the hosts up.
        check: Change nothing; keys that are not there yet are empty then.
    Raises:
        LabError: ssh-keygen failed.
        OSError: The directory cannot be written.
    """
    wanted = {directory / "id_ed25519": "promontory-lab"}
    wanted |= {directory / "hosts" / host: host for host in hosts}
    missing = [path for path in wanted if not is_pair(path)]
    stale = [path for path in (directory / "hosts").glob("*") if path.name.removesuffix(".pub") not in hosts]
    written = [str(path) for path in [*missing, *stale]]
    if not check:
        for path in (directory.parent, directory, directory / "hosts"):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.chmod(0o700)
        for path in stale:
            path.unlink()
        for path in missing:
            make_pair(path, wanted[path])
        for path in wanted:
            path.chmod(0o600)
    pairs = {host: _pair(directory / "hosts" / host) for host in hosts}
    pinned = "".join(f"{host} {' '.join(public.split()[:2])}\n" for host, (_, public) in sorted(pairs.items()))
    known_hosts = directory / "known_hosts"
    if not check and write_if_other(known_hosts, pinned):
        written.append(str(known_hosts))
    return Keys(authorized=_pair(directory / "id_ed25519")[1], hosts=pairs, written=written)


def _pair(private: Path) -> tuple[str, str]:
    """Return both halves as text; empty where there is none."""
    halves = (private, private.with_name(f"{private.name}.pub"))
    private_text, public_text = (
        half.read_text(encoding="ascii", errors="replace") if half.is_file() else "" for half in halves
    )
    return private_text, public_text


def _words(path: Path) -> list[str]:
    return path.read_text(encoding="ascii", errors="replace").split()
