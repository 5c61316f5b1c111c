"""What the blackbox exporter looks at: doors, mail servers, and what the user adds."""

from __future__ import annotations

from typing import Any

import pytest

from .topology_builder import Inventory, jobs, pair, single_host


def probes(view: dict[str, Any], job: str = "blackbox") -> dict[str, tuple[str, str]]:
    """Return target and module by the label `probe`."""
    return {
        static["labels"]["probe"]: (static["targets"][0], static["labels"].get("__tmp_module", "http_2xx"))
        for static in jobs(view)[job]["static_configs"]
    }


def test_pages_of_operators_are_opened_with_their_password() -> None:
    found = probes(pair().view("mon1"))

    assert found["edge"] == ("http://10.0.0.1/healthz", "http_2xx")
    assert found["sample_app"] == ("http://10.0.0.1/app/healthz", "http_2xx")
    assert found["prometheus"] == ("http://10.0.0.1/prometheus/-/ready", "http_2xx_operator")
    assert found["alertmanager"] == ("http://10.0.0.1/alertmanager/-/ready", "http_2xx_operator")


def test_a_mailbox_is_greeted_from_beside_an_alertmanager_only() -> None:
    """It listens for its clients alone; a probe from elsewhere would open it to one more."""
    assert "mailbox" not in probes(pair().view("mon1"))

    inventory = pair()
    inventory.groups["blackbox_exporter"].append("mon2")
    view = inventory.view("mon1")
    assert probes(view, "blackbox:2")["mailbox"] == ("10.0.0.1:2525", "smtp")
    assert "mailbox" not in probes(view)
    assert {"job": "blackbox", "instance": "10.0.0.1:2525"} in view["expectations"]["targets"]


def test_a_mailbox_of_the_same_host_is_greeted_on_loopback() -> None:
    assert probes(single_host().view("mon1"))["mailbox"] == ("127.0.0.1:2525", "smtp")


@pytest.mark.parametrize(
    ("smarthost", "require_tls", "module"),
    [
        ("mail.example.net:587", True, "smtp_starttls"),
        ("mail.example.net:465", True, "smtp_tls"),
        ("mail.example.net:25", False, "smtp"),
    ],
)
def test_a_mail_server_outside_is_greeted_as_the_alertmanager_greets_it(
    smarthost: str, require_tls: bool, module: str
) -> None:
    inventory = pair(alertmanager_smtp_smarthost=smarthost, alertmanager_smtp_require_tls=require_tls)

    assert probes(inventory.view("mon1"))["smarthost"] == (smarthost, module)


def test_a_mail_server_outside_is_greeted_from_beside_an_alertmanager_where_that_is_possible() -> None:
    inventory = pair(alertmanager_smtp_smarthost="mail.example.net:587")
    inventory.groups["blackbox_exporter"].append("mon2")
    view = inventory.view("mon1")

    assert "smarthost" in probes(view, "blackbox:2")
    assert "smarthost" not in probes(view)


def test_probes_of_the_user_have_their_module_and_are_expected() -> None:
    inventory = pair()
    inventory.hosts["edge1"]["blackbox_exporter_probes"] = [
        {"name": "shop", "target": "https://shop.example.net/"},
        {"name": "dns", "target": "10.0.0.2", "module": "dns_soa"},
    ]
    view = inventory.view("mon1")

    assert probes(view)["shop"] == ("https://shop.example.net/", "http_2xx")
    assert probes(view)["dns"] == ("10.0.0.2", "dns_soa")
    assert {"job": "blackbox", "instance": "https://shop.example.net/"} in view["expectations"]["targets"]


def test_probes_of_the_user_need_no_edge() -> None:
    inventory = Inventory().host("mon1", "prometheus", "blackbox_exporter", prometheus_alertmanagers=["http://am:9093"])
    inventory.everywhere(blackbox_exporter_probes=[{"name": "shop", "target": "https://shop.example.net/"}])

    assert set(probes(inventory.view("mon1"))) == {"shop"}


@pytest.mark.parametrize(
    "told",
    [
        "https://shop.example.net/",
        {"shop": "https://shop.example.net/"},
        ["https://shop.example.net/"],
        [{"name": "shop"}],
        [{"name": "shop", "url": "https://shop.example.net/"}],
        [{"name": "shop", "target": "https://shop.example.net/", "modul": "http_2xx"}],
        [{"name": "", "target": "https://shop.example.net/"}],
        [{"name": "shop", "target": 7}],
    ],
)
def test_a_probe_that_is_none_is_refused(told: Any) -> None:
    found = [message for _, message in pair(blackbox_exporter_probes=told).problems]

    assert [
        message
        for message in found
        if message.startswith("blackbox_exporter_probes") and "Write [{name: shop" in message
    ]


def test_the_module_of_a_target_reaches_the_exporter_with_every_prometheus() -> None:
    job = jobs(single_host().view("mon1"))["blackbox"]

    assert {"source_labels": ["__tmp_module"], "regex": "(.+)", "target_label": "__param_module"} in job["relabel_configs"]
    assert job["params"] == {"module": ["http_2xx"]}
