"""Clusters become scrape jobs; what makes no sense is refused, and no credential stands in the configuration."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.promontory.stack.plugins.plugin_utils.kubernetes.errors import ClusterError
from ansible_collections.promontory.stack.plugins.plugin_utils.kubernetes.scraping import Scraping, render
from ansible_collections.promontory.stack.plugins.plugin_utils.settings import Gate, UnknownSetting

from tests.mailbox.certificates import Certificate, certificate
from tests.support import prometheus_tree
from tests.support.playbooks import ROOT, Project

INGRESS: dict[str, Any] = {"name": "shop", "scrape_via": "ingress", "url": "https://metrics.example.net", "token": "hush"}
APISERVER: dict[str, Any] = {
    "name": "eks",
    "scrape_via": "apiserver",
    "api_server": "https://api.example.net:6443/clusters/a",
    "token_file": "/etc/eks/token",
}


def rendered(*entries: dict[str, Any]) -> Scraping:
    return render(list(entries), environment="lab", scrape_interval="15s")


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate(tmp_path_factory.mktemp("pem") / "files")


def test_credentials_become_files_and_stand_nowhere_else(pem: Certificate) -> None:
    texts = {key: file.read_text() for key, file in (("ca", pem.authority), ("client_cert", pem.certificate))}

    made = rendered({**INGRESS, **texts, "client_key": pem.key.read_text(), "server_name": "hub"})

    [job] = made.jobs
    assert made.secrets == {"kubernetes_shop_token": "hush\n", "kubernetes_shop_client_key.pem": pem.key.read_text()}
    assert made.files["kubernetes/shop_ca.pem"] == {"content": pem.authority.read_text()}
    assert job["authorization"] == {"credentials_file": "{config}/secrets/kubernetes_shop_token"}
    assert job["tls_config"] == {
        "ca_file": "{config}/kubernetes/shop_ca.pem",
        "cert_file": "{config}/kubernetes/shop_client.pem",
        "key_file": "{config}/secrets/kubernetes_shop_client_key.pem",
        "server_name": "hub",
    }
    assert "hush" not in repr(made.jobs)
    assert "PRIVATE KEY" not in repr((made.jobs, made.files))


def test_files_of_the_host_are_named_as_they_are() -> None:
    made = rendered({**APISERVER, "ca_file": "/etc/eks/ca.pem"})

    [job] = made.jobs
    [discovery] = job["kubernetes_sd_configs"]
    assert made.secrets == made.files == {}
    for client in (job, discovery):
        assert client["authorization"] == {"credentials_file": "/etc/eks/token"}
        assert client["tls_config"] == {"ca_file": "/etc/eks/ca.pem"}
        assert client["follow_redirects"] is False, "a redirect would carry the token away"


def test_the_two_ways_know_what_is_always_there_and_what_runs() -> None:
    made = rendered(INGRESS, APISERVER)

    assert made.targets == [{"job": "metrics_hub", "instance": "shop"}], "pods are discovered, they come and go"
    assert made.clusters == ["shop", "eks"]
    assert made.components == ["metrics_hub", "sample_app"]
    assert rendered(APISERVER).components == ["sample_app"]


def test_the_address_of_the_api_server_may_have_a_path() -> None:
    [job] = rendered(APISERVER).jobs

    by_target = {rule.get("target_label"): rule.get("replacement") for rule in job["relabel_configs"]}
    assert by_target["__address__"] == "api.example.net:6443"
    assert by_target["__metrics_path__"] == "/clusters/a/api/v1/namespaces/$1/pods/$2:$3/proxy/metrics"


@pytest.mark.parametrize(
    ("url", "target", "path"),
    [
        ("https://metrics.example.net", "metrics.example.net:443", "/metrics"),
        ("https://metrics.example.net/fintech/metrics", "metrics.example.net:443", "/fintech/metrics"),
        ("https://[fd00::1]:8443/metrics", "[fd00::1]:8443", "/metrics"),
    ],
)
def test_the_url_is_taken_apart(url: str, target: str, path: str) -> None:
    [job] = rendered({**INGRESS, "url": url}).jobs

    assert (job["static_configs"][0]["targets"], job["metrics_path"]) == ([target], path)


def test_limits_and_times_are_the_entrys_or_have_a_default() -> None:
    [plain] = rendered(INGRESS).jobs
    [chosen] = rendered({**INGRESS, "sample_limit": 5, "body_size_limit": "1MB", "scrape_interval": "1m"}).jobs

    assert (plain["sample_limit"], plain["label_limit"], plain["body_size_limit"]) == (200_000, 40, "32MB")
    assert "scrape_interval" not in plain
    assert (chosen["sample_limit"], chosen["body_size_limit"], chosen["scrape_interval"]) == (5, "1MB", "1m")


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        pytest.param({**INGRESS, "scrape_via": "nodeport"}, "scrape_via is 'nodeport', but must be ingress", id="way"),
        pytest.param({**INGRESS, "tokn": "x"}, "tokn means nothing with scrape_via ingress; known are .*token", id="typo"),
        pytest.param({**INGRESS, "namespaces": ["a"]}, "namespaces means nothing with scrape_via ingress", id="other way"),
        pytest.param({**INGRESS, "name": "Shop_1"}, "name is 'Shop_1', but must be", id="name"),
        pytest.param({**INGRESS, "url": ""}, "url is '', but must begin with https://", id="no url"),
        pytest.param({**INGRESS, "url": "metrics.example.net"}, "url is 'metrics", id="no scheme"),
        pytest.param({**INGRESS, "url": "https://a:70000"}, "url is 'https://a:70000'", id="port"),
        pytest.param({**INGRESS, "url": "https://[::1"}, r"url is 'https://\[::1'", id="brackets"),
        pytest.param({**INGRESS, "url": "http://a"}, "'http://a', and token needs https://", id="token in the clear"),
        pytest.param({**INGRESS, "url": "https://u:p@a"}, "no name, password", id="password in the url"),
        pytest.param({**INGRESS, "token_file": "/t"}, "token and token_file exclude each other", id="two tokens"),
        pytest.param({**APISERVER, "token_file": "t"}, "token_file is 't', but must be an absolute", id="relative"),
        pytest.param({**APISERVER, "token_file": None}, "lets nobody in without token", id="no token"),
        pytest.param({**INGRESS, "token": "a b"}, "token holds a blank", id="blank in the token"),
        pytest.param({**INGRESS, "ca": "MIIB"}, "ca is no PEM certificate", id="ca without its lines"),
        pytest.param(
            {**INGRESS, "ca": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"},
            "ca is no PEM certificate",
            id="ca cut off",
        ),
        pytest.param({**INGRESS, "client_cert_file": "/c"}, "client_key is missing", id="half a pair"),
        pytest.param(
            {**INGRESS, "client_cert_file": "/c", "client_key": "-----BEGIN ENCRYPTED PRIVATE KEY-----\nx"},
            "client_key is no unencrypted PEM key",
            id="key with a passphrase",
        ),
        pytest.param({**INGRESS, "scrape_interval": "15"}, "scrape_interval is '15', but must be a time", id="no unit"),
        pytest.param({**INGRESS, "scrape_timeout": "0s"}, "scrape_timeout is '0s', but must be a time", id="no time"),
        pytest.param(
            {**INGRESS, "scrape_interval": "5s", "scrape_timeout": "10s"},
            "scrape_timeout is 10s, longer than the scrape_interval of 5s",
            id="timeout",
        ),
        pytest.param({**INGRESS, "scrape_timeout": "20s"}, "longer than the scrape_interval of 15s", id="global interval"),
        pytest.param({**INGRESS, "sample_limit": 0}, "sample_limit is 0, but must be a whole number", id="limit"),
        pytest.param({**INGRESS, "body_size_limit": "32"}, "body_size_limit is '32', but must be a size", id="size"),
    ],
)
def test_an_entry_that_cannot_work_is_refused(entry: dict[str, Any], message: str) -> None:
    with pytest.raises(ClusterError, match=rf"^prometheus_kubernetes_clusters\[0\] \({entry['name']}\): .*{message}") as caught:
        rendered(entry)

    assert "hush" not in str(caught.value)


def test_a_name_may_not_come_twice() -> None:
    with pytest.raises(ClusterError, match=r"\[1\] \(shop\): the name is taken"):
        rendered(INGRESS, {**APISERVER, "name": "shop"})


def test_preflight_shows_the_message_and_no_secret(tmp_path: Path) -> None:
    project = Project(tmp_path).host("mon1", "prometheus", stack_address="10.0.0.1")
    wrong = {**INGRESS, "scrape_vai": "ingress", "token": ["hush"]}
    project.file(
        "group_vars/all.yml",
        {"prometheus_alertmanagers": ["https://am.example.net"], "prometheus_kubernetes_clusters": [wrong]},
    )

    run = project.play(
        {"promontory.stack.topology": {"problems": "report"}, "run_once": True}, {"promontory.stack.preflight": {}}
    )

    assert "prometheus_kubernetes_clusters[0].scrape_vai" in run.output
    assert "Did you mean scrape_via?" in run.output
    assert "hush" not in run.output


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory, pem: Certificate) -> dict[str, Path]:
    """Give prometheus.yml as the role renders it: for a cluster behind an ingress, and for one of each way."""
    folder = tmp_path_factory.mktemp("trees")
    (folder / "token").write_text("t")
    tls = {
        "ca": pem.authority.read_text(), "client_cert": pem.certificate.read_text(), "client_key": pem.key.read_text(),
    }  # fmt: skip
    shop, eks = {**INGRESS, **tls}, {**APISERVER, **tls, "token_file": str(folder / "token")}
    others = {"prometheus_alertmanagers": ["http://127.0.0.1:9093"]}
    return {
        name: prometheus_tree.render(folder / name, prometheus_kubernetes_clusters=clusters, **others)
        for name, clusters in (("ingress", [shop]), ("both", [shop, eks]))
    }


@pytest.mark.network
@pytest.mark.parametrize(("suite", "tree"), [("bookworm", "ingress"), ("trixie", "both"), ("sid", "both")])
def test_prometheus_takes_what_the_role_renders(
    trees: dict[str, Path], real_program: Callable[[str, str], Path], suite: str, tree: str
) -> None:
    promtool = real_program("prometheus", suite) / "promtool"
    checked = subprocess.run([promtool, "check", "config", trees[tree]], capture_output=True, text=True, check=False)

    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "sample_app_pods" in checked.stdout, "the pods' rules come with the cluster"


def test_the_clusters_stand_between_the_stacks_jobs_and_the_users(trees: dict[str, Path]) -> None:
    jobs = [job["job_name"] for job in yaml.safe_load(trees["both"].read_text())["scrape_configs"]]

    assert jobs == ["prometheus", "kubernetes/shop", "kubernetes/eks"]


def test_a_release_built_without_kubernetes_is_refused_before_anything_changes() -> None:
    """Debian 12's package: promtool would refuse the file much later, and with a riddle."""
    table = yaml.safe_load((ROOT / "roles/prometheus/vars/main.yml").read_text())["__prometheus_settings"]
    gate = Gate("prometheus", "2.42.0", "package", table)

    assert gate.config("prometheus.yml", {"scrape_configs": rendered(INGRESS).jobs}, {})["scrape_configs"]
    with pytest.raises(UnknownSetting, match=r"kubernetes_sd_configs is not known by prometheus 2\.42\.0"):
        gate.config("prometheus.yml", {"scrape_configs": rendered(APISERVER).jobs}, {})
