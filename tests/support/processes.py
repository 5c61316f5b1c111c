"""Programs that tests start on loopback: a port for them, and their end."""

from __future__ import annotations

import socket
import subprocess

_PATIENCE_S = 15


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    return port


def end(process: subprocess.Popen[bytes] | None) -> None:
    """Ask a program to end, and kill it when it takes longer than 15 s; nothing for one that runs no more."""
    if process is None or process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(timeout=_PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
