"""Which data sources a Grafana has, and a stack that does without it."""

from __future__ import annotations

import pytest

from tests.unit.topology_builder import Inventory, pair, single_host


def test_a_single_hosts_data_sources_are_reached_by_loopback() -> None:
    view = single_host().view("mon1")

    assert [(of["component"], of["url"]) for of in view["datasources"]] == [
        ("prometheus", "http://127.0.0.1:9090"),
        ("alertmanager", "http://127.0.0.1:9093"),
    ]
    assert view["listen"]["grafana"] == "127.0.0.1:3000", "only the edge and Prometheus of this host use it"


def test_its_own_hosts_prometheus_comes_first() -> None:
    inventory = (
        Inventory()
        .host("a", "prometheus", "alertmanager", "mailbox")
        .host("b", "prometheus", "alertmanager", "grafana")
    )

    view = inventory.view("b")

    assert [(of["component"], of["host"], of["url"]) for of in view["datasources"]] == [
        ("prometheus", "b", "http://127.0.0.1:9090"),
        ("prometheus", "a", "http://10.0.0.1:9090"),
        ("alertmanager", "b", "http://127.0.0.1:9093"),
        ("alertmanager", "a", "http://10.0.0.1:9093"),
    ]


def test_a_grafana_elsewhere_opens_prometheus_to_itself_alone() -> None:
    inventory = Inventory().host("mon1", "prometheus", "alertmanager", "mailbox").host("look1", "grafana")

    rules = [rule for rule in inventory.view("mon1")["firewall"] if rule["component"] == "prometheus"]

    assert rules == [{"port": 9090, "proto": "tcp", "from": ["10.0.0.2"], "component": "prometheus"}]


def test_tls_names_and_credentials_are_handed_on() -> None:
    inventory = (
        Inventory()
        .host(
            "mon1", "prometheus", "alertmanager", "mailbox", prometheus_tls=True, stack_tls_server_name="mon.example.net",
            stack_tls_ca_file="/etc/ca.pem", prometheus_auth={"username": "ada", "password_file": "/etc/pw"},
        )
        .host("look1", "grafana")
    )  # fmt: skip

    first = inventory.view("look1")["datasources"][0]

    assert first["url"] == "https://10.0.0.1:9090"
    assert first["tls"] == {"server_name": "mon.example.net", "ca_file": "/etc/ca.pem"}
    assert first["auth"] == {"username": "ada", "password_file": "/etc/pw"}


def test_several_servers_on_one_database_are_fine() -> None:
    database = {"type": "postgres", "host": "db1:5432"}
    inventory = pair().host("g1", "grafana").host("g2", "grafana").everywhere(grafana_database=database)

    assert inventory.problems == []


def test_what_is_left_out_is_nowhere() -> None:
    view = single_host(stack_without=["grafana"]).view("mon1")

    assert "grafana" not in view["components"]
    assert "grafana" not in view["external_urls"]
    assert "grafana" not in {site["component"] for site in view["edge_sites"]}
    assert "grafana" not in {job["job_name"] for job in view["scrape_configs"]}
    assert "grafana" not in {target["job"] for target in view["expectations"]["targets"]}


@pytest.mark.parametrize("told", [[], None])
def test_nothing_is_left_out_by_nothing(told: list[str] | None) -> None:
    assert "grafana" in single_host(stack_without=told).view("mon1")["components"]
