"""What one host cannot show: who reaches whom, and that several act as one."""

from __future__ import annotations

import json
import socket
import time
import uuid

import pytest

from tests.support.asking import Door, StackHost, wait_until

Hosts = dict[str, StackHost]
PROMETHEUS = ("node1", "node2")
# The last of three members sends, if nobody told it that it was done, after two peer timeouts of 15 s. That nothing
# comes can only be waited for.
TURNS_S = 2 * 15 + 5
ALERTMANAGER = "http://127.0.0.1:9093/api/v2"


def _targets(host: StackHost) -> dict[tuple[str, str], str]:
    active = host.json("http://127.0.0.1:9090/api/v1/targets?state=active")["data"]["activeTargets"]
    return {(target["labels"]["job"], target["labels"]["instance"]): target["health"] for target in active}


def test_both_prometheus_watch_the_same_targets_on_all_hosts(hosts: Hosts) -> None:
    first, second = (_targets(hosts[name]) for name in PROMETHEUS)

    assert first == second
    assert {instance for job, instance in first if job == "node_exporter"} == {"node1", "node2", "node3"}
    assert set(first.values()) == {"up"}


def test_a_pair_differs_in_its_replica_label_and_in_nothing_else(hosts: Hosts) -> None:
    labels = {}
    for name in PROMETHEUS:
        config = hosts[name].json("http://127.0.0.1:9090/api/v1/status/config")["data"]["yaml"]
        lines = config[config.index("external_labels:") :].splitlines()[1:4]
        labels[name] = {line.strip() for line in lines if line.startswith("    ")}

    assert labels["node1"] ^ labels["node2"] == {"replica: node1", "replica: node2"}


def test_an_alert_of_both_is_one_alert(hosts: Hosts) -> None:
    """Without the dropped replica label each person would be woken twice."""

    def both_have_sent_it() -> bool:
        told = (hosts[name].text("http://127.0.0.1:9090/metrics").splitlines() for name in PROMETHEUS)
        sent = f'prometheus_notifications_sent_total{{alertmanager="http://{hosts["node3"].address}:'
        return all(any(line.startswith(sent) and float(line.split()[-1]) > 0 for line in lines) for lines in told)

    wait_until(both_have_sent_it, "alerts of both at node3")
    held = hosts["node3"].json(f"{ALERTMANAGER}/alerts?filter=alertname%3D%22Watchdog%22")

    assert len(held) == 1
    assert "replica" not in held[0]["labels"]


@pytest.mark.parametrize("name", ["node1", "node2", "node3"])
def test_every_alertmanager_knows_all_members(hosts: Hosts, name: str) -> None:
    cluster = hosts[name].json(f"{ALERTMANAGER}/status")["cluster"]

    assert (cluster["status"], len(cluster["peers"])) == ("ready", 3)


def test_a_silence_made_at_one_member_holds_at_the_others(hosts: Hosts) -> None:
    silence = {
        "matchers": [{"name": "alertname", "value": "Gossip", "isRegex": False}],
        "startsAt": "2020-01-01T00:00:00Z",
        "endsAt": "2099-01-01T00:00:00Z",
        "createdBy": "test",
        "comment": "made at node1",
    }

    made = hosts["node1"].json(f"{ALERTMANAGER}/silences", json.dumps(silence))["silenceID"]

    heard = lambda: made in hosts["node3"].text(f"{ALERTMANAGER}/silences")  # noqa: E731
    wait_until(heard, "the silence at node3", limit_s=90)


def test_three_alertmanagers_send_one_mail(hosts: Hosts, door: Door) -> None:
    """Each waits for those before it in the row; the mail must not follow from the second and third."""
    token = uuid.uuid4().hex[:12]
    labels = {"alertname": "OneMail", "severity": "info", "route": "synthetic", "token": token}
    for host in hosts.values():
        host.text(f"{ALERTMANAGER}/alerts", json.dumps([{"labels": labels}]))

    mails = lambda: door.get(f"/mail/api/messages?subject={token}").json()  # noqa: E731
    wait_until(mails, "the mail of the alert")

    time.sleep(TURNS_S)
    assert len(mails()) == 1


def test_the_edge_reaches_programs_of_other_hosts(door: Door) -> None:
    for path in ("/prometheus/-/ready", "/alertmanager/-/ready", "/pushgateway/-/ready", "/blackbox/-/healthy"):
        assert door.get(path).status_code == 200, path


def test_what_only_its_own_host_uses_listens_there_alone(hosts: Hosts) -> None:
    """The mailbox's SMTP port has clients on other hosts, the sample app's page has only the edge beside it."""

    def reachable(name: str, port: int) -> bool:
        with socket.socket() as knock:
            knock.settimeout(5)
            return knock.connect_ex((hosts[name].address, port)) == 0

    assert not reachable("node3", 8000)
    assert reachable("node3", 2525)
    assert reachable("node2", 9100)
