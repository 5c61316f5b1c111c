"""The scenario's one host and its edge."""

from __future__ import annotations

import pytest

from tests.support.asking import Door, StackHost, scenario_of


@pytest.fixture(scope="session")
def host() -> StackHost:
    """The host that runs everything."""
    return scenario_of(__file__).host("all1")


@pytest.fixture(scope="session")
def door() -> Door:
    """Its edge, from outside."""
    return scenario_of(__file__).door()
