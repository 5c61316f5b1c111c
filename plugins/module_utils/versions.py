"""Upstream versions: found in text and compared as numbers."""

from __future__ import annotations

import re

_VERSION = re.compile(r"(?<![\d.])v?(\d+(?:\.\d+){1,3})(-[0-9A-Za-z.]+)?")


def find(text: str) -> str:
    """Return the first version in a text without its ``v``; empty when there is none."""
    match = _VERSION.search(text)
    return match.group(1) if match else ""


def key(version: str) -> tuple[int, ...]:
    """Return a version as numbers, so that 2.10 sorts after 2.9.

    A suffix (``+ds1``, ``-1``, ``~rc``) is left out: Debian and upstream differ in it only.
    """
    numbers = re.match(r"v?(\d+(?:\.\d+)*)", version)
    if not numbers:
        return ()
    parts = [int(part) for part in numbers.group(1).split(".")]
    while parts and parts[-1] == 0:  # 3.5 and 3.5.0 are one version
        parts.pop()
    return tuple(parts)


def of_package(version: str) -> str:
    """Return the upstream version of a Debian one: ``1:2.53.3+ds1-2`` is ``2.53.3``."""
    return find(version.split(":", 1)[-1])
