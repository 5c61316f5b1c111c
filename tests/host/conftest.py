"""One lab host for all tests of this directory, and a clean one for each."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from tests.host.target import Target

# By hand and not by our own module: what is tested must not also be what makes room for the next test.
CLEAN = """
systemctl stop beacon; systemctl reset-failed beacon
rm -rf /etc/systemd/system/beacon.service /etc/systemd/system/multi-user.target.wants/beacon.service
rm -rf /etc/beacon /opt/beacon /var/lib/beacon /var/lib/promontory /var/tmp/promontory-check*
userdel beacon; systemctl daemon-reload
"""


@pytest.fixture(scope="session")
def lab_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """A host with a real systemd; made once."""
    if shutil.which("podman") is None:
        pytest.fail("lab hosts need podman; scripts/test installs it")
    made = Target(tmp_path_factory.mktemp("host"))
    made.make()
    yield made
    made.remove()


@pytest.fixture
def target(lab_host: Target) -> Target:
    """The host without the tests' program."""
    lab_host.shell(f"({CLEAN}) 2>/dev/null", check=False)
    return lab_host
