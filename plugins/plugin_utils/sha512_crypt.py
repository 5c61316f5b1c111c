"""SHA-512 password hashes (``$6$``) as ``crypt(3)`` makes them.

Python dropped its ``crypt`` module in 3.13 and Ansible's own filter then needs passlib; nginx hands the
hash to the host's crypt, so the format is all that matters.
Source: U. Drepper, "Unix crypt using SHA-256 and SHA-512", version 0.6.
"""

from __future__ import annotations

import hashlib
import re

ROUNDS = 5000  # the specification's default; a hash with it carries no rounds field
_ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_DIGEST = 64
# Which digest bytes form each group of four characters: every triple is the former one moved by (21, 21, 21), turned.
_ORDER = [
    tuple((start + offset) % 63 for offset in ((0, 21, 42), (21, 42, 0), (42, 0, 21))[start % 3]) for start in range(21)
]


def hash_password(password: str, salt: str) -> str:
    """Return ``$6$salt$hash`` for a password.

    Args:
        password: Any text; UTF-8 is hashed.
        salt: 1 to 16 of ``A-Z a-z 0-9 . /``; the same salt gives the same hash, so keep it with the password.
    Raises:
        ValueError: The salt has another form.
    """
    if not re.fullmatch(r"[A-Za-z0-9./]{1,16}", salt):
        raise ValueError("a salt has 1 to 16 characters out of letters, digits, dot and slash")
    key, grain = password.encode(), salt.encode()
    other = hashlib.sha512(key + grain + key).digest()
    first = hashlib.sha512(key + grain + _repeat(other, len(key)))
    length = len(key)
    while length:
        first.update(other if length & 1 else key)
        length >>= 1
    digest = first.digest()
    key_bytes = _repeat(hashlib.sha512(key * len(key)).digest(), len(key))
    grain_bytes = _repeat(hashlib.sha512(grain * (16 + digest[0])).digest(), len(grain))
    for number in range(ROUNDS):
        odd = number % 2 == 1
        step = hashlib.sha512(key_bytes if odd else digest)
        if number % 3:
            step.update(grain_bytes)
        if number % 7:
            step.update(key_bytes)
        step.update(digest if odd else key_bytes)
        digest = step.digest()
    return f"$6${salt}${_encode(digest)}"


def _repeat(block: bytes, length: int) -> bytes:
    return (block * (length // _DIGEST + 1))[:length]


def _encode(digest: bytes) -> str:
    groups = [((digest[a] << 16) | (digest[b] << 8) | digest[c], 4) for a, b, c in _ORDER]
    text = ""
    for value, characters in [*groups, (digest[63], 2)]:
        for _ in range(characters):
            text += _ALPHABET[value & 63]
            value >>= 6
    return text
