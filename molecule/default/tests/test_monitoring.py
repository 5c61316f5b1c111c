"""What Prometheus, Alertmanager and the exporters say about themselves and each other."""

from __future__ import annotations

import json

import pytest

from tests.support.asking import Door, StackHost, wait_until

JOBS = {
    "alertmanager", "blackbox", "blackbox_exporter", "mailbox", "node_exporter", "prometheus", "pushgateway", "sample_app",
    "edge_exporter", "heartbeat", "postgres_exporter",
}  # fmt: skip
ROUTES_TEST = "/opt/alertmanager/current/amtool config routes test --config.file=/etc/alertmanager/current/config/alertmanager.yml"


def test_every_job_of_the_topology_is_up_and_no_other_is_scraped(host: StackHost) -> None:
    states = {sample["metric"]["job"]: sample["value"][1] for sample in host.query("min by (job) (up)")}

    assert states == dict.fromkeys(JOBS, "1")


def test_targets_carry_the_host_and_the_environment(host: StackHost) -> None:
    labels = host.query('up{job="node_exporter"}')[0]["metric"]

    assert (labels["instance"], labels["environment"]) == ("all1", "molecule-default")


def test_all_rule_files_of_the_project_are_evaluated(host: StackHost) -> None:
    groups = host.json("http://127.0.0.1:9090/api/v1/rules")["data"]["groups"]
    health = {rule["health"] for group in groups for rule in group["rules"]}

    assert {group["file"].rsplit("/", 1)[-1] for group in groups} >= {"host.yml", "meta.yml", "sample_app.yml"}
    assert health == {"ok"}


def test_links_to_prometheus_lead_through_the_edge(host: StackHost, door: Door) -> None:
    flags = host.json("http://127.0.0.1:9090/api/v1/status/flags")["data"]

    assert flags["web.external-url"] == f"{door.url}/prometheus/"


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        pytest.param("severity=critical", "oncall", id="critical wakes somebody"),
        pytest.param("severity=info", "oncall", id="info is told too"),
        pytest.param("route=heartbeat severity=info", "heartbeat", id="the watchdog reaches no person"),
        pytest.param("route=synthetic severity=info", "oncall", id="the proof takes the way of people"),
    ],
)
def test_an_alert_goes_to_its_receiver(host: StackHost, labels: str, receiver: str) -> None:
    assert host.shell.check_output(f"{ROUTES_TEST} {labels}").strip() == receiver


def test_the_watchdog_is_always_on_its_way(host: StackHost) -> None:
    def states() -> list[str]:
        held = host.json("http://127.0.0.1:9093/api/v2/alerts?filter=alertname%3D%22Watchdog%22")
        return [alert["status"]["state"] for alert in held]

    # Prometheus evaluates its group some seconds after it was started, each group at its own moment.
    wait_until(lambda: states() == ["active"], "the Watchdog in Alertmanager")


def test_a_probe_through_the_edge_tells_whether_a_page_is_well(door: Door) -> None:
    well = door.get("/blackbox/probe", params={"module": "http_2xx", "target": f"{door.url}/healthz"})
    ill = door.get("/blackbox/probe", params={"module": "http_2xx", "target": f"{door.url}/nothing-here"})

    assert "\nprobe_success 1\n" in well.text
    assert "\nprobe_success 0\n" in ill.text


def test_doors_of_operators_and_the_mail_server_are_probed(host: StackHost) -> None:
    found = {sample["metric"]["probe"]: sample["value"][1] for sample in host.query("probe_success")}

    assert found == dict.fromkeys(["alertmanager", "edge", "mailbox", "prometheus", "sample_app"], "1")


def test_a_short_job_leaves_its_metric_and_a_restart_does_not_lose_it(host: StackHost) -> None:
    """Batch jobs push once; what the Pushgateway forgets is gone."""
    push = "printf 'nightly_backup_bytes 42\\n' | python3 -c %s http://127.0.0.1:9091/metrics/job/backup"
    code = (
        "import sys,urllib.request as u; u.urlopen(u.Request(sys.argv[1], data=sys.stdin.buffer.read(), method='PUT'))"
    )
    host.shell.check_output(push, code)

    host.shell.check_output("systemctl restart pushgateway")

    kept = lambda: host.value('nightly_backup_bytes{job="backup"}')  # noqa: E731
    assert wait_until(kept, "the pushed metric in Prometheus") == 42


def test_a_silence_of_an_operator_mutes_the_alert(host: StackHost) -> None:
    matcher = {"name": "alertname", "value": "NeverSeen", "isRegex": False}
    silence = {
        "matchers": [matcher],
        "startsAt": "2020-01-01T00:00:00Z",
        "endsAt": "2099-01-01T00:00:00Z",
        "createdBy": "test",
        "comment": "shows that silences are kept",
    }
    alert = [{"labels": {"alertname": "NeverSeen", "severity": "info"}}]
    host.json("http://127.0.0.1:9093/api/v2/silences", json.dumps(silence))

    host.text("http://127.0.0.1:9093/api/v2/alerts", json.dumps(alert))

    url = "http://127.0.0.1:9093/api/v2/alerts?filter=alertname%3D%22NeverSeen%22&active=false"
    held = wait_until(lambda: host.json(url), "the silenced alert")
    assert held[0]["status"]["state"] == "suppressed"
