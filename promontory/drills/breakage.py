"""Ways to break a part of the stack. Each is a context: on its way out it mends, and should this process be killed, what
was broken mends itself after a while.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from promontory.stack import Access

# Runs playbooks/drill.yml with these variables; raises RunFailed.
Play = Callable[[Mapping[str, Any]], None]


@contextmanager
def commands(play: Play, hosts: Sequence[str], *, broken_by: str, mended_by: str, expires_s: float) -> Iterator[None]:
    """Break something on hosts by a shell command and mend it by another one.

    Raises:
        RunFailed: A host could not be broken or mended.
    """
    wish = {"drill_hosts": ",".join(hosts), "drill_break": broken_by, "drill_mend": mended_by, "drill_expires_s": int(expires_s)}
    try:
        # Inside the try: an interrupted run may have broken some of the hosts.
        play({**wish, "drill_phase": "break"})
        yield
    finally:
        play({**wish, "drill_phase": "mend"})


@contextmanager
def stopped(play: Play, hosts: Sequence[str], unit: str, *, expires_s: float) -> Iterator[None]:
    """Stop a program; see `commands`."""
    with commands(
        play, hosts, broken_by=f"systemctl stop {unit}", mended_by=f"systemctl start {unit}", expires_s=expires_s
    ):
        yield


@contextmanager
def restarted(play: Play, units: Mapping[str, Sequence[str]], *, pause_s: float) -> Iterator[None]:
    """Restart programs one after the other, host by host.

    Args:
        units: Their names by host.
        pause_s: Seconds between two of them.
    Raises:
        RunFailed: One could not be restarted.
    """
    for host, names in units.items():
        one_by_one = "; ".join(f"systemctl restart {name}; sleep {pause_s:g}" for name in names)
        play({"drill_hosts": host, "drill_break": one_by_one, "drill_phase": "break", "drill_mend": "true", "drill_expires_s": 3600})
        play({"drill_hosts": host, "drill_mend": "true", "drill_phase": "mend"})
    yield


@contextmanager
def cut_off(play: Play, hosts: Sequence[str], ports: Sequence[int], *, expires_s: float) -> Iterator[None]:
    """Lose every packet from or to ports of other hosts: what listens on them is alive, and alone; see `commands`."""
    rules = [
        f"priority {90 + number} ipproto {protocol} {side} {port} blackhole"
        for number, (protocol, side, port) in enumerate(
            (protocol, side, port) for port in ports for protocol in ("tcp", "udp") for side in ("sport", "dport")
        )
    ]
    with commands(
        play,
        hosts,
        broken_by="; ".join(f"ip rule add {rule}" for rule in rules),
        mended_by="; ".join(f"ip rule del {rule}" for rule in rules),
        expires_s=expires_s,
    ):
        yield


@contextmanager
def mail_refused(mailbox: Access, *, expires_s: float) -> Iterator[None]:
    """Have the lab's mail server turn every connection away.

    Raises:
        ServiceUnreachable: The mailbox does not answer.
    """
    try:
        mailbox.request("PUT", "api/refusal", json={"code": 421, "stage": "connect", "for_s": int(expires_s)})
        yield
    finally:
        mailbox.request("DELETE", "api/refusal")
