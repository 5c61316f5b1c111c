"""Exporters that stand beside what they watch, and who keeps data in which PostgreSQL."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.promontory.stack.plugins.module_utils import topology

from .topology_builder import COMPONENTS, Inventory, jobs, pair, single_host, targets


def shop(**variables: Any) -> Inventory:
    """Return a monitoring host, a database host and two hosts with the sample app."""
    inventory = (
        Inventory()
        .host("mon1", "prometheus", "alertmanager", "mailbox", "edge")
        .host("db1", "postgresql")
        .host("shop1", "sample_app")
        .host("shop2", "sample_app")
    )
    return inventory.everywhere(**variables)


def test_an_exporter_runs_on_the_hosts_of_what_it_stands_beside() -> None:
    inventory = shop()

    assert inventory.view("mon1")["components"] == ["mailbox", "edge_exporter", "alertmanager", "prometheus", "edge"]
    assert inventory.view("db1")["components"] == ["postgresql", "postgres_exporter"]
    assert targets(jobs(inventory.view("mon1"))["edge_exporter"]) == ["127.0.0.1:9180"]
    assert targets(jobs(inventory.view("mon1"))["postgres_exporter"]) == ["10.0.0.2:9187"]


def test_a_host_in_both_groups_runs_it_once() -> None:
    inventory = shop()
    inventory.groups["postgres_exporter"] = ["db1"]

    assert inventory.view("db1")["components"].count("postgres_exporter") == 1


def test_an_exporter_beside_can_be_left_out() -> None:
    inventory = pair(stack_components_extra={"edge_exporter": {"beside": None}})

    assert "edge_exporter" not in inventory.view("edge1")["components"]


def test_an_own_component_can_stand_beside_another() -> None:
    inventory = pair(stack_components_extra={"spy": {"port": 9999, "metrics_path": "/metrics", "beside": "sample_app"}})

    assert "spy" in inventory.view("shop1")["components"]
    assert targets(jobs(inventory.view("mon1"))["spy"]) == ["10.0.0.4:9999", "10.0.0.5:9999"]


@pytest.mark.parametrize("beside", ["edg", "spy"])
def test_what_stands_beside_nothing_is_refused(beside: str) -> None:
    inventory = pair(stack_components_extra={"spy": {"port": 9999, "beside": beside}})

    assert [
        message
        for _, message in inventory.problems
        if f"spy.beside is '{beside}', which is no other component" in message
    ]


def test_the_app_and_the_exporter_know_their_server() -> None:
    inventory = shop()

    assert inventory.view("shop1")["databases"] == {"sample_app": {"host": "db1", "address": "10.0.0.2", "port": 5432}}
    assert inventory.view("db1")["databases"] == {
        "postgres_exporter": {"host": "db1", "address": "127.0.0.1", "port": 5432}
    }
    assert inventory.view("mon1")["databases"] == {}


def test_the_server_knows_from_where_each_client_comes_and_listens_for_them() -> None:
    view = shop().view("db1")

    assert view["database_clients"] == {"postgres_exporter": ["127.0.0.1"], "sample_app": ["10.0.0.3", "10.0.0.4"]}
    assert view["listen_address"]["postgresql"] == "0.0.0.0"
    assert {"port": 5432, "proto": "tcp", "from": ["10.0.0.3", "10.0.0.4"], "component": "postgresql"} in view[
        "firewall"
    ]


def test_a_server_for_its_own_host_listens_on_loopback() -> None:
    view = single_host().view("mon1")

    assert view["listen"]["postgresql"] == "127.0.0.1:5432"
    assert view["database_clients"] == {"postgres_exporter": ["127.0.0.1"], "sample_app": ["127.0.0.1"]}
    assert not [rule for rule in view["firewall"] if rule["port"] == 5432]


def test_a_server_on_an_address_of_the_users_sees_its_host_come_from_there() -> None:
    view = single_host(postgresql_listen_address="192.0.2.7").view("mon1")

    assert view["databases"]["sample_app"]["address"] == "192.0.2.7"
    assert view["database_clients"]["sample_app"] == ["192.0.2.7"]


def test_without_a_server_the_app_has_none() -> None:
    assert pair().view("shop1")["databases"] == {}


def test_a_database_is_nothing_that_people_open_and_never_speaks_the_stacks_tls() -> None:
    inventory = shop(stack_tls=True)

    assert "postgresql" not in inventory.view("mon1")["external_urls"]
    assert inventory.view("db1")["local_url"]["postgresql"] == "postgresql://127.0.0.1:5432"
    assert topology.load(inventory.model).hosts["db1"].endpoints["postgresql"].tls is None
    assert "scheme" in COMPONENTS["postgresql"]


def test_two_servers_are_refused() -> None:
    inventory = shop()
    inventory.groups["postgresql"].append("shop1")

    assert [message for _, message in inventory.problems if "The group postgresql has 2 hosts (db1, shop1)" in message]


def test_an_exporter_of_a_server_elsewhere_must_know_which() -> None:
    inventory = pair()
    inventory.groups["postgres_exporter"] = ["mon1"]

    assert [host for host, message in inventory.problems if "postgres_exporter has no server to ask" in message] == [
        "mon1"
    ]
    inventory.everywhere(postgres_exporter_address="db.example.net")
    assert [
        host for host, message in inventory.problems if "postgres_exporter_address is 'db.example.net'" in message
    ] == ["mon1"]
    inventory.everywhere(postgres_exporter_address="db.example.net:5432")
    assert inventory.view("mon1")["databases"] == {}
