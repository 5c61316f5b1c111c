"""Judges a host by its own words: whether this stack can run there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# Systems whose releases the roles are written for, by ID and VERSION_ID of os-release(5).
SUPPORTED = {
    "debian": ("Debian", ("12", "13")),
    "ubuntu": ("Ubuntu", ("22.04", "24.04", "26.04")),
    "amzn": ("Amazon Linux", ("2023",)),
}
ARCHITECTURES = ("amd64", "arm64")
# The oldest Python of a supported system is that of Amazon Linux 2023.
PYTHON = (3, 9)
# systemd of Debian 12 is 252, of Ubuntu 22.04 249; the unit's settings exist since 247.
SYSTEMD = 247


def judge_host(facts: Mapping[str, Any], *, min_free_mb: int) -> list[str]:
    """Return what keeps the stack from running on a host, as complete sentences.

    Args:
        facts: ``stack_host`` as promontory.stack.host returns it.
        min_free_mb: Free space in MB that each of its paths must have.
    """
    judged = [_system(facts["os"]), _architecture(facts), _python(facts), _systemd(facts), _space(facts, min_free_mb)]
    return [message for message in judged if message]


def _system(os: Mapping[str, str]) -> str:
    name, versions = SUPPORTED.get(os["id"], ("", ()))
    if os["version"] in versions:
        return ""
    systems = "; ".join(f"{label} {', '.join(numbers)}" for label, numbers in SUPPORTED.values())
    found = " ".join(part for part in (name or os["id"], os["version"] or os.get("codename", "")) if part)
    return f"Its operating system is {found}, which is not supported. Use a host with one of these: {systems}."


def _architecture(facts: Mapping[str, Any]) -> str:
    if facts["architecture"] in ARCHITECTURES:
        return ""
    return f"Its processor is {facts['architecture']}, but programs exist for {' and '.join(ARCHITECTURES)} only. Use such a host."


def _python(facts: Mapping[str, Any]) -> str:
    found = str(facts["python"])
    numbers = tuple(int(part) for part in re.findall(r"\d+", found)[:2])
    if numbers >= PYTHON:
        return ""
    needed = ".".join(map(str, PYTHON))
    return (
        f"Its Python is {found}, but {needed} or newer is needed. Install one there and name it in "
        "ansible_python_interpreter, such as /usr/bin/python3.11."
    )


def _systemd(facts: Mapping[str, Any]) -> str:
    found = int(facts["systemd"])
    if found == 0:
        return (
            "systemd does not run there (process 1 is another program), so no service can be managed. "
            "Use a host that boots with systemd."
        )
    if found < SYSTEMD:
        return f"Its systemd is {found}, but {SYSTEMD} or newer is needed. Upgrade the system."
    return ""


def _space(facts: Mapping[str, Any], min_free_mb: int) -> str:
    scarce = {path: int(free) for path, free in facts["free_mb"].items() if int(free) < min_free_mb}
    if not scarce:
        return ""
    places = ", ".join(f"{free} MB below {path}" for path, free in sorted(scarce.items()))
    return (
        f"It has too little free space: {places}; {min_free_mb} MB are wanted. Make room, or lower stack_min_free_mb."
    )
