"""Load on the sample app: its own load generator in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType

from promontory.drills.frame import Field
from promontory.errors import DrillFailed

_READY = "the load begins"
_SETUP_S = 180.0   # users are registered; the service may want a minute of patience for it
_END_S = 20.0      # requests under way


class Load:
    """A load generator that can be started and stopped again.

    Args:
        field: Whose sample app gets the load.
        arguments: Of `python -m fintech.load`, without the URL.
    """

    def __init__(self, field: Field, arguments: Sequence[str]) -> None:
        """Start nothing yet."""
        app = field.stack.door("sample_app")
        self._argv = [sys.executable, "-m", "fintech.load", app.url, "--json", *arguments]
        if bundle := os.environ.get("REQUESTS_CA_BUNDLE"):
            self._argv += ["--ca-file", bundle]
        self._environment = {**os.environ, "PYTHONPATH": str(field.root / "sample_app")}
        self._say = field.say
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start, and wait until the load begins.

        Raises:
            DrillFailed: It did not begin; says why.
        """
        # In a session of its own: Ctrl-C is for us, and we end it in our own time.
        self._process = process = subprocess.Popen(
            self._argv, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        assert process.stderr is not None  # noqa: S101 - for the type checker
        impatience = threading.Timer(_SETUP_S, process.kill)
        impatience.start()
        try:
            said = ""
            for line in process.stderr:
                said = line.strip() or said
                if _READY in line:
                    return
        finally:
            impatience.cancel()
        self.stop()
        raise DrillFailed(f"The load did not begin: {said}", hint="See the sample app's state with: promontory status")

    def stop(self) -> None:
        """Stop, if it runs, and tell what it saw."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is not None:
            self._say(f"The load had ended by itself, with exit code {process.returncode}.")
        process.terminate()
        try:
            answers, _ = process.communicate(timeout=_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return
        if answers:
            summary = json.loads(answers)
            self._say(f"The load: {summary['sent']} steps, {summary['failed']} failed; answers {_statuses(summary['by_status'])}.")

    def __enter__(self) -> Load:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()


@contextmanager
def load(
    field: Field, profile: str, *, rate: float, expires_s: float, clients: int | None = None
) -> Iterator[None]:
    """Put load on the sample app, at the longest for `expires_s` seconds.

    Args:
        profile: One of the load generator's.
        rate: Steps per second.
        clients: Requests that wait for their answers at the same time; None: the load generator's own number.
    Raises:
        DrillFailed: It did not begin.
    """
    arguments = ["--profile", profile, "--rate", f"{rate:g}", "--duration", f"{expires_s:.0f}"]
    if clients is not None:
        arguments += ["--threads", str(clients)]
    with Load(field, arguments):
        yield


def _statuses(counts: dict[str, int]) -> str:
    return ", ".join(f"{status}: {count}" for status, count in counts.items()) or "none"
