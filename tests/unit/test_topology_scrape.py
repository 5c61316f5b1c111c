"""Scrape jobs, probes and Alertmanagers as prometheus.yml wants them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from .topology_builder import EVERYTHING, Inventory, jobs, pair, single_host, targets


def test_every_component_with_metrics_is_scraped_on_every_host_of_its_group() -> None:
    found = jobs(pair().view("mon1"))

    assert targets(found["node_exporter"]) == [
        "10.0.0.1:9100",
        "127.0.0.1:9100",
        "10.0.0.3:9100",
        "10.0.0.4:9100",
        "10.0.0.5:9100",
    ]
    assert targets(found["sample_app"]) == ["10.0.0.4:9464", "10.0.0.5:9464"], "the metrics' own port"
    assert targets(found["prometheus"]) == ["127.0.0.1:9090", "10.0.0.3:9090"], "both members of the pair"
    assert "edge" not in found, "nginx has no metrics of its own here"


def test_instance_is_the_inventory_name_and_environment_the_hosts() -> None:
    inventory = pair()
    inventory.hosts["shop2"]["stack_environment"] = "staging"

    labels = [static["labels"] for static in jobs(inventory.view("mon1"))["sample_app"]["static_configs"]]

    assert labels == [
        {"instance": "shop1", "environment": "production"},
        {"instance": "shop2", "environment": "staging"},
    ]


def test_only_the_pushgateway_keeps_the_labels_it_was_given() -> None:
    found = jobs(single_host().view("mon1"))

    assert [name for name, job in found.items() if job.get("honor_labels")] == ["pushgateway"]


def test_hosts_without_prometheus_scrape_nothing() -> None:
    view = pair().view("shop1")

    assert view["scrape_configs"] == []
    assert view["alertmanagers"] == []
    assert view["expectations"]["targets"] == []


def test_what_has_a_probe_path_is_probed_through_the_edge() -> None:
    probe = jobs(pair().view("mon1"))["blackbox"]

    assert [(static["labels"]["probe"], static["targets"]) for static in probe["static_configs"]] == [
        ("sample_app", ["http://10.0.0.1/app/healthz"]),
        ("alertmanager", ["http://10.0.0.1/alertmanager/-/ready"]),
        ("prometheus", ["http://10.0.0.1/prometheus/-/ready"]),
        ("edge", ["http://10.0.0.1/healthz"]),
    ]
    assert probe["metrics_path"] == "/probe"
    assert probe["params"] == {"module": ["http_2xx"]}
    assert probe["relabel_configs"][-1] == {"target_label": "__address__", "replacement": "10.0.0.1:9115"}


def test_two_blackbox_exporters_look_from_two_places() -> None:
    inventory = pair()
    inventory.groups["blackbox_exporter"].append("shop1")

    found = jobs(inventory.view("mon1"))

    assert {found[name]["static_configs"][0]["labels"]["prober"] for name in ("blackbox", "blackbox:2")} == {
        "edge1",
        "shop1",
    }
    assert found["blackbox:2"]["static_configs"][0]["labels"]["job"] == "blackbox"


def test_without_an_edge_nothing_is_probed() -> None:
    inventory = Inventory().host("mon1", "prometheus", "node_exporter", "blackbox_exporter")
    inventory.everywhere(prometheus_alertmanagers=["http://alertmanager.example.net:9093"])

    assert "blackbox" not in jobs(inventory.view("mon1"))


def test_tls_and_credentials_of_an_endpoint_reach_the_scraper() -> None:
    """A target by its address needs the name in the certificate; one by name does not."""
    inventory = pair()
    inventory.hosts["shop1"].update(
        node_exporter_tls=True,
        stack_tls_server_name="shop1.example.net",
        stack_tls_ca_file="/etc/ssl/ca.pem",
        node_exporter_auth={"username": "scraper", "password_file": "/etc/prometheus/scraper"},
    )

    found = jobs(inventory.view("mon1"))

    assert targets(found["node_exporter:2"]) == ["10.0.0.4:9100"]
    assert found["node_exporter:2"]["scheme"] == "https"
    assert found["node_exporter:2"]["tls_config"] == {"server_name": "shop1.example.net", "ca_file": "/etc/ssl/ca.pem"}
    assert found["node_exporter:2"]["basic_auth"] == {"username": "scraper", "password_file": "/etc/prometheus/scraper"}
    assert found["node_exporter:2"]["static_configs"][0]["labels"]["job"] == "node_exporter"
    assert "tls_config" not in found["node_exporter"]


def test_turning_tls_on_changes_every_link_and_no_target() -> None:
    plain = pair().view("mon1")
    encrypted = pair(stack_tls=True, stack_tls_ca_file="/etc/ssl/ca.pem").view("mon1")

    scraped = [job for job in encrypted["scrape_configs"] if job["job_name"] != "blackbox"]

    assert {job["scheme"] for job in encrypted["scrape_configs"]} == {"https"}
    assert all(job["tls_config"]["ca_file"] == "/etc/ssl/ca.pem" for job in scraped)
    assert sorted(t for job in scraped for t in targets(job)) == sorted(
        t for job in plain["scrape_configs"] if job["job_name"] != "blackbox" for t in targets(job)
    )
    assert encrypted["alertmanagers"][0]["scheme"] == "https"
    assert {(target["job"]) for target in encrypted["expectations"]["targets"]} == {
        target["job"] for target in plain["expectations"]["targets"]
    }


def test_expectations_are_exactly_what_the_jobs_give() -> None:
    """Verify calls any other series a mistake, so both must come out the same for any mix of schemes."""
    inventory = pair()
    inventory.hosts["shop1"]["node_exporter_tls"] = True
    view = inventory.view("mon1")

    given = set()
    for job in view["scrape_configs"]:
        for static in job["static_configs"]:
            name = static["labels"].get("job", job["job_name"])
            given.update((name, static["labels"].get("instance", target)) for target in static["targets"])

    assert {(target["job"], target["instance"]) for target in view["expectations"]["targets"]} == given


@pytest.mark.parametrize("suite", ["trixie", "sid"], ids=["prometheus-2.53", "prometheus-3.5"])
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.network
def test_promtool_takes_what_is_rendered(
    tmp_path: Path, real_program: Callable[[str, str], Path], suite: str, tls: bool
) -> None:
    password, authority = tmp_path / "password", tmp_path / "ca.pem"
    password.write_text("x")
    authority.write_text("")
    inventory = pair(
        stack_tls=tls, stack_tls_ca_file=str(authority), prometheus_alertmanagers=["https://am.example.net/x"]
    )
    inventory.hosts["shop1"]["node_exporter_auth"] = {"username": "u", "password_file": str(password)}
    view = inventory.view("mon1")
    config = tmp_path / "prometheus.yml"
    config.write_text(
        yaml.safe_dump(
            {
                "global": {"external_labels": view["external_labels"]},
                "alerting": {key: view[key] for key in ("alertmanagers", "alert_relabel_configs")},
                "scrape_configs": view["scrape_configs"],
            }
        )
    )

    done = subprocess.run(
        [real_program("prometheus", suite) / "promtool", "check", "config", config],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_an_exporter_of_the_users_own_needs_one_line() -> None:
    inventory = single_host(stack_components_extra={"redis_exporter": {"port": 9121, "metrics_path": "/metrics"}})
    inventory.groups["redis_exporter"] = ["mon1"]

    view = inventory.view("mon1")

    assert targets(jobs(view)["redis_exporter"]) == ["127.0.0.1:9121"]
    assert view["roles"]["redis_exporter"] == "redis_exporter"
    assert view["components"].index("redis_exporter") < view["components"].index("alertmanager")
    assert {"job": "redis_exporter", "instance": "mon1"} in view["expectations"]["targets"]
    assert len(view["components"]) == len(EVERYTHING) + 1
