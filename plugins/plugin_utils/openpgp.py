"""OpenPGP public keys as far as pinning needs it: their fingerprints, and one key taken out of a file.

Nothing here judges a signature: that is the work of apt's own verifier, with the key that was picked here.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterator

_ARMOR_BEGIN = "-----BEGIN PGP PUBLIC KEY BLOCK-----"
_ARMOR_END = "-----END PGP PUBLIC KEY BLOCK-----"
PUBLIC_KEY = 6  # packet tag of a primary key (RFC 4880, section 4.3); subkeys, names and signatures follow it


class NoKey(ValueError):
    """What was read is no OpenPGP public key; the text says what is wrong with it."""


def keys(data: bytes) -> dict[str, bytes]:
    """Return the public keys of a file, armored or binary.

    Returns:
        ``{fingerprint: key}``: 40 capital hexadecimal digits, and the key in binary with what belongs to it.
    Raises:
        NoKey: It is something else, cut short, or a key of another version than 4.
    """
    binary = _dearmored(data)
    found: dict[str, bytes] = {}
    current = ""
    for tag, body, whole in packets(binary):
        if tag == PUBLIC_KEY:
            current = fingerprint(body)
            found.setdefault(current, b"")
        if not current:
            raise NoKey("it begins with something other than a public key")
        found[current] += whole
    if not found:
        raise NoKey("it is empty")
    return found


def fingerprint(body: bytes) -> str:
    """Return the fingerprint of a version 4 public key packet (RFC 4880, section 12.2).

    Raises:
        NoKey: The packet is of another version.
    """
    if not body or body[0] != 4:
        raise NoKey(f"it holds a key of version {body[0] if body else '?'}, and only version 4 is known here")
    # SHA-1 is what the format prescribes; a second key with the same fingerprint would need a second preimage.
    return hashlib.sha1(b"\x99" + len(body).to_bytes(2, "big") + body, usedforsecurity=False).hexdigest().upper()


def _dearmored(data: bytes) -> bytes:
    if data[:1] and data[0] & 0x80:
        return data
    blocks = _blocks(data.decode("utf-8", errors="replace"))
    try:
        return b"".join(base64.b64decode(block, validate=True) for block in blocks)
    except binascii.Error as error:
        raise NoKey(f"its armor cannot be read ({error})") from error


def _blocks(text: str) -> list[str]:
    """Return the base64 text of each armored block, without its headers and its checksum."""
    blocks = []
    for part in text.split(_ARMOR_BEGIN)[1:]:
        inside, end, _ = part.partition(_ARMOR_END)
        if not end:
            raise NoKey("its armor has no end")
        lines = [line.strip() for line in inside.splitlines()[1:]]
        # Headers, if any, end at the first empty line.
        body = lines[lines.index("") + 1 :] if "" in lines else lines
        blocks.append("".join(line for line in body if not line.startswith("=")))
    if not blocks:
        raise NoKey("it has no line " + _ARMOR_BEGIN)
    return blocks


def packets(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield tag, body and the whole of each packet (RFC 4880, section 4.2)."""
    at = 0
    while at < len(data):
        start = at
        if not data[at] & 0x80:
            raise NoKey("a packet of it does not begin as one")
        if data[at] & 0x40:
            tag, (length, at) = data[at] & 0x3F, _new_length(data, at + 1)
        else:
            tag, (length, at) = data[at] >> 2 & 0x0F, _old_length(data, at)
        if at + length > len(data):
            raise NoKey("it is cut short")
        yield tag, data[at : at + length], data[start : at + length]
        at += length


def _new_length(data: bytes, at: int) -> tuple[int, int]:
    first = _number(data, at, 1)
    if first < 192:
        return first, at + 1
    if first < 224:
        return (first - 192 << 8) + _number(data, at + 1, 1) + 192, at + 2
    if first == 255:
        return _number(data, at + 1, 4), at + 5
    raise NoKey("a packet of it comes in parts, which a key's never do")


def _old_length(data: bytes, at: int) -> tuple[int, int]:
    kind = data[at] & 3
    if kind == 3:
        raise NoKey("a packet of it has no length")
    size = 1 << kind
    return _number(data, at + 1, size), at + 1 + size


def _number(data: bytes, at: int, size: int) -> int:
    if at + size > len(data):
        raise NoKey("it is cut short")
    return int.from_bytes(data[at : at + size], "big")
