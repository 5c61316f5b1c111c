"""Alertmanagers and how they are found: peers, outside ones, the pair's replica label, the way of a mail."""

from __future__ import annotations

import pytest

from .topology_builder import Inventory, pair, single_host


def test_every_prometheus_tells_every_alertmanager() -> None:
    view = pair().view("mon1")

    assert view["alertmanagers"] == [
        {"scheme": "http", "api_version": "v2", "static_configs": [{"targets": ["127.0.0.1:9093", "10.0.0.3:9093"]}]}
    ]
    assert view["expectations"]["alertmanagers"] == 2


def test_alertmanagers_outside_the_inventory_are_told_too() -> None:
    outside = ["https://am.example.net/alerts", "http://192.0.2.1:9093"]
    view = single_host(prometheus_alertmanagers=outside).view("mon1")

    assert view["alertmanagers"][1:] == [
        {
            "scheme": "https",
            "api_version": "v2",
            "path_prefix": "/alerts",
            "static_configs": [{"targets": ["am.example.net:443"]}],
        },
        {"scheme": "http", "api_version": "v2", "static_configs": [{"targets": ["192.0.2.1:9093"]}]},
    ]
    assert view["expectations"]["alertmanagers"] == 3


def test_members_of_a_pair_differ_in_replica_and_their_alerts_do_not() -> None:
    first, second = (pair(stack_external_labels={"site": "north"}).view(host) for host in ("mon1", "mon2"))

    assert first["external_labels"] == {"site": "north", "replica": "mon1"}
    assert second["external_labels"] == {"site": "north", "replica": "mon2"}
    assert first["alert_relabel_configs"] == [{"regex": "replica", "action": "labeldrop"}]


def test_a_prometheus_alone_has_no_replica_label() -> None:
    view = single_host().view("mon1")

    assert view["external_labels"] == {}
    assert view["alert_relabel_configs"] == []


def test_the_only_alertmanager_does_not_gossip() -> None:
    view = single_host().view("mon1")

    assert (view["cluster_peers"], view["cluster_listen"], view["cluster_advertise"]) == ([], "", "")
    assert view["expectations"]["alertmanager_cluster_size"] == 1


def test_peers_are_the_others_at_their_own_ports() -> None:
    inventory = pair()
    inventory.hosts["mon2"]["alertmanager_cluster_port"] = 19094

    view = inventory.view("mon1")

    assert view["cluster_peers"] == ["10.0.0.3:19094"]
    assert view["cluster_listen"] == "0.0.0.0:9094"
    assert view["cluster_advertise"] == "10.0.0.2:9094"
    assert view["expectations"]["alertmanager_cluster_size"] == 2


def test_mail_goes_to_the_mailbox_of_the_inventory() -> None:
    assert single_host().view("mon1")["smarthost"] == {
        "host": "127.0.0.1",
        "port": 2525,
        "require_tls": False,
        "component": "mailbox",
    }
    assert pair().view("mon2")["smarthost"]["host"] == "10.0.0.1"
    assert pair().view("edge1")["smarthost"] is None, "no Alertmanager there"


@pytest.mark.parametrize(
    ("told", "host", "port"),
    [("mail.example.net:587", "mail.example.net", 587), ("[2001:db8::5]:25", "2001:db8::5", 25)],
    ids=["name", "ipv6"],
)
def test_a_mail_server_of_the_user_wins_and_wants_tls(told: str, host: str, port: int) -> None:
    view = single_host(alertmanager_smtp_smarthost=told).view("mon1")

    assert view["smarthost"] == {"host": host, "port": port, "require_tls": True, "component": None}


def test_an_unused_mailbox_accepts_mail_from_its_own_host_only() -> None:
    inventory = pair(alertmanager_smtp_smarthost="mail.example.net:587")

    assert inventory.view("edge1")["listen"]["mailbox:smtp"] == "127.0.0.1:2525"


def test_mail_can_go_without_a_mailbox_when_receivers_want_none() -> None:
    receivers = [{"name": "pager", "webhook": [{"url": "https://pager.example.net"}]}]
    inventory = Inventory().host("mon1", "prometheus", "alertmanager", alertmanager_receivers=receivers)

    assert inventory.view("mon1")["smarthost"] is None


def test_every_alertmanager_posts_the_watchdog_to_every_heartbeat() -> None:
    inventory = pair().host("far1", "heartbeat", "node_exporter")

    assert inventory.view("mon1")["heartbeats"] == [{"url": "http://10.0.0.6:9095", "ca_file": ""}]
    assert inventory.view("mon2")["heartbeats"] == inventory.view("mon1")["heartbeats"]
    assert inventory.view("far1")["listen"]["heartbeat"] == "0.0.0.0:9095"
    assert inventory.view("far1")["heartbeats"] == [], "no Alertmanager there"


def test_the_heartbeat_mails_as_alertmanager_does_unless_it_is_told_otherwise() -> None:
    inventory = pair().host("far1", "heartbeat")
    assert inventory.view("far1")["heartbeat_smarthost"]["component"] == "mailbox"
    assert inventory.view("mon1")["heartbeat_smarthost"] is None

    inventory.everywhere(alertmanager_smtp_smarthost="mail.example.net:587")
    assert inventory.view("far1")["heartbeat_smarthost"]["host"] == "mail.example.net"

    inventory.hosts["far1"]["heartbeat_smtp_smarthost"] = "other.example.net:465"
    assert inventory.view("far1")["heartbeat_smarthost"]["host"] == "other.example.net"
