"""The overlays as they are committed: built, accepted by the schemas of Kubernetes, and right in what they mean together."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from promontory.manifests import Manifests, Questions, findings, traffic_findings
from promontory.manifests.objects import strict_documents
from tests.kubernetes.rendering import K8S, NEWEST, OLDEST, OVERLAYS, kustomize, rendered, schema_problems

pytestmark = pytest.mark.network
_FILES = sorted(file for file in K8S.rglob("*.yml") if file.name != "traffic.yml")
_IDS = [str(file.relative_to(K8S)) for file in _FILES]


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_kubernetes_accepts_every_object(overlay: str, version: str) -> None:
    assert [problem for one in rendered(overlay).objects for problem in schema_problems(one, version)] == []


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_nothing_is_wrong_with_an_overlay(overlay: str) -> None:
    assert [str(one) for one in findings(rendered(overlay))] == []


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_who_must_reach_whom_does_and_nobody_else(overlay: str) -> None:
    questions = Questions.from_yaml((K8S / "traffic.yml").read_text(encoding="utf-8"), overlay)

    assert [str(one) for one in traffic_findings(rendered(overlay), questions)] == []


def test_the_question_of_each_connection_is_asked_somewhere() -> None:
    """A peer that no overlay has would leave its connections unasked for ever."""
    text = (K8S / "traffic.yml").read_text(encoding="utf-8")
    asked = [Questions.from_yaml(text, overlay) for overlay in OVERLAYS]

    for one in asked[0].asked:
        assert any({one.source, one.target} <= questions.peers.keys() for questions in asked), one


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_parameter_reaches_the_objects(overlay: str, tmp_path: Path) -> None:
    """A replacement whose target has another name does nothing, and says nothing."""
    shutil.copytree(K8S, tmp_path / "k8s")
    file = tmp_path / "k8s" / "overlays" / overlay / "parameters.yml"
    document = yaml.safe_load(file.read_text(encoding="utf-8"))
    before = dict(document["data"])
    changed = {key: _another(value) for key, value in before.items()}
    file.write_text(yaml.safe_dump({**document, "data": changed}), encoding="utf-8")

    text = kustomize(file.parent)

    assert [key for key, value in changed.items() if value not in text] == []
    # Addresses and host names stand nowhere else; the other values are words that may.
    places = [value for key, value in before.items() if key.endswith(("-host", "-cidr", "-address", "-addresses"))]
    assert [value for value in places if re.search(rf"(?<![\w.-]){re.escape(value)}(?![\w-])", text)] == []


@pytest.mark.parametrize("file", _FILES, ids=_IDS)
def test_a_file_holds_one_object_and_says_what_it_is_for(file: Path) -> None:
    text = file.read_text(encoding="utf-8")

    assert len(strict_documents(text)) == 1
    assert text.startswith("# ")


@pytest.mark.parametrize("file", _FILES, ids=_IDS)
def test_no_file_is_forgotten(file: Path) -> None:
    if file.name == "kustomization.yml":
        assert file.parent.name in (*OVERLAYS, "api-server-scrape") or any(_names(other, file.parent) for other in _FILES)
        return
    assert any(_names(other, file) for other in _FILES if other.name == "kustomization.yml")


def _names(kustomization: Path, target: Path) -> bool:
    """Tell whether a kustomization names a file or a directory."""
    words = re.findall(r"[\w./-]+", kustomization.read_text(encoding="utf-8"))
    return any((kustomization.parent / word).resolve() == target for word in words if "/" in word or word.endswith(".yml"))


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_changed_setting_rolls_the_pods(overlay: str) -> None:
    (config,) = rendered(overlay).of("ConfigMap")

    assert re.fullmatch(r"fintech-config-[a-z0-9]{10}", config.name)


def test_the_database_of_eks_is_found_by_what_is_no_secret() -> None:
    """External Secrets writes a URL without a host; libpq takes the host, the port and the certificates from variables."""
    overlay = rendered("eks")
    (config,), (secret,) = overlay.of("ConfigMap"), overlay.of("ExternalSecret")
    url = secret.at("spec.target.template.data.database-url")
    nobody = {"PGHOST": "127.0.0.1", "PGPORT": "1"}
    settings = {"FINTECH_SECRET_KEY": "s" * 32, "FINTECH_DATABASE_URL": re.sub(r"{{.*?}}", "x", url)}

    done = subprocess.run(
        [sys.executable, "-m", "fintech", "migrate"], cwd=K8S.parent, env={**settings, **nobody},
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert config.at("data").keys() >= {*nobody, "PGSSLMODE", "PGSSLROOTCERT"}
    assert config.at("data.PGSSLMODE") == "verify-full"
    assert done.returncode == 2
    assert '"127.0.0.1", port 1 failed' in done.stderr


def test_prometheus_may_read_pods_through_the_api_server_and_nothing_else(tmp_path: Path) -> None:
    """The optional component, added to an overlay as its first lines say."""
    shutil.copytree(K8S, tmp_path / "k8s")
    overlay = tmp_path / "k8s" / "overlays" / "local"
    for name, old, new in (
        ("kustomization.yml", "components:\n", "components:\n  - ../../components/api-server-scrape\n"),
        ("parameters.yml", "data:\n", "data:\n  api-server-cidr: 172.18.0.2/32\n"),
    ):
        file = overlay / name
        file.write_text(file.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")

    manifests = Manifests.from_yaml(kustomize(overlay))

    assert list(findings(manifests)) == []
    (role,) = manifests.of("Role")
    assert [(rule["resources"], rule["verbs"]) for rule in role.at("rules")] == [
        (["pods"], ["get", "list", "watch"]), (["pods/proxy"], ["get"]),
    ]  # fmt: skip
    policy = manifests.find("NetworkPolicy", "api-server-to-app", "fintech")
    assert policy is not None
    assert policy.at("spec.ingress")[0]["from"] == [{"ipBlock": {"cidr": "172.18.0.2/32"}}]
    assert [problem for one in manifests.objects for problem in schema_problems(one, NEWEST)] == []


def _another(value: str) -> str:
    """Return another value of the same kind: a network, an identity, a name."""
    if re.match(r"\d+\.\d+\.\d+\.\d+/", value):
        return "100.64.1.0/24"
    return f"{value}-changed"
