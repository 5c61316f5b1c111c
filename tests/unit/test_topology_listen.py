"""Where endpoints listen and whom a host lets in: no wider than the links need."""

from __future__ import annotations

import pytest

from .topology_builder import Inventory, pair, single_host


def test_only_the_edge_listens_outside_on_a_single_host() -> None:
    view = single_host().view("mon1")

    outside = {key for key, address in view["listen_address"].items() if address != "127.0.0.1"}

    assert outside == {"edge"}
    assert view["listen"]["edge"] == "0.0.0.0:80"
    assert view["firewall"] == [{"port": 80, "proto": "tcp", "from": ["0.0.0.0/0", "::/0"], "component": "edge"}]


def test_an_exporter_opens_to_the_hosts_that_scrape_it_and_to_no_other() -> None:
    view = pair().view("shop1")

    rules = {rule["port"]: rule["from"] for rule in view["firewall"]}

    assert view["listen"]["node_exporter"] == "0.0.0.0:9100"
    assert rules[9100] == ["10.0.0.2", "10.0.0.3"], "the two Prometheus hosts"
    assert rules[9464] == ["10.0.0.2", "10.0.0.3"]
    assert rules[8000] == ["10.0.0.1"], "the edge alone reaches the pages"


def test_gossip_opens_tcp_and_udp_to_the_peers_only() -> None:
    view = pair().view("mon1")

    gossip = [rule for rule in view["firewall"] if rule["port"] == 9094]

    assert [(rule["proto"], rule["from"]) for rule in gossip] == [("tcp", ["10.0.0.3"]), ("udp", ["10.0.0.3"])]


def test_second_ports_have_keys_of_their_own() -> None:
    view = single_host(sample_app_metrics_port=9999, mailbox_smtp_port=1025).view("mon1")

    assert view["port"]["sample_app"] == 8000
    assert view["port"]["sample_app:metrics"] == 9999
    assert view["listen"]["mailbox:smtp"] == "127.0.0.1:1025"
    assert view["listen"]["alertmanager:cluster"] == "127.0.0.1:9094"


def test_a_listen_address_of_the_user_wins_and_reaches_the_clients_on_the_host() -> None:
    view = single_host(prometheus_listen_address="192.0.2.7", prometheus_port=9191).view("mon1")

    assert view["listen"]["prometheus"] == "192.0.2.7:9191"
    assert view["local_url"]["prometheus"] == "http://192.0.2.7:9191"
    upstreams = {site["component"]: site["upstreams"] for site in view["edge_sites"]}
    assert upstreams["prometheus"] == ["http://192.0.2.7:9191"]


@pytest.mark.parametrize("wildcard", ["0.0.0.0", "::"])
def test_a_host_reaches_its_own_wildcard_listeners_by_loopback(wildcard: str) -> None:
    view = single_host(prometheus_listen_address=wildcard).view("mon1")

    assert view["local_url"]["prometheus"] == "http://127.0.0.1:9090"


def test_ipv6_addresses_stand_in_brackets() -> None:
    inventory = (
        Inventory()
        .host("mon1", "prometheus", "alertmanager", "mailbox", stack_address="2001:db8::1")
        .host("shop1", "node_exporter", stack_address="2001:db8::2", node_exporter_listen_address="::")
    )

    view = inventory.view("mon1")

    assert inventory.view("shop1")["listen"]["node_exporter"] == "[::]:9100"
    assert view["scrape_configs"][1]["static_configs"][0]["targets"] == ["[2001:db8::2]:9100"]
    assert view["external_urls"]["node_exporter"] == "http://[2001:db8::2]:9100/"


def test_a_firewall_opens_nothing_for_a_public_listener_without_clients() -> None:
    view = single_host(pushgateway_listen_address="0.0.0.0").view("mon1")

    assert {rule["port"] for rule in view["firewall"]} == {80}


def test_with_tls_the_edge_moves_and_keeps_its_plain_port_for_redirects() -> None:
    view = single_host(edge_tls=True, stack_address="mon.example.net").view("mon1")

    assert view["listen"]["edge"] == "0.0.0.0:443"
    assert view["listen"]["edge:plain"] == "0.0.0.0:80"
    assert view["external_url"] == "https://mon.example.net"
    assert {rule["port"] for rule in view["firewall"]} == {80, 443}


def test_a_host_outside_the_stack_sees_it_but_has_no_part_in_it() -> None:
    view = single_host().host("other").view("other")

    assert view["components"] == []
    assert view["listen"] == {}
    assert view["firewall"] == []
    assert view["external_url"] == "http://10.0.0.1"
