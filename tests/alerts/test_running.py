"""What a real Alertmanager does with the role's configuration: grouping, inhibition, hours, maintenance, credentials."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.promontory.stack.plugins.plugin_utils.alertmanager import render

from promontory.alerts import routing
from tests.alerts import running, settings
from tests.alerts.running import Alertmanager, Told
from tests.mailbox.conftest import wait_for

pytestmark = [pytest.mark.network, pytest.mark.slow]

HOST = {"environment": "test", "instance": "db1", "service": "host", "team": "platform", "severity": "warning"}
Deploy = Callable[..., tuple[Alertmanager, Told]]


@pytest.fixture(params=[("trixie", "0.28.1"), ("sid", "0.33.1")], ids=["0.28", "0.33"])
def deploy(
    request: pytest.FixtureRequest, real_program: Callable[[str, str], Path], tmp_path: Path
) -> Iterator[Deploy]:
    """Run Alertmanager with the role's settings, changed by name; each receiver is told at a path of its name."""
    suite, version = request.param
    with ExitStack() as stack:

        def run(*names: str, **changes: Any) -> tuple[Alertmanager, Told]:
            told = stack.enter_context(running.listening())
            receivers = [{"name": name, "webhook": [{"url": f"{told.url}/{name}"}]} for name in names or ["oncall"]]
            rendered = render(
                settings.settings(
                    **{
                        "receivers": receivers,
                        "default_receiver": receivers[0]["name"],
                        "own_inhibit_rules": yaml.safe_load(settings.INHIBITION.read_text(encoding="utf-8")),
                        **changes,
                    }
                )
            )
            config = settings.for_release(running.quick(rendered.config), version)
            path = settings.write(rendered, tmp_path, config)
            environment = {key: value.replace("{config}", str(tmp_path)) for key, value in rendered.environment.items()}
            program = real_program("alertmanager", suite) / "alertmanager"
            return stack.enter_context(running.running(program, path, environment)), told

        yield run


def around_now(minutes: int = 60) -> dict[str, str]:
    """A maintenance window that holds now, in the form of the variable."""
    now = datetime.now(UTC)
    begin, end = now - timedelta(minutes=minutes), now + timedelta(minutes=minutes)
    return {"start": f"{begin:%Y-%m-%d %H:%M}", "end": f"{end:%Y-%m-%d %H:%M}", "location": "UTC"}


def test_sixty_alerts_of_one_cause_are_one_notification(deploy: Deploy) -> None:
    """The loudest hour: what fails on every host is told once."""
    manager, told = deploy()

    manager.fire(*({**HOST, "alertname": "HostClockSkew", "instance": f"host{number}"} for number in range(60)))
    wait_for(lambda: told.of("oncall"), "a notification")
    running.settle()

    [post] = told.of("oncall")
    assert len(post["alerts"]) == 60


def test_a_dead_host_mutes_what_else_is_told_of_it(deploy: Deploy) -> None:
    manager, told = deploy()

    manager.fire({**HOST, "alertname": "HostDown", "severity": "critical"})
    wait_for(lambda: told.of("oncall"), "the page")
    manager.fire(
        {**HOST, "alertname": "TargetDown", "severity": "critical"},
        {**HOST, "alertname": "PostgresqlDown", "service": "postgresql"},
        {**HOST, "alertname": "HostClockSkew", "instance": "db2"},
    )
    wait_for(lambda: "HostClockSkew" in told.names("oncall"), "the alert of another host")
    running.settle()

    assert told.names("oncall") == ["HostDown", "HostClockSkew"]


def test_a_page_about_an_objective_mutes_its_ticket_and_no_other(deploy: Deploy) -> None:
    manager, told = deploy()
    objective = {"environment": "test", "service": "edge", "team": "platform"}

    manager.fire(
        {**objective, "alertname": "SloBurnFast", "slo": "edge-availability", "sli": "requests", "severity": "critical"}
    )
    wait_for(lambda: told.of("oncall"), "the page")
    manager.fire(
        {**objective, "alertname": "SloBurnSlow", "slo": "edge-availability", "sli": "probe", "severity": "warning"},
        {**objective, "alertname": "SloBurnSlow", "slo": "edge-latency", "sli": "requests", "severity": "warning"},
    )
    wait_for(lambda: "SloBurnSlow" in told.names("oncall"), "the ticket of another objective")
    running.settle()

    tickets = [
        alert["labels"]["slo"]
        for post in told.of("oncall")
        for alert in post["alerts"]
        if alert["labels"]["severity"] == "warning"
    ]
    assert tickets == ["edge-latency"]


def test_outside_working_hours_a_warning_waits_and_a_critical_alert_does_not(deploy: Deploy) -> None:
    """Hours of a day that is not today: whatever the clock says, they are not now."""
    now = datetime.now(UTC)
    other_day = f"{now + timedelta(days=3):%A}".lower()
    hours = {"location": "UTC", "weekdays": [other_day], "times": [{"start_time": "00:00", "end_time": "24:00"}]}
    manager, told = deploy(working_hours=hours)

    manager.fire({**HOST, "alertname": "HostClockSkew"}, {**HOST, "alertname": "HostMemoryLow", "severity": "critical"})
    wait_for(lambda: told.of("oncall"), "the page")
    running.settle()

    assert told.names("oncall") == ["HostMemoryLow"]
    # The command line says the same of both, and when the warning is told.
    config = manager.get("api/v2/status")["config"]["original"]
    [waiting] = routing.route(yaml.safe_load(config), {**HOST, "alertname": "HostClockSkew"}, now).told
    [page] = routing.route(yaml.safe_load(config), {**HOST, "severity": "critical"}, now).told
    assert waiting.muted_by == ("working-hours",)
    assert waiting.first_at is not None
    assert f"{waiting.first_at:%A %H:%M}".lower() == f"{other_day} 00:00"
    assert page.muted_by == ()


def test_within_working_hours_a_warning_is_told_but_not_on_a_holiday(deploy: Deploy) -> None:
    hours = {
        "location": "UTC",
        "weekdays": ["sunday:saturday"],
        "times": [{"start_time": "00:00", "end_time": "24:00"}],
    }
    holiday = {**hours, "holidays": [f"{datetime.now(UTC):%m-%d}"]}
    manager, told = deploy("a", "b", working_hours=holiday, teams={"other": {"receivers": ["b"]}}, severities={
        "critical": {}, "warning": {}, "info": {}})  # fmt: skip

    manager.fire({**HOST, "alertname": "HostClockSkew"}, {**HOST, "alertname": "HostInfo", "severity": "info"})
    wait_for(lambda: told.of("a"), "what does not wait")
    running.settle()

    assert told.names("a") == ["HostInfo"]


def test_maintenance_mutes_its_alerts_alone_and_in_every_route(deploy: Deploy) -> None:
    """Also where a team and a second address would have been told."""
    window = {"name": "disk", "matchers": ['instance="db1"'], **around_now()}
    manager, told = deploy(
        "oncall",
        "phone",
        "mine",
        maintenance=[window],
        critical_receivers=["phone"],
        teams={"platform": {"receivers": ["mine"]}},
    )

    manager.fire(
        *({**HOST, "alertname": "HostDown", "severity": "critical", "instance": host} for host in ("db1", "db2"))
    )
    wait_for(lambda: told.of("mine") and told.of("phone"), "the other host's page at both addresses")
    running.settle()

    for receiver in ("mine", "phone"):
        assert [alert["labels"]["instance"] for post in told.of(receiver) for alert in post["alerts"]] == ["db2"]
    assert told.of("oncall") == []


def test_a_window_that_is_over_mutes_nothing(deploy: Deploy) -> None:
    window = {
        "name": "disk",
        "matchers": ['instance="db1"'],
        "start": "2026-01-05 08:00",
        "end": "2026-01-05 09:00",
        "location": "UTC",
    }
    following = {
        "name": "next",
        "matchers": ['instance="db1"'],
        "start": "2050-01-05 08:00",
        "end": "2050-01-05 09:00",
        "location": "UTC",
    }
    manager, told = deploy(maintenance=[window, following])

    manager.fire({**HOST, "alertname": "HostDown", "severity": "critical"})

    wait_for(lambda: told.names("oncall") == ["HostDown"], "the page")


def test_each_team_is_told_of_its_own_and_the_second_address_of_what_is_critical(deploy: Deploy) -> None:
    manager, told = deploy("oncall", "pay", "phone", teams={"payments": {"receivers": ["pay"], "critical": ["phone"]}})

    manager.fire(
        {**HOST, "alertname": "Warned", "team": "payments"},
        {**HOST, "alertname": "Paged", "team": "payments", "severity": "critical"},
        {**HOST, "alertname": "Odd", "team": "payments", "severity": "strange"},
        {**HOST, "alertname": "Foreign"},
        {"alertname": "Bare"},
    )
    wait_for(lambda: len(told.names("pay")) == 3 and len(told.names("oncall")) == 2, "all of them")

    assert sorted(told.names("pay")) == ["Odd", "Paged", "Warned"]
    assert told.names("phone") == ["Paged"]
    assert sorted(told.names("oncall")) == ["Bare", "Foreign"]


def test_the_watchdog_reaches_the_heartbeats_and_nobody_else(deploy: Deploy) -> None:
    with running.listening() as heart:
        manager, told = deploy(heartbeats=[{"url": heart.url, "ca_file": ""}], heartbeat_token="t0ken")

        manager.fire(
            {
                "alertname": "Watchdog",
                "severity": "info",
                "route": "heartbeat",
                "team": "platform",
                "service": "alerting",
            }
        )
        wait_for(lambda: heart.posts, "the beat")
        running.settle()

        assert {path for path, _ in heart.posts} == {"/beat/t0ken"}
    assert told.posts == []


def test_sns_signs_with_the_key_of_the_credentials_file(deploy: Deploy) -> None:
    """Alertmanager has no file setting for it, but the library that it uses reads one."""
    with running.listening() as amazon:
        topic = {"name": "topic", "sns": [{
            "topic_arn": "arn:aws:sns:eu-central-1:1:a", "region": "eu-central-1", "api_url": f"{amazon.url}/",
            "access_key": "AKIDEXAMPLE", "secret_key": "hush"}]}  # fmt: skip
        manager, _ = deploy(receivers=[topic], default_receiver="topic")

        manager.fire({**HOST, "alertname": "HostClockSkew"})
        wait_for(lambda: amazon.heads, "the message")

    assert "Credential=AKIDEXAMPLE/" in amazon.heads[0]["Authorization"]
    assert "hush" not in manager.get("api/v2/status")["config"]["original"]
