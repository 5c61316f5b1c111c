"""Ids of panels that stay when something is added above them."""

from __future__ import annotations

import hashlib

_IDS = 10**8   # well inside what JavaScript counts exactly; a link to a panel stays short


def panel_id(uid: str, row: str, title: str) -> int:
    """Return the id of a panel, 1 to 10^8, the same as long as its dashboard, row and title are.

    A row's own id has an empty title. Two panels may meet in one id; `assemble` refuses that.
    """
    digest = hashlib.sha256("\0".join((uid, row, title)).encode()).digest()
    return int.from_bytes(digest[:8], "big") % _IDS + 1
