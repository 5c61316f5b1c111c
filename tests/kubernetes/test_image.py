"""The image, built and run for real: what is in it, what it may, and that it serves, is scraped and stops as it should."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess
from threading import Thread

import pytest
from ansible_collections.promontory.stack.plugins.plugin_utils.lab_podman import Podman

from tests.kubernetes.image import (
    answer,
    base_image,
    build,
    copy_context,
    inspected,
    played,
    wait_until,
    with_pause,
)
from tests.kubernetes.podman_pods import playable
from tests.kubernetes.rendering import rendered
from tests.support.processes import free_port

pytestmark = [
    pytest.mark.lab,
    pytest.mark.network,
    pytest.mark.skipif(shutil.which("podman") is None, reason="podman is not installed"),
]

IMAGE = "localhost/promontory-test-fintech:first"
AGAIN = "localhost/promontory-test-fintech:again"
TOKEN = "a-token-of-the-metrics-hub-for-tests-0123456789"
SECRETS = {"secret-key": "s" * 48, "admin-token": "a" * 48, "metrics-token": TOKEN}
POD = "promontory-test-fintech"
SERVICE = f"{POD}-fintech"


@pytest.fixture(scope="module")
def podman(tmp_path_factory: pytest.TempPathFactory) -> Podman:
    return Podman(tmp_path_factory.mktemp("podman"))


@pytest.fixture(scope="module")
def image(podman: Podman, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    build(podman, copy_context(tmp_path_factory.mktemp("image") / "context"), IMAGE, base=base_image(podman))
    yield IMAGE
    podman.attempt("rmi", "--force", IMAGE)


@pytest.fixture(scope="module")
def ports() -> dict[str, int]:
    return {"service": free_port(), "hub": free_port()}


@pytest.fixture(scope="module")
def pods(podman: Podman, image: str, ports: dict[str, int], tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The local overlay: its database migrated, its service and its hub running."""
    place = tmp_path_factory.mktemp("pods")
    volumes = {name: place / name for name in ("secrets", "data")}
    for directory in volumes.values():
        directory.mkdir()
        directory.chmod(0o777)   # podman gives no volume to fsGroup
    for name, secret in SECRETS.items():
        (volumes["secrets"] / name).write_text(secret, encoding="utf-8")
        (volumes["secrets"] / name).chmod(0o444)
    with_pause(podman, base_image(podman))
    overlay = rendered("local")
    migration = playable(overlay, "Job/fintech-migrate", name=f"{POD}-migrate", image=image, volumes=volumes)
    service = playable(
        overlay, "Deployment/fintech", name=POD, image=image, volumes=volumes, published={8080: ports["service"]}
    )
    hub = playable(
        overlay, "Deployment/metrics-hub", name=f"{POD}-hub", image=image, volumes=volumes, published={9465: ports["hub"]},
        arguments={"--targets=dns://fintech-pods:9464": f"--targets={POD}:9464"},
    )  # fmt: skip
    networks = podman.networks().keys()
    try:
        with played(podman, [(place / "migration.yml", migration)]):
            code = podman.call("wait", f"{POD}-migrate-migrate", timeout_s=60).strip()
            assert code == "0", podman.attempt("logs", f"{POD}-migrate-migrate").stdout
        with played(podman, [(place / "service.yml", service), (place / "hub.yml", hub)]):
            yield
    finally:
        for made in podman.networks().keys() - networks:
            podman.attempt("network", "rm", made)


def test_the_same_inputs_make_the_same_layers(podman: Podman, image: str, tmp_path: Path) -> None:
    """Files of another time and place, no cache: the layers and the settings are the same, bit for bit."""
    try:
        build(podman, copy_context(tmp_path / "elsewhere"), AGAIN, base=base_image(podman))
        first, again = inspected(podman, "image", image), inspected(podman, "image", AGAIN)
    finally:
        podman.attempt("rmi", "--force", AGAIN)

    assert again["RootFS"]["Layers"] == first["RootFS"]["Layers"]
    assert again["Config"] == first["Config"]   # (the history names the build stage, whose image is another one each time)


def test_the_image_says_what_it_is_and_runs_as_nobody_known(podman: Podman, image: str) -> None:
    config = inspected(podman, "image", image)["Config"]

    assert config["User"] == "10001:10001"
    assert config["Entrypoint"] == ["python3", "-m"]
    assert config["Labels"]["org.opencontainers.image.revision"] == "0123456"
    assert "FINTECH_REVISION=0123456" in config["Env"]
    assert not any(name in " ".join(config["Env"]) for name in ("PIP_", "INDEX", "CERT"))


def test_the_image_holds_the_service_and_its_libraries_alone(podman: Podman, image: str) -> None:
    found = json.loads(_inside(podman, image, _LISTING).stdout)

    assert sorted(found["packages"]) == ["fintech", "flask_telemetry", "metrics_hub"]
    assert found["writable"] == []
    assert found["not_of_root"] == []
    assert found["bytecode_with_times"] == []
    assert found["sources_without_bytecode"] == []
    assert found["build_tools"] == []


_LISTING = """
import importlib.util, json, os, pathlib, shutil
root = pathlib.Path("/opt/fintech")
files = [path for path in root.rglob("*") if not path.is_symlink()]
compiled = [path for path in files if path.suffix == ".pyc"]
sources = [path for path in files if path.suffix == ".py"]
print(json.dumps({
    "packages": os.listdir(root / "app"),
    "writable": [str(path) for path in files if os.access(path, os.W_OK)],
    "not_of_root": [str(path) for path in files if (path.stat().st_uid, path.stat().st_gid) != (0, 0)],
    "bytecode_with_times": [str(path) for path in compiled if path.read_bytes()[4:8] != b"\\x01\\0\\0\\0"],
    "sources_without_bytecode": [str(path) for path in sources if "lib2to3" not in str(path)
                                 and not pathlib.Path(importlib.util.cache_from_source(path)).exists()],
    "build_tools": [name for name in ("pip", "pip3", "gcc", "cc", "make") if shutil.which(name)]
                   + [name for name in ("pip", "setuptools", "wheel") if importlib.util.find_spec(name)],
}))
"""


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["fintech", "--version"], "fintech 0."),
        (["metrics_hub", "--version"], "metrics_hub 0."),
        (["gunicorn", "--version"], "gunicorn"),
    ],
    ids=["fintech", "hub", "gunicorn"],
)
def test_one_image_runs_every_program(podman: Podman, image: str, arguments: list[str], says: str) -> None:
    done = podman.attempt("run", "--rm", "--network", "none", "--read-only", image, *arguments)

    assert (done.returncode, says in done.stdout) == (0, True), done.stderr


def test_without_a_secret_it_refuses_with_one_message(podman: Podman, image: str) -> None:
    done = podman.attempt("run", "--rm", "--network", "none", "--read-only", "--tmpfs", "/tmp", image)

    assert done.returncode != 0
    assert "FINTECH_SECRET_KEY" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_health_check_tells_a_service_that_answers_from_one_that_does_not(podman: Podman, image: str) -> None:
    name = f"{POD}-health"
    podman.call(
        "run", "--detach", "--name", name, "--network", "none", "--read-only", "--tmpfs", "/tmp",
        "--env", f"FINTECH_SECRET_KEY={SECRETS['secret-key']}", image,
    )  # fmt: skip
    try:
        wait_until(lambda: podman.attempt("healthcheck", "run", name).returncode == 0, "healthy")

        podman.call("kill", "--signal", "STOP", name)   # the master alone
        podman.call("exec", "--user", "0", name, "python3", "-c", _STOP_WORKERS)

        assert podman.attempt("healthcheck", "run", name).returncode == 1
    finally:
        podman.attempt("rm", "--force", "--time", "0", name)


_STOP_WORKERS = """
import os, pathlib, signal
for status in pathlib.Path("/proc").glob("[0-9]*/stat"):
    pid, parent = int(status.parent.name), int(status.read_text().rpartition(")")[2].split()[1])
    if parent == 1 and pid != os.getpid():
        os.kill(pid, signal.SIGSTOP)
"""


@pytest.mark.usefixtures("pods")
class TestPods:
    """The pods of the local overlay."""

    def test_the_service_runs_with_no_rights(self, podman: Podman) -> None:
        container = inspected(podman, "container", SERVICE)
        lines = Path(f"/proc/{container['State']['Pid']}/status").read_text(encoding="ascii").splitlines()
        status = dict(line.split(":\t", 1) for line in lines)

        assert status["Uid"].split() == ["10001"] * 4
        assert status["Gid"].split() == ["10001"] * 4
        assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0
        assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
        assert container["HostConfig"]["Memory"] == 256 << 20

    @pytest.mark.parametrize("place", ["/x", "/opt/fintech/app/fintech/x.py", "/etc/fintech/secrets/x"])
    def test_even_root_could_change_nothing(self, podman: Podman, place: str) -> None:
        done = podman.attempt("exec", "--user", "0", SERVICE, "python3", "-c", f"open({place!r}, 'w')")

        assert "Read-only file system" in done.stderr

    def test_people_use_the_service_and_the_hub_shows_it(self, ports: dict[str, int]) -> None:
        service, hub = f"http://127.0.0.1:{ports['service']}", f"http://127.0.0.1:{ports['hub']}"
        wait_until(lambda: answer(f"{service}/readyz")[0] == 200, "ready")
        person = {"username": "grace", "password": "correct horse battery"}

        made, _ = answer(f"{service}/api/v1/users", method="POST", body=person)
        logged_in, _ = answer(f"{service}/api/v1/tokens", method="POST", body=person)
        _, metrics = answer(f"{hub}/metrics", TOKEN)

        assert (made, logged_in) == (201, 201)
        assert _value(metrics, "metrics_hub_target_up", f'pod="{POD}"') == 1
        assert _value(metrics, "fintech_logins_total", f'pod="{POD}"', 'outcome="ok"') == 1

    def test_metrics_are_for_the_hub_and_the_hub_is_for_who_has_the_token(self, ports: dict[str, int]) -> None:
        assert answer(f"http://127.0.0.1:{ports['service']}/metrics")[0] == 404
        assert answer(f"http://127.0.0.1:{ports['hub']}/metrics")[0] == 401

    def test_a_stop_drains_before_it_ends(self, podman: Podman, ports: dict[str, int]) -> None:
        """Last, for it ends the service: not ready at once, still answering, then gone with exit code 0."""
        service = f"http://127.0.0.1:{ports['service']}"
        stopping = Thread(target=podman.attempt, args=("stop", "--time", "45", SERVICE))
        stopping.start()

        wait_until(lambda: answer(f"{service}/readyz")[0] == 503, "draining", limit_s=5)
        still = answer(f"{service}/healthz")[0]
        stopping.join()

        assert still == 200
        assert inspected(podman, "container", SERVICE)["State"]["ExitCode"] == 0


def _inside(podman: Podman, image: str, program: str) -> CompletedProcess[str]:
    """Run a Python program in the image, as its own user, with its own root writable: nothing in it may be."""
    done = podman.attempt("run", "--rm", "--network", "none", "--entrypoint", "python3", image, "-c", program)
    assert done.returncode == 0, done.stderr
    return done


def _value(metrics: str, name: str, *labels: str) -> float:
    """Return the one sample of a metric with these labels."""
    lines = [line for line in metrics.splitlines() if line.startswith(name + "{") and all(label in line for label in labels)]
    (line,) = itertools.islice(lines, 2)
    return float(line.rpartition("}")[2].split()[0])
