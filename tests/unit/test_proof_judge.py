"""What the proof makes of the programs' answers."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.promontory.stack.plugins.module_utils.proof import judge

URL = "http://127.0.0.1:9090"
WANTED = [{"job": "node_exporter", "instance": "web1"}, {"job": "prometheus", "instance": "mon1"}]


def target(job: str, instance: str, health: str = "up", error: str = "", **discovered: str) -> dict[str, Any]:
    """An active target as Prometheus tells it."""
    return {
        "labels": {"job": job, "instance": instance},
        "health": health,
        "lastError": error,
        "discoveredLabels": {"__address__": "10.0.0.5:9100", **discovered},
    }


UP = [target("node_exporter", "web1"), target("prometheus", "mon1")]


def test_all_expected_targets_up_and_no_other_is_well() -> None:
    found = judge.targets(UP, WANTED, [], URL)

    assert (found.ok, found.detail, found.look) == (True, "2 of 2 up", "")


def test_a_target_that_is_down_is_named_with_its_reason_and_its_hosts_journal() -> None:
    found = judge.targets([target("node_exporter", "web1", "down", "connection refused"), UP[1]], WANTED, [], URL)

    assert not found.ok
    assert found.detail == "node_exporter/web1 is not up (connection refused)"
    assert (found.on, found.look) == ("web1", "journalctl -u node_exporter -n 50 --no-pager")


def test_a_target_that_was_not_scraped_yet_is_not_well_yet() -> None:
    found = judge.targets([target("node_exporter", "web1", "unknown"), UP[1]], WANTED, [], URL)

    assert "not scraped yet" in found.detail


def test_a_missing_target_is_looked_for_in_prometheus() -> None:
    found = judge.targets(UP[1:], WANTED, [], URL)

    assert found.detail == "node_exporter/web1 is not scraped"
    assert (found.on, found.look) == ("", f"curl -s {URL}/api/v1/targets?state=active")


def test_a_target_that_the_topology_does_not_expect_is_a_miss() -> None:
    """What was taken out of the inventory must be gone from the running stack."""
    found = judge.targets([*UP, target("redis", "web1")], WANTED, [], URL)

    assert found.detail == "redis/web1 is scraped, but the topology has no such target"


def test_an_own_job_of_the_user_must_be_up_but_is_no_surprise() -> None:
    router = target("router", "10.0.0.1:9100")

    assert judge.targets([*UP, router], WANTED, ["router"], URL).ok
    assert not judge.targets([*UP, {**router, "health": "down"}], WANTED, ["router"], URL).ok


def test_discovered_targets_of_the_user_come_and_go() -> None:
    gone = target("ec2", "10.0.0.9:9100", "down", __meta_ec2_instance_id="i-1")

    assert judge.targets([*UP, gone], WANTED, ["ec2"], URL).ok


def test_discovered_targets_are_no_surprise_under_a_job_of_the_topology() -> None:
    """Pods found in Kubernetes have the job of the same program on hosts."""
    pod_found = target("node_exporter", "pod-a", __meta_kubernetes_pod_name="pod-a")

    assert judge.targets([*UP, pod_found], WANTED, [], URL).ok


def test_many_misses_are_counted_and_not_listed() -> None:
    found = judge.targets([], [{"job": "node_exporter", "instance": f"web{number}"} for number in range(9)], [], URL)

    assert found.detail.endswith("; and 6 more")


def pod(cluster: str, name: str, answers: int = 1) -> dict[str, Any]:
    """A sample of a pod as a query gives it."""
    return {"metric": {"cluster": cluster, "pod": name}, "value": [0, str(answers)]}


def test_pods_of_every_cluster_that_answer_are_well() -> None:
    found = judge.clusters([pod("shop", "a"), pod("shop", "b"), pod("eks", "c")], ["shop", "eks"], URL)

    assert (found.ok, found.detail) == (True, "3 pods of 2 clusters answer")


def test_a_cluster_without_pods_is_a_miss() -> None:
    """An expired token finds no pods at all, and no target would be down."""
    found = judge.clusters([pod("shop", "a")], ["shop", "eks"], URL)

    assert not found.ok
    assert found.detail == "eks: no pod is known"


def test_pods_that_do_not_answer_are_named() -> None:
    found = judge.clusters([pod("shop", "a"), pod("shop", "b", 0)], ["shop"], URL)

    assert not found.ok
    assert found.detail == "shop: 1 of 2 pods do not answer (b)"


def test_a_failing_probe_is_named() -> None:
    found = judge.probes([{"metric": {"instance": "http://shop/healthz"}}], 2, URL)

    assert (found.ok, found.detail) == (False, "http://shop/healthz fails")
    assert "http://shop/healthz" in found.look


@pytest.mark.parametrize(
    ("groups", "ok"),
    [
        pytest.param([{"name": "host", "rules": [{"name": "Down", "health": "ok"}]}], True, id="healthy"),
        pytest.param([{"name": "host", "rules": [{"name": "Down", "health": "err", "lastError": "boom"}]}], False, id="failing"),
        pytest.param([{"name": "host", "rules": [{"name": "Down", "health": "unknown"}]}], False, id="not evaluated yet"),
        pytest.param([], False, id="none where there should be some"),
    ],
)
def test_rules_must_evaluate(groups: list[dict[str, Any]], *, ok: bool) -> None:
    assert judge.rules(groups, True, URL).ok is ok


def test_no_rules_are_well_where_none_are_configured() -> None:
    assert judge.rules([], False, URL).ok


@pytest.mark.parametrize(("success", "ok"), [(True, True), (False, False), (None, False)])
def test_a_refused_reload_is_a_miss(success: bool | None, *, ok: bool) -> None:
    assert judge.configuration({"reloadConfigSuccess": success}).ok is ok


def test_prometheus_must_know_as_many_alertmanagers_as_there_are() -> None:
    one = [{"url": "http://10.0.0.5:9093/api/v2/alerts"}]

    assert judge.alertmanagers(one, 1, URL).ok
    assert judge.alertmanagers(one, 2, URL).detail.startswith("1 of 2 active")


@pytest.mark.parametrize(
    ("status", "expected", "ok"),
    [
        pytest.param({"cluster": {"status": "disabled"}}, 1, True, id="alone"),
        pytest.param({"cluster": {"status": "ready", "peers": [{}, {}]}}, 1, False, id="alone with a stranger"),
        pytest.param({"cluster": {"status": "ready", "peers": [{}, {}, {}]}}, 3, True, id="all three"),
        pytest.param({"cluster": {"status": "ready", "peers": [{}, {}]}}, 3, False, id="one is missing"),
        pytest.param({"cluster": {"status": "settling", "peers": [{}, {}, {}]}}, 3, False, id="not settled yet"),
        pytest.param({}, 3, False, id="nothing is said"),
    ],
)
def test_a_cluster_has_the_size_of_the_topology(status: dict[str, Any], expected: int, *, ok: bool) -> None:
    assert judge.cluster(status, expected, URL).ok is ok
