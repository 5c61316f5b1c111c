"""Programs run on the host, with their output at hand when they complain."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


def run(
    argv: Sequence[str],
    *,
    timeout_s: float = 120.0,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a program without a shell, in the C.UTF-8 locale, and return what it said.

    Never raises for a non-zero exit: the caller knows what that means. A program that cannot be
    started or does not end in time comes back with exit status 127 or 124, as a shell would say it.
    """
    env = {**os.environ, "LC_ALL": "C.UTF-8", "LANGUAGE": "C", **(environment or {})}
    try:
        return subprocess.run(
            list(argv),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
            cwd=cwd,
            env=env,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(argv, 124, "", f"no end after {timeout_s:.0f} s")
    except OSError as error:
        return subprocess.CompletedProcess(argv, 127, "", f"{argv[0]}: {error.strerror}")


def output(result: subprocess.CompletedProcess[str], *, lines: int = 30) -> str:
    """Return the last lines a program printed on both streams."""
    text = "\n".join(part.strip() for part in (result.stdout, result.stderr) if part.strip())
    return "\n".join(text.splitlines()[-lines:])
