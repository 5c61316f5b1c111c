"""The alerts behind the golden mails and the pictures: 1, 3 and 60 of one cause, as the deployed rules send them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

EXTERNAL_URL = "https://mon.example.net/alertmanager"
_EDGE = "https://mon.example.net"
# All moments are fixed, so that a mail tells the same whenever it is made; only "… ago" is counted from now.
BEGAN = datetime(2026, 1, 12, 3, 14, 7, tzinfo=UTC)

Alert = dict[str, Any]


@dataclass(frozen=True)
class Story:
    """Mails that one group of alerts causes, in this order.

    Attributes:
        name: Stem of the golden files.
        acts: For each mail its state, what the text must count, and what Prometheus sends before it.
    """

    name: str
    acts: Sequence[tuple[str, str, Sequence[Alert]]]


def error_ratio(*, lasted: timedelta | None = None) -> Alert:
    """The sample app answers too many requests with 5xx."""
    return _alert(
        {"alertname": "SampleAppErrorRatioHigh", "instance": "app1", "job": "sample_app", "service": "sample_app", "team": "payments"},
        summary="The sample app on app1 fails its users",
        description=(
            "42.5% of the requests of the last 1 min were answered with a 5xx status (limit 5% at more than 0.2/s), "
            "and that for 15 s."
        ),
        impact="Customers see errors; deposits, withdrawals and transfers may not go through.",
        action="Look for a fault left on (GET /admin/faults), then: journalctl -u sample_app -n 100",
        dashboard="promontory-sample-app",
        expression='sum by (environment, job, instance) (rate(http_server_request_duration_seconds_count{job="sample_app"}[1m])) > 0.05',
        lasted=lasted,
    )


def disk(instance: str, mountpoint: str, free: str, minutes: float, *, lasted: timedelta | None = None) -> Alert:
    """A file system has little left; `minutes` after the first one."""
    return _alert(
        {
            "alertname": "HostDiskAlmostFull", "instance": instance, "job": "node_exporter", "service": "host",
            "team": "platform", "mountpoint": mountpoint, "device": "/dev/nvme1n1", "fstype": "ext4",
        },
        summary=f"{mountpoint} on {instance} is almost full",
        description=f"{free} of {mountpoint} (/dev/nvme1n1) has been free for 5 min (limit 5%, at less than 10GiB).",
        impact="Programs that write there will fail; Prometheus stops storing samples.",
        action=f"On the host: du -xh --max-depth=2 {mountpoint} | sort -h | tail",
        dashboard="promontory-host",
        expression='(node_filesystem_avail_bytes{job="node_exporter"} / node_filesystem_size_bytes{job="node_exporter"}) < 0.05',
        after=timedelta(minutes=minutes),
        lasted=lasted,
    )


def host_down(number: int, *, lasted: timedelta | None = None) -> Alert:
    """A host does not answer."""
    instance = f"web{number:02}"
    return _alert(
        {"alertname": "HostDown", "instance": instance, "service": "host", "team": "platform"},
        summary=f"{instance} does not answer",
        description=f"All 3 programs of {instance} that are scraped have failed to answer for 20 s.",
        impact="Everything that runs on this host is gone or cannot be reached, and its metrics are missing.",
        action="See whether the host answers: ping, then ssh; then its console or the cloud's instance status.",
        dashboard="promontory-host",
        expression='count by (environment, instance) (up{job!="blackbox"} == 0) > 1',
        after=timedelta(seconds=number % 15),
        lasted=lasted,
    )


def _alert(
    labels: dict[str, str], *, summary: str, description: str, impact: str, action: str, dashboard: str, expression: str,
    after: timedelta = timedelta(0), lasted: timedelta | None = None,
) -> Alert:
    variables = f"var-environment=prod&var-instance={quote(labels['instance'], safe='')}"
    began = BEGAN + after
    made = {
        "labels": {"environment": "prod", "severity": "critical", **labels},
        "annotations": {
            "summary": summary, "description": description, "impact": impact, "action": action,
            "runbook_url": f"{_EDGE}/runbooks/{labels['alertname']}.html",
            "dashboard_url": f"{_EDGE}/grafana/d/{dashboard}?{variables}",
        },
        "startsAt": began.isoformat(),
        "generatorURL": f"{_EDGE}/prometheus/graph?g0.expr={quote(expression, safe='')}&g0.tab=1",
    }
    if lasted is not None:
        made["endsAt"] = (began + lasted).isoformat()
    return made


_TWO_DISKS = (disk("db1", "/var/lib/postgresql", "3.1%", 0), disk("web2", "/", "4.2%", 9))
STORIES = (
    Story("one", (
        ("firing", "SampleAppErrorRatioHigh\n", [error_ratio()]),
        ("resolved", "SampleAppErrorRatioHigh\n", [error_ratio(lasted=timedelta(minutes=14, seconds=30))]),
    )),
    Story("three", (
        ("firing", ", 3 firing\n", [*_TWO_DISKS, disk("db2", "/var/lib/postgresql", "2.7%", 4)]),
        ("mixed", ", 2 firing, 1 resolved\n", [disk("db2", "/var/lib/postgresql", "2.7%", 4, lasted=timedelta(minutes=21))]),
        ("resolved", ", 2 resolved\n", [
            disk("db1", "/var/lib/postgresql", "3.1%", 0, lasted=timedelta(hours=1, minutes=2)),
            disk("web2", "/", "4.2%", 9, lasted=timedelta(hours=25)),
        ]),
    )),
    Story("sixty", (
        ("firing", ", 60 firing\n", [host_down(number) for number in range(60)]),
        ("mixed", ", 40 firing, 20 resolved\n", [host_down(number, lasted=timedelta(minutes=3)) for number in range(20)]),
        ("resolved", ", 40 resolved\n", [host_down(number, lasted=timedelta(minutes=5, seconds=20)) for number in range(20, 60)]),
    )),
)
