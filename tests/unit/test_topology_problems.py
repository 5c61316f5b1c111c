"""Impossible topologies are refused with the host, the value and the way out."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .topology_builder import Inventory, pair, single_host


def _without_alertmanager() -> Inventory:
    return Inventory().host("mon1", "prometheus")


def _without_mail() -> Inventory:
    return Inventory().host("mon1", "prometheus", "alertmanager")


def _two_edges() -> Inventory:
    inventory = pair()
    inventory.groups["edge"].append("mon1")
    return inventory


def _misspelt(group: str) -> Inventory:
    return single_host().host("web1", group)


def _same_address() -> Inventory:
    return pair().everywhere(stack_address="192.0.2.1")


def _extra(**lines: object) -> Inventory:
    return single_host(stack_components_extra=lines)


def _extra_said_twice() -> Inventory:
    inventory = pair()
    inventory.hosts["mon1"]["stack_components_extra"] = {"redis_exporter": {"port": 9121}}
    inventory.hosts["mon2"]["stack_components_extra"] = {"redis_exporter": {"port": 9122}}
    return inventory


IMPOSSIBLE: dict[str, tuple[Callable[[], Inventory], str, tuple[str, ...]]] = {
    "no component at all": (lambda: Inventory().host("h", "web"), "", ("No group", "prometheus, ")),
    "no alertmanager": (_without_alertmanager, "mon1", ("group alertmanager is empty", "prometheus_alertmanagers")),
    "no way for mail": (_without_mail, "mon1", ("alertmanager_smtp_smarthost is empty", "mail.example.net:587")),
    "broken mail server": (
        lambda: single_host(alertmanager_smtp_smarthost="mail.example.net"),
        "mon1",
        ("'mail.example.net'", "host:port"),
    ),
    "two mailboxes": (
        lambda: single_host().host("mon2", "mailbox"),
        "",
        ("mailbox has 2 hosts (mon1, mon2)", "keep one"),
    ),
    "two edges": (_two_edges, "", ("edge has 2 hosts (edge1, mon1)", "stack_external_url")),
    "edge in front of nothing": (
        lambda: Inventory().host("edge1", "edge", "node_exporter"),
        "edge1",
        ("nothing to serve", "edge_path"),
    ),
    "group with a dash": (
        lambda: _misspelt("node-exporter"),
        "",
        ("'node-exporter' (web1)", "Did you mean node_exporter?"),
    ),
    "group misspelt": (lambda: _misspelt("node_exporters"), "", ("'node_exporters'", "stack_other_groups")),
    "group in capitals": (lambda: _misspelt("Prometheus"), "", ("'Prometheus'", "Did you mean prometheus?")),
    "ports clash": (
        lambda: single_host(pushgateway_port=9090),
        "mon1",
        ("pushgateway and prometheus both listen on port 9090", "Set prometheus_port"),
    ),
    "second port clashes": (
        lambda: single_host(mailbox_smtp_port=8000),
        "mon1",
        ("mailbox:smtp and sample_app both listen on port 8000",),
    ),
    "port of the wrong type": (
        lambda: single_host(prometheus_port="9090"),
        "mon1",
        ("prometheus_port is '9090'", "1 and 65535"),
    ),
    "port out of range": (lambda: single_host(prometheus_port=70000), "mon1", ("prometheus_port is 70000",)),
    "tls as text": (
        lambda: single_host(node_exporter_tls="yes"),
        "mon1",
        ("node_exporter_tls is 'yes'", "true or false"),
    ),
    "credentials incomplete": (
        lambda: single_host(prometheus_auth={"username": "x"}),
        "mon1",
        ("prometheus_auth must be", "password_file"),
    ),
    "address with a blank": (lambda: single_host(stack_address="mon 1"), "mon1", ("'mon 1'", "ansible_host")),
    "listen address is no address": (
        lambda: single_host(prometheus_listen_address="0.0.0.0:9090/"),
        "mon1",
        ("prometheus_listen_address is '0.0.0.0:9090/'", "leave it out"),
    ),
    "loopback listener with remote clients": (
        lambda: pair(node_exporter_listen_address="127.0.0.1"),
        "shop1",
        ("node_exporter_listen_address is 127.0.0.1", "mon1, mon2 must reach"),
    ),
    "loopback address with other hosts": (
        lambda: (
            Inventory()
            .host("mon1", "prometheus", "alertmanager", "mailbox")
            .host("shop1", "node_exporter", stack_address="127.0.0.1")
        ),
        "shop1",
        ("stack_address is 127.0.0.1", "mon1 must reach"),
    ),
    "several Grafana with a database each": (
        lambda: pair().host("g1", "grafana").host("g2", "grafana", grafana_database={"type": "mysql"}),
        "g1",
        ("group grafana has 2 hosts (g1, g2)", "postgres or mysql"),
    ),
    "left out what nobody knows": (
        lambda: single_host(stack_without=["grafna"]),
        "",
        ("stack_without names 'grafna', which is no component",),
    ),
    "left out without a list": (lambda: single_host(stack_without="grafana"), "", ("must be a list of components",)),
    "one address for several hosts": (_same_address, "mon1", ("same address 192.0.2.1", "port 9100")),
    "external url without scheme": (
        lambda: single_host(stack_external_url="mon.example.net"),
        "mon1",
        ("stack_external_url is 'mon.example.net'", "https://mon.example.net"),
    ),
    "outside alertmanager without scheme": (
        lambda: single_host(prometheus_alertmanagers=["am:9093"]),
        "mon1",
        ("prometheus_alertmanagers: 'am:9093'", "https://"),
    ),
    "outside alertmanagers are no list": (
        lambda: single_host(prometheus_alertmanagers="http://am:9093"),
        "mon1",
        ("prometheus_alertmanagers is 'http://am:9093'", "list"),
    ),
    "extra: unknown key": (
        lambda: _extra(redis_exporter={"port": 9121, "metric_path": "/metrics"}),
        "",
        ("stack_components_extra.redis_exporter.metric_path", "Did you mean metrics_path?"),
    ),
    "extra: no port": (
        lambda: _extra(redis_exporter={"metrics_path": "/metrics"}),
        "",
        ("redis_exporter has no port",),
    ),
    "extra: port as text": (lambda: _extra(redis_exporter={"port": "9121"}), "", ("'9121'", "a whole number")),
    "extra: port out of range": (lambda: _extra(redis_exporter={"port": 0}), "", ("between 1 and 65535",)),
    "extra: no mapping": (lambda: _extra(redis_exporter=9121), "", ("redis_exporter is 9121", "port: 9121")),
    "extra: bad name": (lambda: _extra(**{"redis-exporter": {"port": 9121}}), "", ("'redis-exporter'", "lower-case")),
    "extra: reserved name": (lambda: _extra(stack={"port": 9121}), "", ("'stack' cannot be the name",)),
    "extra: edge path without slashes": (
        lambda: _extra(pushgateway={"edge_path": "/push"}),
        "",
        ("pushgateway.edge_path is '/push'", "start and end with /"),
    ),
    "extra: edge path taken": (
        lambda: _extra(pushgateway={"edge_path": "/mail/push/"}),
        "",
        ("mailbox and pushgateway share the path /mail/push/",),
    ),
    "extra: not the same on two hosts": (
        _extra_said_twice,
        "",
        ("redis_exporter differs between mon1", "group_vars/all.yml"),
    ),
    "extra: no mapping at all": (
        lambda: single_host(stack_components_extra=["redis_exporter"]),
        "mon1",
        ("stack_components_extra is ['redis_exporter']",),
    ),
}


@pytest.mark.parametrize(("build", "host", "words"), IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
def test_it_is_refused_with_the_way_out(build: Callable[[], Inventory], host: str, words: tuple[str, ...]) -> None:
    problems = build().problems

    said = [message for where, message in problems if where == host]
    assert any(all(word in message for word in words) for message in said), problems


@pytest.mark.parametrize(
    "build",
    [
        single_host,
        pair,
        lambda: single_host().host("web1", "webservers", "eu_west", "db"),
        lambda: single_host().everywhere(stack_other_groups=["edges"]).host("web1", "edges"),
        lambda: pair().host("other", "node-exporter", stack_other_groups=["node-exporter"]),
        lambda: Inventory().host("mon1", "prometheus", prometheus_alertmanagers=["http://am.example.net:9093"]),
        lambda: single_host(stack_address="127.0.0.1"),
        lambda: single_host(
            prometheus_listen_address="127.0.0.2", pushgateway_listen_address="127.0.0.3", pushgateway_port=9090
        ),
    ],
    ids=[
        "single",
        "pair",
        "other groups",
        "meant group",
        "meant dash",
        "outside alertmanager",
        "only host is local",
        "same port, other address",
    ],
)
def test_what_can_work_is_not_refused(build: Callable[[], Inventory]) -> None:
    assert build().problems == []


def test_a_group_that_shares_hosts_with_the_component_it_resembles_is_fine() -> None:
    inventory = single_host()
    inventory.groups["prometheuses"] = ["mon1"]

    assert inventory.problems == []


def test_two_edges_behind_one_name_are_fine() -> None:
    inventory = _two_edges().everywhere(stack_external_url="https://mon.example.net")

    assert inventory.problems == []


def test_everything_wrong_is_said_at_once() -> None:
    inventory = single_host(prometheus_port=0, node_exporter_tls="no", stack_address="a b").host(
        "web1", "node-exporter"
    )

    assert len(inventory.problems) == 4
