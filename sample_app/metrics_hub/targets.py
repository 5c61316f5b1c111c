"""Which addresses to scrape: a list, or a DNS name that is looked up anew for every scrape."""

from __future__ import annotations

import ipaddress
import logging
import re
import socket
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass

from metrics_hub.errors import OptionError

_LOG = logging.getLogger(__name__)
_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_.])?")
_FORM = "Write dns://NAME:PORT, or HOST:PORT[,HOST:PORT...]; an IPv6 address in brackets"

Lookup = Callable[[str, int], list[str]]


@dataclass(frozen=True, order=True)
class Target:
    """One listener.

    Attributes:
        host: An address, or a host name of the list.
    """

    host: str
    port: int

    def __str__(self) -> str:
        """As in a URL."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Found:
    """The targets of one scrape.

    Attributes:
        success: False when the name could not be looked up and the targets are the last known ones.
    """

    targets: tuple[Target, ...]
    success: bool = True


class Targets:
    """What `--targets` stands for."""

    def __init__(self, text: str, *, lookup: Lookup | None = None) -> None:
        """Read the option.

        Args:
            text: `dns://NAME:PORT`, or `HOST:PORT[,HOST:PORT...]`.
            lookup: Returns the addresses of a name and port, none when there is no such name; raises OSError when
                that cannot be told now. By default the system's resolver.
        Raises:
            OptionError: It is neither.
        """
        scheme, slashes, rest = text.rpartition("://")
        if slashes and scheme != "dns":
            raise OptionError("--targets", f"it begins with {scheme}://", _FORM)
        if slashes and "," in rest:
            raise OptionError("--targets", f"{text!r} names several hosts after dns://", _FORM)
        self._listed = tuple(sorted({_target(item.strip()) for item in rest.split(",")}))
        self._looked_up = bool(slashes)
        self._lookup = lookup or addresses_of
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="lookup")
        self._under_way: Future[list[str]] | None = None
        self._last: tuple[Target, ...] = ()

    def find(self, limit_s: float) -> Found:
        """Return the targets of this moment, in order.

        When the resolver fails or takes longer than `limit_s` seconds, they are the last known ones. A name that
        the resolver does not know, or that has no address, has no targets: a Service without pods looks like that.
        """
        if not self._looked_up:
            return Found(self._listed)
        [name] = self._listed
        # A resolver that hangs is not asked a second time meanwhile: its thread cannot be ended.
        asked = self._under_way or self._pool.submit(self._lookup, name.host, name.port)
        self._under_way = asked
        try:
            addresses = asked.result(limit_s)
        except FutureTimeoutError:
            _LOG.warning("looking up %s takes longer than %.1f s; the last known pods are scraped", name.host, limit_s)
            return Found(self._last, success=False)
        except OSError as error:
            self._under_way = None
            _LOG.warning("cannot look up %s: %s; the last known pods are scraped", name.host, error)
            return Found(self._last, success=False)
        self._under_way = None
        self._last = tuple(sorted(Target(address, name.port) for address in set(addresses)))
        return Found(self._last)


def addresses_of(host: str, port: int) -> list[str]:
    """Return the addresses of a name, of one family.

    Pods of a cluster with both families have an address of each; asked under both they would count twice. So IPv6
    is used where there is no IPv4.

    Raises:
        OSError: The resolver cannot tell now.
    """
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)):
            return []
        raise
    by_family: dict[int, list[str]] = {}
    for family, _, _, _, address in answers:
        by_family.setdefault(family, []).append(str(address[0]))
    return by_family.get(socket.AF_INET) or by_family.get(socket.AF_INET6) or []


def _target(text: str) -> Target:
    host, colon, port = text.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    if not colon or not (port.isascii() and port.isdigit() and 1 <= int(port) <= 65535):
        raise OptionError("--targets", f"{text!r} has no port from 1 to 65535", _FORM)
    if not (_is_ipv6(bare) if host.startswith("[") else _HOST.fullmatch(bare)):
        raise OptionError("--targets", f"{text!r} has no host that could be asked", _FORM)
    return Target(bare, int(port))


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True
