"""The edge: what it serves, under which URLs, and what the command line is told about it."""

from __future__ import annotations

import pytest
from ansible_collections.promontory.stack.plugins.module_utils import topology
from ansible_collections.promontory.stack.plugins.module_utils.topology import doors

from .topology_builder import Inventory, pair, single_host

AUTH = {"username": "admin", "password_file": "/secrets/edge_admin_password"}


def test_the_edge_serves_each_component_that_has_a_path() -> None:
    sites = {site["path"]: site for site in pair().view("edge1")["edge_sites"]}

    assert sorted(sites) == ["/alertmanager/", "/app/", "/blackbox/", "/mail/", "/prometheus/"]
    assert sites["/prometheus/"]["upstreams"] == ["http://10.0.0.2:9090", "http://10.0.0.3:9090"]
    assert sites["/mail/"]["upstreams"] == ["http://127.0.0.1:8025"]
    assert [path for path, site in sites.items() if site["public"]] == ["/app/"]


def test_other_hosts_serve_nothing() -> None:
    assert pair().view("mon1")["edge_sites"] == []


def test_tls_and_credentials_of_an_upstream_reach_the_edge() -> None:
    auth = {"username": "edge", "password_file": "/etc/edge/prometheus"}
    inventory = pair()
    for host in ("mon1", "mon2"):
        inventory.hosts[host].update(
            prometheus_tls=True, prometheus_auth=auth, stack_tls_server_name="prometheus.internal"
        )

    site = next(site for site in inventory.view("edge1")["edge_sites"] if site["component"] == "prometheus")

    assert site["upstreams"] == ["https://10.0.0.2:9090", "https://10.0.0.3:9090"]
    assert site["tls"] == {"server_name": "prometheus.internal", "ca_file": ""}
    assert site["auth"] == auth


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({}, "http://10.0.0.1"),
        ({"edge_port": 8080}, "http://10.0.0.1:8080"),
        ({"edge_tls": True}, "https://10.0.0.1"),
        ({"stack_external_url": "https://mon.example.net/stack/"}, "https://mon.example.net/stack"),
    ],
    ids=["plain", "port", "tls", "told"],
)
def test_urls_for_people_start_at_the_edge(variables: dict[str, object], url: str) -> None:
    view = pair(**variables).view("mon1")

    assert view["external_url"] == url
    assert view["external_urls"]["prometheus"] == f"{url}/prometheus/"
    assert view["external_urls"]["edge"] == f"{url}/"


def test_without_an_edge_urls_are_the_components_own() -> None:
    inventory = Inventory().host("mon1", "prometheus", "alertmanager", "mailbox").host("mon2", "prometheus")

    view = inventory.view("mon1")

    assert view["external_url"] is None
    assert view["external_urls"]["alertmanager"] == "http://10.0.0.1:9093/"


def test_a_component_can_be_taken_off_the_edge() -> None:
    inventory = single_host(stack_components_extra={"pushgateway": {"edge_path": None}})

    assert "/pushgateway/" not in [site["path"] for site in inventory.view("mon1")["edge_sites"]]


def test_the_summary_names_urls_and_where_the_password_stands() -> None:
    stack = topology.load(pair(stack_edge_auth=AUTH).model)

    summary = doors.summary(stack)

    urls = {entry["component"]: entry for entry in summary["urls"]}
    assert urls["prometheus"] == {
        "component": "prometheus",
        "host": "edge1",
        "url": "http://10.0.0.1/prometheus/",
        "auth": AUTH,
    }
    assert urls["sample_app"]["auth"] is None, "public"
    assert urls["node_exporter"]["url"] == "http://10.0.0.1:9100/"
    assert summary["hosts"][1] == {
        "name": "mon1",
        "address": "10.0.0.2",
        "components": ["node_exporter", "alertmanager", "prometheus"],
    }


def test_the_summary_leaves_out_what_nobody_else_can_open() -> None:
    stack = topology.load(single_host(stack_edge_auth=AUTH).model)

    assert "node_exporter" not in {entry["component"] for entry in doors.summary(stack)["urls"]}


def test_the_view_tells_the_edge_who_may_come_in() -> None:
    assert single_host(stack_edge_auth=AUTH).view("mon1")["edge_auth"] == AUTH
