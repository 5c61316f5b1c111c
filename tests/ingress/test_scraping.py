"""A real Prometheus with the role's own configuration, through nginx and the hub, and through the API server's stand-in."""

from __future__ import annotations

import functools
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.ingress.api_server import ApiServer
from tests.ingress.conftest import ALLOWED, APP_HOST, SOON_S, Cluster
from tests.ingress.running import TOKEN, Prometheus
from tests.sample_app.conftest import wait_until
from tests.support import prometheus_tree

pytestmark = [pytest.mark.network, pytest.mark.slow]

# A request that touches neither the database nor anything else that would count by itself.
ROUTE = "/version"
COUNT = f'http_server_request_duration_seconds_count{{cluster="shop", http_route="{ROUTE}"}}'


@pytest.fixture(scope="module")
def api_server(cluster: Cluster) -> Iterator[ApiServer]:
    pods = {name: f"{pod.metrics_url}/metrics" for name, pod in cluster.replicas.items()}
    api_server = ApiServer(pods, cluster.certificate)
    yield api_server
    api_server.stop()


@pytest.fixture(scope="module")
def prometheus(
    cluster: Cluster, api_server: ApiServer, tmp_path_factory: pytest.TempPathFactory,
    real_program: Callable[[str, str], Path],
) -> Iterator[Prometheus]:  # fmt: skip
    place = tmp_path_factory.mktemp("prometheus")
    both = {"token": TOKEN, "ca": cluster.certificate.authority.read_text(), "scrape_interval": "2s", "scrape_timeout": "2s"}
    configuration = prometheus_tree.render(
        place / "made",
        prometheus_kubernetes_clusters=[
            {"name": "shop", "scrape_via": "ingress", "url": f"https://localhost:{cluster.ingress.port}", **both},
            {"name": "eks", "scrape_via": "apiserver", "api_server": api_server.url, **both},
        ],
        prometheus_alertmanagers=["http://127.0.0.1:9"],
        prometheus_evaluation_interval="1s",
        # The times of the rules would make this a test of ten minutes; what they compare stays as it is.
        rules_alerts={name: {"for": "5s"} for name in ("SampleAppPodDown", "SampleAppPodsMissing")},
    )
    prometheus = Prometheus.start(real_program("prometheus", "sid") / "prometheus", place, configuration)
    wait_until(lambda: prometheus.value('sum(metrics_hub_target_up{cluster="shop"})') == 3, SOON_S)
    yield prometheus
    prometheus.program.stop()


def ask_the_service(cluster: Cluster, times: int) -> None:
    """Send requests through the public host, which spreads them over the replicas."""
    client = cluster.client(ALLOWED)
    for _ in range(times):
        assert client.gets(ROUTE, APP_HOST).statuses == [200]


def total(prometheus: Prometheus) -> float:
    """All requests that were ever counted, of pods that are gone too."""
    return prometheus.value(f"sum(max_over_time({COUNT}[10m]))") or 0


def reaches(prometheus: Prometheus, number: float) -> None:
    """Wait for the total, which must be this number and stay it."""
    wait_until(lambda: total(prometheus) >= number, SOON_S)
    assert total(prometheus) == number


def is_up(prometheus: Prometheus, pod: str) -> bool:
    return prometheus.value(f'metrics_hub_target_up{{pod="{pod}"}}') == 1


def test_totals_over_the_replicas_are_exact(cluster: Cluster, prometheus: Prometheus) -> None:
    ask_the_service(cluster, 60)

    reaches(prometheus, 60)
    assert cluster.counted(ROUTE) == 60
    per_pod = {sample["metric"]["instance"]: float(sample["value"][1]) for sample in prometheus.query(COUNT)}
    assert sorted(per_pod) == ["fintech-a", "fintech-b", "fintech-c"]
    assert all(count >= 20 for count in per_pod.values()), per_pod


def test_labels_are_the_pods_and_the_hubs(prometheus: Prometheus) -> None:
    [sample] = prometheus.query('fintech_build_info{cluster="shop", pod="fintech-a"}')
    [up] = prometheus.query('metrics_hub_target_up{pod="fintech-a"}')
    [hub] = prometheus.query('up{cluster="shop"}')

    common = {"cluster": "shop", "environment": "production"}
    assert sample["metric"].items() >= {**common, "job": "sample_app", "instance": "fintech-a", "pod": "fintech-a"}.items()
    assert up["metric"].items() >= {**common, "job": "metrics_hub", "instance": "shop", "pod": "fintech-a"}.items()
    assert (hub["metric"]["job"], hub["metric"]["instance"], hub["value"][1]) == ("metrics_hub", "shop", "1")


def test_both_ways_give_the_same_series_with_the_same_labels(prometheus: Prometheus) -> None:
    def series(cluster: str) -> set[frozenset[tuple[str, str]]]:
        matcher = f'{{cluster="{cluster}", job="sample_app", __name__!~"up|scrape_.*"}}'
        found = (sample["metric"] for sample in prometheus.query(matcher))
        return {frozenset(labels.items() - {("cluster", cluster)}) for labels in found}

    wait_until(lambda: prometheus.value('count(up{cluster="eks"} == 1)') == 3, SOON_S)
    # What came up between the two scrapes is there after the next one.
    wait_until(lambda: len(series("shop")) > 300 and series("shop") == series("eks"), SOON_S)


def test_exemplars_arrive_through_the_hub(cluster: Cluster, prometheus: Prometheus) -> None:
    ask_the_service(cluster, 3)

    def exemplars() -> list[dict[str, object]]:
        query = 'http_server_request_duration_seconds_bucket{cluster="shop"}'
        found: list[dict[str, object]] = prometheus.api("query_exemplars", query=query, start="0", end="4102444800")
        return found

    wait_until(lambda: bool(exemplars()), SOON_S)


def test_a_rollout_resets_no_counter_and_loses_no_request(cluster: Cluster, prometheus: Prometheus) -> None:
    expected = cluster.counted(ROUTE)

    for old, new in (("fintech-a", "fintech-d"), ("fintech-b", "fintech-e"), ("fintech-c", "fintech-f")):
        ask_the_service(cluster, 30)
        expected += 30
        # The last requests of a pod are lost to any way of scraping when nobody comes before it goes.
        reaches(prometheus, expected)
        cluster.replace(old, new)
        wait_until(functools.partial(is_up, prometheus, new), SOON_S)
    ask_the_service(cluster, 30)

    reaches(prometheus, expected + 30)
    assert prometheus.value('max(resets(http_server_request_duration_seconds_count{cluster="shop"}[10m]))') == 0
    assert prometheus.value('max(resets(process_cpu_seconds_total{cluster="shop"}[10m]))') == 0
    assert prometheus.value('count(count by (pod) (metrics_hub_target_up{cluster="shop"}))') == 3


def test_a_dead_pod_shows_and_its_alert_fires_and_clears(cluster: Cluster, prometheus: Prometheus) -> None:
    name = sorted(cluster.replicas)[0]

    cluster.kill(name)

    wait_until(lambda: prometheus.value(f'metrics_hub_target_up{{pod="{name}"}}') == 0, SOON_S)
    wait_until(lambda: bool(prometheus.firing("SampleAppPodDown")), SOON_S)
    assert {alert["pod"] for alert in prometheus.firing("SampleAppPodDown")} == {name}
    assert prometheus.firing("SampleAppPodsMissing") == []

    cluster.start(name)

    wait_until(lambda: not prometheus.firing("SampleAppPodDown"), SOON_S)
    assert prometheus.value(f'metrics_hub_target_up{{pod="{name}"}}') == 1


def test_no_pod_left_fires_the_alert_that_wakes_somebody_and_it_clears(cluster: Cluster, prometheus: Prometheus) -> None:
    for name in cluster.replicas:
        cluster.kill(name)

    wait_until(lambda: bool(prometheus.firing("SampleAppPodsMissing")), SOON_S)
    assert prometheus.value('up{cluster="shop"}') == 1, "the hub itself answers"

    cluster.start(*cluster.replicas)

    wait_until(lambda: not prometheus.firing("SampleAppPodsMissing"), SOON_S)


def test_a_wrong_token_at_the_api_server_finds_nobody(api_server: ApiServer, cluster: Cluster) -> None:
    """The stand-in would prove nothing if it let everybody in."""
    asked = urllib.request.Request(f"{api_server.url}/api/v1/namespaces/fintech/pods", headers={"Authorization": "Bearer x"})
    context = ssl.create_default_context(cafile=str(cluster.certificate.authority))

    with pytest.raises(urllib.error.HTTPError, match="401") as refused:
        urllib.request.urlopen(asked, context=context)
    refused.value.close()
