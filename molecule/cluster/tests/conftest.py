"""The scenario's three hosts and their edge."""

from __future__ import annotations

import pytest

from tests.support.asking import Door, StackHost, scenario_of

NAMES = ("node1", "node2", "node3")


@pytest.fixture(scope="session")
def hosts() -> dict[str, StackHost]:
    """All hosts by name: Prometheus on 1 and 2, Alertmanager on all, the edge and the mailbox on 3."""
    scenario = scenario_of(__file__)
    return {name: scenario.host(name) for name in NAMES}


@pytest.fixture(scope="session")
def door() -> Door:
    """Their edge, from outside."""
    return scenario_of(__file__).door()
