"""A small cluster on loopback: three replicas, the hub, and nginx with the rules of the Ingress objects before them."""

from __future__ import annotations

import functools
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.ingress.attacker import Attacker
from tests.ingress.objects import ingresses
from tests.ingress.running import HubProgram, Nginx
from tests.ingress.translator import Place, configuration
from tests.mailbox.certificates import Certificate, certificate
from tests.sample_app.conftest import Service, get, wait_until
from tests.support.processes import free_port

SOON_S = 60.0  # much on a machine of its own, and enough on one that is busy

APP_HOST, METRICS_HOST = "fintech.test", "localhost"  # Prometheus must be able to look the second one up
ALLOWED, STRANGER = "127.0.0.1", "127.0.0.66"


@dataclass
class Cluster:
    """What runs, by name.

    Attributes:
        replicas: Pods by the name they have now.
        ingress: nginx.
        certificate: Of the ingress, for localhost.
    """

    replicas: dict[str, Service]
    hub: HubProgram
    ingress: Nginx
    certificate: Certificate

    def client(self, source: str) -> Attacker:
        return Attacker(self.ingress.port, source, self.certificate.authority)

    def replace(self, old: str, new: str) -> None:
        """Do what a rollout does to a pod: end it, and start another one in its place."""
        pod = self.replicas[new] = self.replicas.pop(old)
        pod.stop()
        pod.settings["POD_NAME"] = new
        self.start(new)

    def start(self, *names: str) -> None:
        """Start pods and wait until they are ready."""
        for name in names:
            self.replicas[name].start()
        for name in names:
            is_ready = functools.partial(_answers, f"{self.replicas[name].url}/readyz")
            wait_until(is_ready, SOON_S)

    def kill(self, name: str) -> None:
        pod = self.replicas[name]
        pod.told_to(signal.SIGKILL)
        pod.exit_code()
        # gunicorn's worker ends by itself once its master is gone, not at once.
        wait_until(lambda: not _answers(f"{pod.metrics_url}/livez"), SOON_S)

    def counted(self, route: str) -> float:
        """Return how many requests the replicas that run now have counted for a route, asked one by one."""
        return sum(
            sample.value
            for pod in self.replicas.values()
            for family in text_string_to_metric_families(get(f"{pod.metrics_url}/metrics")[1])
            for sample in family.samples
            if sample.name == "http_server_request_duration_seconds_count" and sample.labels["http_route"] == route
        )


def _answers(url: str) -> bool:
    return get(url)[0] == 200


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, real_program: Callable[[str, str], Path]) -> Iterator[Cluster]:
    place = tmp_path_factory.mktemp("cluster")
    files = certificate(place / "certificate")
    replicas = {}
    for name in ("fintech-a", "fintech-b", "fintech-c"):
        (place / name).mkdir()
        settings = {
            "POD_NAME": name, "FINTECH_DATABASE_URL": f"sqlite:///{place}/fintech.db", "FINTECH_TRUSTED_PROXIES": "1",
        }  # fmt: skip
        replicas[name] = Service(place / name, settings)
    (place / "hub").mkdir()
    (place / "nginx").mkdir()
    (place / "overlay").mkdir()
    hub = nginx = None
    try:
        hub = HubProgram.start(place / "hub", [pod.metrics_url.removeprefix("http://") for pod in replicas.values()])
        parameters = {
            "app-host": APP_HOST, "metrics-host": METRICS_HOST, "ingress-class": "nginx",
            "prometheus-addresses": f"{ALLOWED}/32",
        }  # fmt: skip
        backends = {
            ("fintech", "http"): [pod.url.removeprefix("http://") for pod in replicas.values()],
            ("metrics-hub", "http"): [f"127.0.0.1:{hub.port}"],
        }
        port = free_port()
        user = "root" if os.geteuid() == 0 else None
        where = Place(place / "nginx", f"127.0.0.1:{port}", files.certificate, files.key, user)
        text = configuration(ingresses(place / "overlay", parameters), backends, where)
        nginx = Nginx.start(real_program("nginx", "bookworm") / "nginx", place / "nginx", port, text)
        made = Cluster(replicas, hub, nginx, files)
        made.start(*replicas)
        yield made
    finally:
        for program in (nginx, hub):
            if program:
                program.program.stop()
        for pod in replicas.values():
            pod.stop()
