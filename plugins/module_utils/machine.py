"""What this machine is, by the names that release archives use."""

from __future__ import annotations

import platform

_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def architecture() -> str:
    """Return the machine's architecture: ``amd64``, ``arm64``, or the kernel's own word for another."""
    machine = platform.machine().lower()
    return _ARCHITECTURES.get(machine, machine)
