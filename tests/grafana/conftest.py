"""Fixtures: a pretended Grafana for every test, a real one where its archive lies in the artifact cache."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.promontory.stack.plugins.module_utils.grafana.api import Api
from ansible_collections.promontory.stack.plugins.module_utils.readback import Readback

from tests.grafana import real
from tests.grafana.pretended import Pretended, serving

NO_ARCHIVE = (
    "no Grafana to run: put grafana-<version>.linux-amd64.tar.gz into the artifact cache (~/.cache/promontory/artifacts)"
)


@pytest.fixture
def pretended() -> Iterator[Pretended]:
    """A pretended server with nothing in it."""
    with serving(Pretended(users={"admin": 1, "ada": 2, "bob@example.net": 3})) as state:
        yield state


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked archive of a real Grafana."""
    packed = real.archive()
    if packed is None:
        pytest.skip(NO_ARCHIVE)
    return real.unpack(packed, tmp_path_factory.mktemp("release"))


@pytest.fixture(scope="session")
def server(release: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[real.Server]:
    """A real Grafana."""
    with real.running(release, tmp_path_factory.mktemp("grafana")) as running:
        yield running


@pytest.fixture(params=["pretended", "real"])
def api(request: pytest.FixtureRequest, tmp_path: Path) -> Api:
    """An administrator's client, of the pretended and of the real server."""
    password = tmp_path / "password"
    if request.param == "pretended":
        state: Pretended = request.getfixturevalue("pretended")
        password.write_text(f"{state.password}\n")
        url = state.url
    else:
        url = request.getfixturevalue("server").url
        password.write_text(f"{real.PASSWORD}\n")
    client = Api(url, Readback(username="admin", password_file=str(password)))
    if request.param == "real":
        for name in ("ada", "bob@example.net"):
            if not client.get("users/search", query=name)["users"]:
                client.post("admin/users", {"name": name, "login": name, "email": name, "password": "long-enough-1"})
    return client
