"""Rate limits, counted by the library `limits` in the memory of each worker.

Each limit is a fixed window that starts with the first request of its key, so the time after which the next one
passes is known exactly. With N workers or replicas a client may have up to N times as much: these limits protect
against being overrun, not to the last request.
"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Callable
from enum import StrEnum

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.strategies import FixedWindowRateLimiter

from fintech.errors import RateLimited
from fintech.rate_windows import Windows

# Guessing at one user's password from one address; another address of theirs is not affected by it.
_LOGINS_OF_ONE_USER = RateLimitItemPerMinute(10, 5)


class RateLimitScope(StrEnum):
    """The label `scope` of fintech_rate_limited_total."""

    LOGIN = "login"
    REGISTRATION = "registration"
    WRITE = "write"


class RateLimits:
    """The limits of one worker; safe to use from several threads.

    Args:
        login: Failed logins per client address.
        registration: New users per client address.
        write: Requests that move money or open accounts, per user.
        clock: Gives seconds since 1970, UTC.
        on_limited: Told the scope of each request that is refused.
    """

    def __init__(
        self,
        *,
        login: RateLimitItem,
        registration: RateLimitItem,
        write: RateLimitItem,
        clock: Callable[[], float],
        on_limited: Callable[[RateLimitScope], None],
    ) -> None:
        self._failures = _Limit(login, clock)
        self._failures_of_user = _Limit(_LOGINS_OF_ONE_USER, clock)
        self._registrations = _Limit(registration, clock)
        self._writes = _Limit(write, clock)
        self._on_limited = on_limited

    def check_login(self, address: str | None, username: object) -> None:
        """Raise RateLimited while too many logins have failed; a login under way at this moment is not counted yet."""
        waits = (self._failures.wait_s(_network(address)), self._failures_of_user.wait_s(*_who(address, username)))
        if any(waits):
            self._refuse(RateLimitScope.LOGIN, "Too many failed logins", max(waits))

    def count_failed_login(self, address: str | None, username: object) -> None:
        """Count one failure; a login that succeeds is not counted, and forgives none."""
        self._failures.spend(_network(address))
        self._failures_of_user.spend(*_who(address, username))

    def spend_registration(self, address: str | None) -> None:
        """Count one new user; raises RateLimited when there were enough of this address."""
        if wait_s := self._registrations.spend(_network(address)):
            self._refuse(RateLimitScope.REGISTRATION, "Too many new users from this address", wait_s)

    def spend_write(self, user_id: int) -> None:
        """Count one request that moves money or opens an account; raises RateLimited when there were enough."""
        if wait_s := self._writes.spend(str(user_id)):
            self._refuse(RateLimitScope.WRITE, "Too many requests that change something", wait_s)

    def _refuse(self, scope: RateLimitScope, what: str, wait_s: int) -> None:
        self._on_limited(scope)
        raise RateLimited(what, wait_s)


class _Limit:
    """One limit and the windows it counts in. A window of its own for each limit, so that they end in order."""

    def __init__(self, item: RateLimitItem, clock: Callable[[], float]) -> None:
        self._item = item
        self._clock = clock
        self._limiter = FixedWindowRateLimiter(Windows(clock))

    def spend(self, *key: str) -> int:
        """Count one and return 0, or when there were enough already the whole seconds until one passes again."""
        return 0 if self._limiter.hit(self._item, *key) else self._left_s(*key)

    def wait_s(self, *key: str) -> int:
        """Return 0 if one more would pass, else the whole seconds until it does; counts nothing."""
        return 0 if self._limiter.test(self._item, *key) else self._left_s(*key)

    def _left_s(self, *key: str) -> int:
        return max(1, math.ceil(self._limiter.get_window_stats(self._item, *key).reset_time - self._clock()))


def _network(address: str | None) -> str:
    """Return what one client is counted by: its address, for IPv6 the /64 in which a client picks any it likes."""
    if address is None:
        return "unknown"
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed.packed[:8] + bytes(8), 64)))


def _who(address: str | None, username: object) -> tuple[str, str]:
    # What cannot be a name is one key for all: it never logs in, and a client cannot invent keys with it.
    name = username if isinstance(username, str) and len(username) <= 32 and username.isascii() else ""
    return _network(address), name
