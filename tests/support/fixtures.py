"""Fixtures that serve several test parts; loaded by tests/conftest.py."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import debs


@pytest.fixture(scope="session")
def real_program() -> Callable[[str, str], Path]:
    """Give the directory with a program's executables: `real_program("prometheus", "sid") / "promtool"`."""

    def directory(program: str, suite: str) -> Path:
        return debs.release(program, suite).directory

    return directory


@pytest.fixture(scope="session")
def promtool(real_program: Callable[[str, str], Path]) -> Path:
    """Give the promtool of the newest Prometheus that can be run here."""
    return real_program("prometheus", "sid") / "promtool"


@pytest.fixture(scope="session")
def amtool(real_program: Callable[[str, str], Path]) -> Path:
    """Give the amtool of the newest Alertmanager that can be run here."""
    return real_program("alertmanager", "sid") / "amtool"
