"""Passwords: hashed with argon2id; hashes of former releases still verify and are replaced at the next login."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from werkzeug.security import check_password_hash

_ARGON2 = "$argon2"
_AT_THE_SAME_TIME = 2


class HashOperation(StrEnum):
    """The label `operation` of fintech_password_hash_duration_seconds."""

    HASH = "hash"
    VERIFY = "verify"


@dataclass(frozen=True)
class HashCost:
    """What one hash costs: passes over the memory, and its size in KiB; always on one lane (p=1)."""

    passes: int
    memory_kib: int


# One of the settings of the OWASP Password Storage Cheat Sheet, and one that a small container can afford: 19 MiB.
ARGON2_COST = HashCost(passes=2, memory_kib=19 * 1024)


class Passwords:
    """Hashes and checks passwords.

    At most two at a time, in a process: a burst of logins may not starve the rest of a small host. Two threads do it for
    all requests, since the C library keeps the memory of a hash for the thread that asked for it: hashed in sixteen
    threads, two at a time, a process of 43 MiB grew to 329.

    Args:
        cost: Of new hashes; an old hash of another cost counts as outdated.
        hashing: Gives a context that measures one operation, waiting for a turn not included.
    """

    def __init__(
        self, *, cost: HashCost = ARGON2_COST, hashing: Callable[[HashOperation], AbstractContextManager[object]]
    ) -> None:
        self._hasher = PasswordHasher(time_cost=cost.passes, memory_cost=cost.memory_kib, parallelism=1)
        self._hashing = hashing
        self._threads = ThreadPoolExecutor(_AT_THE_SAME_TIME, thread_name_prefix="hashing")
        self._hash_of_nobody = self._hasher.hash(secrets.token_urlsafe(32))

    def hash(self, password: str) -> str:
        """Return a salted hash of any text without lone surrogates."""
        return self._threads.submit(self._hash, password).result()

    def matches(self, password_hash: str | None, password: str) -> bool:
        """Tell whether this is the password of that hash.

        Args:
            password_hash: None for a user who does not exist: that costs as much time as one who does, so that the
                clock is no oracle. (The hash of a former release costs another time until its first login.)
            password: Any text.
        Returns:
            False also for a stored text that is no hash, by which an operator may lock a user out.
        """
        expected = self._hash_of_nobody if password_hash is None else password_hash
        return self._threads.submit(self._verify, expected, password).result() and password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        """Tell whether a matching password should be hashed anew: of another method, or of another cost."""
        return not password_hash.startswith(_ARGON2) or self._hasher.check_needs_rehash(password_hash)

    def _hash(self, password: str) -> str:
        with self._hashing(HashOperation.HASH):
            return self._hasher.hash(password)

    def _verify(self, expected: str, password: str) -> bool:
        with self._hashing(HashOperation.VERIFY):
            try:
                if not expected.startswith(_ARGON2):
                    return check_password_hash(expected, password)
                return self._hasher.verify(expected, password)
            except (VerificationError, ValueError):  # a mismatch, no hash at all, or a password with half a character
                return False
