"""A real Alertmanager with our mail templates, sending over SMTP to a mailbox of the test."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.error
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.promontory.stack.plugins.plugin_utils.alertmanager import mail

from tests.mailbox.conftest import PROJECT, WAIT_S, Mailbox, wait_for
from tests.support.processes import free_port

# Debian's build reads Alertmanager's own templates from here, upstream's has them inside.
_DEBIAN_TEMPLATES = b"/usr/share/prometheus/alertmanager"
TEMPLATES = PROJECT / "roles" / "alertmanager" / "files" / "templates"
RECEIVER = "on call & co"


@dataclass
class Alertmanager:
    """One running Alertmanager; `api` posts what Prometheus would post."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def fire(self, *alerts: dict[str, Any]) -> None:
        """Post alerts, each a mapping of labels, annotations, startsAt and, when it is over, endsAt."""
        request = urllib.request.Request(
            f"{self.url}/api/v2/alerts", json.dumps(alerts).encode(), {"Content-Type": "application/json"}
        )
        urllib.request.urlopen(request, timeout=WAIT_S).close()

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(WAIT_S)


def relocate(program: Path, folder: Path) -> Path:
    """Copy a program so that Debian's build looks for Alertmanager's own templates in its working directory.

    They are empty there: none of them is used, and the mails must not need them. The path inside is exchanged for one
    of the same length, so nothing has to be installed on the machine that runs the tests.
    """
    content = program.read_bytes().replace(_DEBIAN_TEMPLATES, b".".ljust(len(_DEBIAN_TEMPLATES), b"/"))
    copy = folder / program.name
    copy.write_bytes(content)
    copy.chmod(0o755)
    return copy


def start(
    program: Path,
    mailbox: Mailbox,
    folder: Path,
    external_url: str,
    *,
    smtp: dict[str, Any] | None = None,
    timezone: str = "UTC",
    group_by: tuple[str, ...] = ("alertname", "environment", "service"),
    group_interval: str = "1s",
) -> Alertmanager:
    """Start a relocated Alertmanager whose only receiver is the mailbox, with the mail settings that the role makes.

    Args:
        smtp: Keys under ``global`` besides or instead of those for a mailbox without TLS.
        timezone: As the unit sets it (alertmanager_mail_timezone).
    """
    port = free_port()
    config = {
        "global": {
            "smtp_smarthost": f"127.0.0.1:{mailbox.smtp_port}",
            "smtp_from": "alerts@lab.test",
            "smtp_hello": "lab",
            "smtp_require_tls": False,
        }
        | (smtp or {}),
        "templates": [f"{TEMPLATES}/*.tmpl"],
        "route": {
            "receiver": RECEIVER,
            "group_by": list(group_by),
            "group_wait": "1s",  # alerts posted together travel together
            "group_interval": group_interval,
            "repeat_interval": "1h",
        },
        "receivers": [{"name": RECEIVER, "email_configs": [mail.receiver(RECEIVER, {"to": "oncall@lab.test"})]}],
    }
    folder.mkdir()
    for name in ("default.tmpl", "email.tmpl"):
        (folder / name).touch()
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                program,
                f"--config.file={folder / 'alertmanager.yml'}",
                f"--storage.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                f"--web.external-url={external_url}",
                "--web.route-prefix=/",
                "--cluster.listen-address=",
            ],
            cwd=folder,
            env=os.environ | {"TZ": timezone},
            stderr=output,
            stdout=output,
        )
    running = Alertmanager(f"http://127.0.0.1:{port}", process, log)

    def answers() -> bool:
        assert process.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(f"{running.url}/-/ready", timeout=WAIT_S):
                return True
        except urllib.error.URLError:
            return False

    wait_for(answers, "Alertmanager")
    return running


def alert(
    name: str = "SampleAppErrorRatioHigh",
    instance: str = "app-1",
    *,
    severity: str = "critical",
    minutes_ago: float = 3,
    lasted_s: int | None = None,
    annotations: dict[str, str] | None = None,
    **labels: str,
) -> dict[str, Any]:
    """Make an alert as Prometheus sends it: firing since `minutes_ago`, or over after `lasted_s` seconds."""
    starts = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    made: dict[str, Any] = {
        "labels": {
            "alertname": name,
            "environment": "lab",
            "instance": instance,
            "job": "sample_app",
            "service": "sample_app",
            "severity": severity,
            "team": "payments",
        }
        | labels,
        "annotations": {
            "summary": f"The sample app on {instance} fails its users",
            "description": "42.5% of the requests of the last 1 min were answered with a 5xx status (limit 5%).",
            "impact": "Customers see errors; deposits, withdrawals and transfers may not go through.",
            "action": "Look for a fault left on (GET /admin/faults), then: journalctl -u sample_app -n 100",
            "runbook_url": "https://runbooks.test/SampleAppErrorRatioHigh.md",
        }
        if annotations is None
        else annotations,
        "startsAt": starts.isoformat(),
        "generatorURL": "http://lab.test/prometheus/graph?g0.expr=up+%3D%3D+0&g0.tab=1",
    }
    if lasted_s is not None:
        made["endsAt"] = (starts + timedelta(seconds=lasted_s)).isoformat()
    return made
