"""The model as a value: deterministic, plain, quick, and one truth with the roles' defaults."""

from __future__ import annotations

import json
import random
import time
from typing import Any

import pytest
import yaml
from ansible_collections.promontory.stack.plugins.module_utils import topology
from ansible_collections.promontory.stack.plugins.module_utils.topology import inventory as topology_inventory

from .topology_builder import COMPONENTS, ROOT, Inventory, pair, single_host


def test_the_order_of_the_inventory_does_not_matter() -> None:
    inventory = pair()
    shuffled = Inventory()
    names = list(inventory.hosts)
    random.Random(7).shuffle(names)  # noqa: S311  not for secrets
    shuffled.hosts = {name: inventory.hosts[name] for name in names}
    shuffled.groups = {group: hosts[::-1] for group, hosts in reversed(inventory.groups.items())}

    assert topology.dump(shuffled.model) == topology.dump(inventory.model)


def test_the_run_order_is_the_registrys() -> None:
    assert single_host().view("mon1")["components"] == [
        "mailbox",
        "blackbox_exporter",
        "node_exporter",
        "pushgateway",
        "postgresql",
        "edge_exporter",
        "postgres_exporter",
        "sample_app",
        "heartbeat",
        "alertmanager",
        "prometheus",
        "grafana",
        "edge",
    ]


def test_model_and_text_give_the_same_view() -> None:
    model = pair().model

    assert topology.view(model, "mon1") == topology.view(topology.dump(model), "mon1")


def test_a_view_is_plain_json() -> None:
    view = pair(stack_tls=True).view("edge1")

    assert json.loads(json.dumps(view)) == view


@pytest.mark.parametrize("wrong", ["{}", "not json", {"hosts": {}}, 7, '{"components": {"x": 1}, "hosts": {}}'])
def test_what_is_no_model_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match="no topology model"):
        topology.view(wrong, "mon1")


def test_a_hundred_hosts_are_modelled_well_under_a_second() -> None:
    """A tenth of the promise, measured as 0.02 s, so that a quadratic loop shows."""
    inventory = (
        Inventory()
        .host("mon1", "prometheus", "alertmanager", "mailbox", "edge")
        .host("mon2", "prometheus", "alertmanager")
    )
    for number in range(98):
        inventory.host(f"web{number}", "node_exporter", "sample_app")

    started = time.perf_counter()
    text = topology.dump(inventory.model)
    topology.view(text, "mon1")
    topology.view(text, "web97")

    assert time.perf_counter() - started < 0.5


def test_settings_of_the_model_repeat_the_defaults_of_the_roles() -> None:
    """The model must know a default without running the role that declares it."""
    declared: dict[str, Any] = {}
    for path in [*ROOT.glob("roles/*/defaults/main.yml"), *ROOT.glob("roles/*/defaults/main/*.yml")]:
        declared.update(yaml.safe_load(path.read_text()) or {})

    # These two are made by the roles: a mail to the one on call, and a file below the secrets' folder.
    made_by_roles = {"alertmanager_receivers", "stack_edge_auth"}
    for name, default in topology_inventory.SETTINGS.items():
        assert name in declared, name
        if name not in made_by_roles:
            assert declared[name] == default, name


def test_every_component_has_a_role() -> None:
    assert [name for name in COMPONENTS if not (ROOT / "roles" / name / "tasks/main.yml").is_file()] == []


def test_gathering_asks_for_wanted_variables_of_members_only() -> None:
    asked: dict[str, set[str]] = {}

    def lookup(host: str, names: Any) -> dict[str, Any]:
        asked.setdefault(host, set()).update(names)
        return {"stack_components_extra": {"redis_exporter": {"port": 9121}}} if host == "cache1" else {}

    topology.gather(
        lookup, {"all": ["mon1", "cache1", "other"], "prometheus": ["mon1"], "redis_exporter": ["cache1"]}, COMPONENTS
    )

    assert asked["other"] == {"stack_components_extra", "stack_other_groups", "stack_without"}
    assert "redis_exporter_port" in asked["cache1"], "a component that only its own host names is found"
    assert "prometheus_listen_address" in asked["mon1"]
    assert "node_exporter_port" not in asked["mon1"]
