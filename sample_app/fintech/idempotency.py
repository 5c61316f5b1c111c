"""Idempotency keys: a request that is sent twice, because its answer was lost, is carried out once."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from fintech.errors import Invalid

KEY = re.compile(r"[\x21-\x7e]{1,255}")


@dataclass(frozen=True)
class Idempotency:
    """What a booking is recognised by when it comes again.

    Args:
        key: The client's own name for this request, unique per user; 1 to 255 visible ASCII characters.
        request_sha256: Digest of what was asked for, hexadecimal; another one under the same key is refused.
    """

    key: str
    request_sha256: str


def idempotency(key: str, method: str, route: str, fields: Mapping[str, object], *, field: str) -> Idempotency:
    """Make the mark of one request.

    Args:
        key: As the client sent it.
        method: The request's method.
        route: The template of its route, so that a withdrawal never answers for a deposit.
        fields: The parsed fields; their order, and white space between them, make no difference.
        field: Where the key came from, for the message.
    Raises:
        Invalid: The key is empty, too long, or has other characters than visible ASCII.
    """
    if not KEY.fullmatch(key):
        raise Invalid(field, "must be 1 to 255 visible ASCII characters without spaces")
    canonical = json.dumps([method, route, fields], sort_keys=True, separators=(",", ":"))
    return Idempotency(key, hashlib.sha256(canonical.encode()).hexdigest())
